//! All data is lost, the log is trimmed, or there is no room: in memory, or for the file.

use std::os::unix::fs::symlink;

use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

use super::keys::log_is_not_whole;
use super::{TAKES_WRITES, set};
use crate::checks::RunReport;
use crate::world::Case;

pub(super) async fn flushed(case: Case) -> RunReport {
    let (redis, mut stage) = set(&case, &[]).await;
    stage.world.allowed = TAKES_WRITES;
    redis.command::<()>(&["FLUSHALL"]).await;
    stage.end().await
}

pub(super) async fn log_trimmed(case: Case) -> RunReport {
    let (redis, mut stage) = set(&case, &[]).await;
    log_is_not_whole(&mut stage);
    for _ in 0..5 {
        let logs: Vec<String> = redis.command(&["KEYS", "*:log"]).await;
        for log in logs {
            redis.command::<u64>(&["XTRIM", &log, "MAXLEN", "1"]).await;
        }
        stage.world.load_goes_on(10).await;
    }
    stage.end().await
}

pub(super) async fn memory_full(case: Case) -> RunReport {
    let (redis, stage) = set(&case, &[]).await;
    limit_memory(&redis, "1").await;
    stage.pause(1000).await;
    limit_memory(&redis, "0").await;
    stage.end().await
}

async fn limit_memory(redis: &RedisServer, bytes: &str) {
    let words = ["CONFIG", "SET", "maxmemory", bytes];
    redis.command::<()>(&words).await;
}

/// The next append-only file is a device that is always full, until Redis begins another one.
pub(super) async fn disk_full(case: Case) -> RunReport {
    let options = ["--appendonly", "yes", "--appendfsync", "everysec"];
    let (redis, stage) = set(&case, &options).await;
    let file = redis
        .folder()
        .join("appendonlydir/appendonly.aof.2.incr.aof");
    symlink("/dev/full", file).expect("a new file");
    begin_file(&redis).await;
    eventually("Redis cannot write its file", async || {
        aof_status(&redis).await.as_deref() == Some("err")
    })
    .await;
    stage.pause(500).await;
    begin_file(&redis).await;
    eventually("Redis can write its file again", async || {
        aof_status(&redis).await.as_deref() == Some("ok")
    })
    .await;
    stage.end().await
}

async fn begin_file(redis: &RedisServer) {
    eventually("Redis begins a new file", async || {
        redis.attempt::<()>(&["BGREWRITEAOF"]).await.is_ok()
    })
    .await;
}

async fn aof_status(redis: &RedisServer) -> Option<String> {
    let info: String = redis.attempt(&["INFO", "persistence"]).await.ok()?;
    let status = info
        .lines()
        .find_map(|line| line.strip_prefix("aof_last_write_status:"));
    status.map(|status| status.trim().to_owned())
}
