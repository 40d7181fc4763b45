//! Redis comes back with what it held some time ago, and the numbers that it lost are used again.

use super::judge::{Verdicts, judge};
use super::world::{Case, World};
use super::{failover, with_every_seed};
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

#[test]
fn views_become_true_again_when_redis_comes_back_older() {
    with_every_seed("an older Redis", older);
}

/// How the older state comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// From the last file that was saved.
    Saved,
    /// The same, and nobody writes afterwards.
    SavedAndQuiet,
    /// From an append-only file that lost its end.
    CutShort,
    /// From the last file, twice.
    Twice,
    /// Another server answers, and no connection was lost.
    Replaced,
}

const ALL: [How; 5] = [
    How::Saved,
    How::SavedAndQuiet,
    How::CutShort,
    How::Twice,
    How::Replaced,
];
/// Snapshots of many pages, some of which are read before the fault and some after it.
const SMALL_PAGES: &[(&str, &str)] = &[("live.snapshot_people", "3")];

async fn older(case: Case) -> Verdicts {
    let how = ALL[usize::try_from(case.seed).expect("small") % ALL.len()];
    let options: &[&str] = match how {
        How::CutShort => &[
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--aof-load-truncated",
            "yes",
        ],
        _ => &["--repl-diskless-sync-delay", "0"],
    };
    let redis = RedisServer::start(options).await;
    let mut world = World::new(
        &case,
        redis,
        2,
        if case.seed > 5 { SMALL_PAGES } else { &[] },
    )
    .await;
    let port = world.redis.port();
    world.people.found(&world.nodes[0].gateway, 8).await;
    world.join(0, "before all");
    world.all_live().await;
    let before = world.remember(0);

    world.pause().await;
    let kept = Kept::now(how, &world).await;
    let lost = world.number(1..41);
    world.write(0, lost / 2).await;
    world.join(1, "while people are written who will be lost");
    world.write(1, lost - lost / 2).await;
    world.all_live().await;
    for gateway in 0..2 {
        world.all_told(gateway, port).await;
    }
    world.join(0, "with pages that will be lost");
    if case.seed.is_multiple_of(3) {
        world.all_live().await;
    }
    let newest = world.remember(1);
    world.will_be_lost(port).await;
    let port = kept.comes_back(&mut world).await;
    if how == How::Twice {
        world.breaks = 2;
        let again = world.number(1..lost + 5);
        world.write(1, again).await;
        world.join(1, "between two faults");
        world.will_be_lost(port).await;
        kept.comes_back(&mut world).await;
    }
    world.mended();
    world.resume(&newest, 0, "with a lost cursor");
    world.resume(&before, 1, "with a cursor from before");
    world.join(1, "after the fault");
    if how != How::SavedAndQuiet {
        let after = [lost.div_ceil(2), lost, lost + 5][world.number(0..3)];
        world.write(0, after.div_ceil(2)).await;
        world.join(0, "among the next changes");
        world.write(1, after / 2).await;
    }
    judge(&mut world, 0, port).await
}

/// What the store will come back with.
enum Kept {
    File,
    Length(std::path::PathBuf, u64),
    Server(RedisServer),
}

impl Kept {
    async fn now(how: How, world: &World) -> Self {
        match how {
            How::Saved | How::SavedAndQuiet | How::Twice => {
                world.redis.command::<()>(&["SAVE"]).await;
                Self::File
            }
            How::CutShort => {
                let folder = std::fs::read_dir(world.redis.folder().join("appendonlydir"))
                    .expect("the folder");
                let mut files = folder.map(|file| file.expect("a file").path());
                let file = files
                    .find(|file| file.to_string_lossy().ends_with(".incr.aof"))
                    .expect("it grows");
                let length = std::fs::metadata(&file).expect("its size").len();
                Self::Length(file, length)
            }
            How::Replaced => Self::Server(failover::promoted(world).await),
        }
    }

    /// The older store is there; its port.
    async fn comes_back(&self, world: &mut World) -> u16 {
        if let Self::Server(server) = self {
            for node in &world.nodes {
                node.line.replace_server(server.port());
            }
            return server.port();
        }
        world.redis.kill9();
        if let Self::Length(file, length) = self {
            // In the middle of the next command.
            let file = std::fs::OpenOptions::new()
                .write(true)
                .open(file)
                .expect("the file");
            file.set_len(length + 40).expect("cut");
        }
        world.redis.restart().await;
        eventually("it has loaded", async || {
            world.redis.command::<usize>(&["DBSIZE"]).await > 0
        })
        .await;
        world.redis.port()
    }
}
