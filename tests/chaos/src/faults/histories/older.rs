//! Redis restarts with an older state, and assigns the seqs that it lost to other changes.

use super::failover;
use people_testing::redis::RedisServer;

use crate::checks::{RunReport, check};
use crate::world::{Case, World};
use people_testing::wait::eventually;

/// The fault of the older state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A restart from the last file that was saved.
    Saved,
    /// The same, without writes afterwards.
    SavedAndQuiet,
    /// A restart from an append-only file that lost its end.
    Truncated,
    /// Two restarts from the last file.
    Twice,
    /// Another server takes over the open connections.
    Replaced,
}

const FAULTS: [Fault; 5] = [
    Fault::Saved,
    Fault::SavedAndQuiet,
    Fault::Truncated,
    Fault::Twice,
    Fault::Replaced,
];
/// Snapshots of many pages: some are read before the fault and some after it.
const SMALL_PAGES: &[(&str, &str)] = &[("live.snapshot_people", "3")];

pub(super) async fn older(case: Case) -> RunReport {
    let fault = FAULTS[usize::try_from(case.seed).expect("small") % FAULTS.len()];
    let options: &[&str] = match fault {
        Fault::Truncated => &[
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
    let port = world.redis().port();
    world.writer.populate(&world.nodes[0].gateway, 8).await;
    world.join(0, "before the fault");
    world.all_live().await;
    let before = world.saved_views(0);

    world.pause().await;
    let older_state = OlderState::capture(fault, &world).await;
    let lost = world.number(1..41);
    world.write(0, lost / 2).await;
    world.join(1, "during writes that will be lost");
    world.write(1, lost - lost / 2).await;
    world.all_live().await;
    for gateway in 0..2 {
        world.all_caught_up(gateway, port).await;
    }
    world.join(0, "with pages that will be lost");
    if case.seed.is_multiple_of(3) {
        world.all_live().await;
    }
    let lost_views = world.saved_views(1);
    world.save_lost_history(port).await;
    let port = older_state.restore(&mut world).await;
    if fault == Fault::Twice {
        world.allowed.discontinuities = 2;
        let again = world.number(1..lost + 5);
        world.write(1, again).await;
        world.join(1, "between two faults");
        world.save_lost_history(port).await;
        older_state.restore(&mut world).await;
    }
    world.end_faults();
    world.resume(&lost_views, 0, "with a lost cursor");
    world.resume(&before, 1, "with a cursor from before");
    world.join(1, "after the fault");
    if fault != Fault::SavedAndQuiet {
        let after = [lost.div_ceil(2), lost, lost + 5][world.number(0..3)];
        world.write(0, after.div_ceil(2)).await;
        world.join(0, "among the next changes");
        world.write(1, after / 2).await;
    }
    check(&mut world, 0, port).await
}

/// The older state of the store.
enum OlderState {
    /// The file that Redis saved.
    File,
    /// An append-only file and its length.
    Length(std::path::PathBuf, u64),
    Server(RedisServer),
}

impl OlderState {
    async fn capture(fault: Fault, world: &World) -> Self {
        match fault {
            Fault::Saved | Fault::SavedAndQuiet | Fault::Twice => {
                world.redis().command::<()>(&["SAVE"]).await;
                Self::File
            }
            Fault::Truncated => {
                let folder = std::fs::read_dir(world.redis().folder().join("appendonlydir"))
                    .expect("the folder");
                let mut files = folder.map(|file| file.expect("a file").path());
                let file = files
                    .find(|file| file.to_string_lossy().ends_with(".incr.aof"))
                    .expect("an append-only file");
                let length = std::fs::metadata(&file).expect("its size").len();
                Self::Length(file, length)
            }
            Fault::Replaced => Self::Server(failover::promote_replica(world).await),
        }
    }

    /// Brings the older state back. Returns the port of its server.
    async fn restore(&self, world: &mut World) -> u16 {
        if let Self::Server(server) = self {
            for node in &world.nodes {
                node.proxy().replace_server(server.port());
            }
            return server.port();
        }
        world.redis_mut().kill9();
        if let Self::Length(file, length) = self {
            // In the middle of the next command.
            let file = std::fs::OpenOptions::new()
                .write(true)
                .open(file)
                .expect("the file");
            file.set_len(length + 40).expect("cut");
        }
        world.redis_mut().restart().await;
        eventually("Redis has loaded its file", async || {
            world.redis().command::<usize>(&["DBSIZE"]).await > 0
        })
        .await;
        world.redis().port()
    }
}
