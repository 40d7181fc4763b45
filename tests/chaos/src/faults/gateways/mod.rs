//! A gateway is killed, frozen, drained, or finds that its clock has jumped. Its clients go to the
//! others.

use std::fs;
use std::path::PathBuf;

use people_testing::process::Gateway;
use people_testing::redis::RedisServer;
use rustix::process::Signal;

use super::stage::{PATIENT, Stage};
use super::{Fault, Servers};
use crate::checks::RunReport;
use crate::world::{Case, World};

const PARTITIONS: &[u16] = &[4, 1];

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "gateway-killed",
        what: "a gateway is killed and restarted, three times",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(killed(case)),
    },
    Fault {
        name: "gateway-frozen-60",
        what: "a gateway does not run for 60 s",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 0,
        schedule: |case| Box::pin(frozen(case)),
    },
    Fault {
        name: "gateway-drained",
        what: "a gateway is told to end, and restarted, three times",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(drained(case)),
    },
    Fault {
        name: "gateway-clock-jumped",
        what: "the clock of a gateway jumps an hour forth, a day back, and home",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(clock_jumped(case)),
    },
];

async fn set(case: &Case) -> (RedisServer, Stage) {
    let redis = RedisServer::start(&[]).await;
    let stage = Stage::set_roaming(case, redis.port().into(), &[]).await;
    (redis, stage)
}

async fn killed(case: Case) -> RunReport {
    let (_redis, mut stage) = set(&case).await;
    for _ in 0..3 {
        let victim = stage.world.number(0..3);
        stage.world.nodes[victim].gateway.kill9();
        // Its clients are live at another one.
        stage.heals().await;
        stage.world.load_goes_on(20).await;
        stage.world.nodes[victim].gateway.restart().await;
        stage.world.nodes[victim].gateway.wait_ready().await;
    }
    stage.end().await
}

async fn drained(case: Case) -> RunReport {
    let (_redis, mut stage) = set(&case).await;
    for _ in 0..3 {
        let victim = stage.world.number(0..3);
        let gateway = &mut stage.world.nodes[victim].gateway;
        gateway.signal(Signal::TERM);
        assert_eq!(gateway.exit_code().await, Some(0), "it ends in order");
        gateway.restart().await;
        gateway.wait_ready().await;
        stage.world.load_goes_on(20).await;
    }
    stage.end().await
}

async fn frozen(case: Case) -> RunReport {
    let (_redis, mut stage) = set(&case).await;
    let victim = stage.world.number(0..3);
    stage.world.nodes[victim].gateway.signal(Signal::STOP);
    stage.pause(60_000).await;
    stage.world.nodes[victim].gateway.signal(Signal::CONT);
    stage.end().await
}

/// Debian's libfaketime replaces the calls that tell the time of day, and reads the jump from a
/// file.
async fn clock_jumped(case: Case) -> RunReport {
    let redis = RedisServer::start(&[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("clock");
    let set_clock = |jump: &str| fs::write(&file, jump).expect("a file");
    set_clock("+0");
    let environment = [
        ("LD_PRELOAD", libfaketime()),
        ("FAKETIME_TIMESTAMP_FILE", file.clone()),
        ("FAKETIME_CACHE_DURATION", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
    ];
    let mut world = World::at(&case, &redis.port().into(), 3, PATIENT).await;
    let victim = world.number(0..3);
    let gateway: &mut Gateway = &mut world.nodes[victim].gateway;
    gateway.kill9_and_start_with(&environment).await;
    gateway.wait_ready().await;
    let stage = Stage::fill(world, redis.port().into()).await;
    for jump in ["+3600", "-86400", "+0"] {
        set_clock(jump);
        stage.pause(1100).await;
        stage.world.load_goes_on(30).await;
    }
    stage.end().await
}

/// The library of the command `faketime`.
fn libfaketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("a folder").flatten();
    let library = folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists());
    library.expect("faketime is installed (Debian: apt-get install faketime)")
}
