//! The server forgets the scripts, takes permissions away, or gets another password.

use std::fs;

use people_testing::redis::RedisServer;

use super::set;
use crate::checks::RunReport;
use crate::faults::stage::{PATIENT, Stage};
use crate::world::{Case, World};

pub(super) async fn scripts_flushed(case: Case) -> RunReport {
    let (redis, stage) = set(&case, &[]).await;
    for _ in 0..20 {
        redis.command::<()>(&["SCRIPT", "FLUSH"]).await;
        stage.world.load_goes_on(3).await;
    }
    stage.end().await
}

/// Permission of the scripts, of the channels, and of one key.
pub(super) async fn permissions_taken(case: Case) -> RunReport {
    let (redis, stage) = set(&case, &[]).await;
    for (taken, given) in [
        ("-evalsha", "+evalsha"),
        ("resetchannels", "allchannels"),
        ("-@write", "+@write"),
    ] {
        redis
            .command::<()>(&["ACL", "SETUSER", "default", taken])
            .await;
        stage.pause(400).await;
        redis
            .command::<()>(&["ACL", "SETUSER", "default", given])
            .await;
        stage.world.load_goes_on(10).await;
    }
    stage.end().await
}

/// The gateways read their password from a file, and the server forgets the old one.
pub(super) async fn password_rotated(case: Case) -> RunReport {
    let redis = RedisServer::start(&[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    fs::write(&file, "old").expect("a file");
    let user = [
        "ACL", "SETUSER", "gateway", "on", ">old", "~*", "&*", "+@all",
    ];
    redis.command::<()>(&user).await;
    let url = format!("redis://gateway@127.0.0.1:{}", redis.port());
    let file_name = file.to_string_lossy().into_owned();
    let own = [
        ("store.url", url.as_str()),
        ("store.password_file", &file_name),
    ];
    let settings = [PATIENT, &own].concat();
    let world = World::at(&case, &redis.port().into(), 3, &settings).await;
    let stage = Stage::fill(world, redis.port().into()).await;
    for (old, new) in [("old", "newer"), ("newer", "newest")] {
        redis
            .command::<()>(&["ACL", "SETUSER", "gateway", &format!(">{new}")])
            .await;
        fs::write(&file, new).expect("the file");
        redis
            .command::<()>(&["ACL", "SETUSER", "gateway", &format!("<{old}")])
            .await;
        for kind in ["normal", "pubsub"] {
            redis
                .command::<u64>(&["CLIENT", "KILL", "TYPE", kind])
                .await;
        }
        stage.world.load_goes_on(20).await;
    }
    stage.end().await
}
