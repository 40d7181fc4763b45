//! The process dies, or does not run for a while.

use super::{DURABLE, TAKES_WRITES, set};
use crate::checks::RunReport;
use crate::world::Case;

pub(super) async fn killed_always(case: Case) -> RunReport {
    killed(case, DURABLE).await
}

pub(super) async fn killed_everysec(case: Case) -> RunReport {
    let everysec = ["--appendonly", "yes", "--appendfsync", "everysec"];
    killed(case, &everysec).await
}

/// The file system keeps what a process wrote before it was killed.
async fn killed(case: Case, options: &[&str]) -> RunReport {
    let (mut redis, mut stage) = set(&case, options).await;
    for _ in 0..stage.world.number(1..4) {
        redis.kill9();
        stage.pause(200).await;
        redis.restart().await;
        stage.world.load_goes_on(20).await;
    }
    stage.end().await
}

pub(super) async fn frozen_3(case: Case) -> RunReport {
    frozen(case, 3).await
}

pub(super) async fn frozen_10(case: Case) -> RunReport {
    frozen(case, 10).await
}

pub(super) async fn frozen_40(case: Case) -> RunReport {
    frozen(case, 40).await
}

async fn frozen(case: Case, seconds: u64) -> RunReport {
    let (redis, mut stage) = set(&case, &[]).await;
    // `live.stale_after_ms` is 5 s.
    stage.world.must_be_stale = seconds > 6;
    redis.freeze();
    stage.pause(seconds * 1000).await;
    redis.thaw();
    stage.end().await
}

pub(super) async fn restarted_empty(case: Case) -> RunReport {
    let (mut redis, mut stage) = set(&case, &[]).await;
    stage.world.allowed = TAKES_WRITES;
    redis.kill9();
    redis.restart().await;
    stage.end().await
}
