//! One key is deleted, or holds a value of another type. Where the documents say so, an operator
//! runs `people-gateway check --repair`.

use std::process::{Command, Stdio};

use people_testing::redis::RedisServer;

use super::set;
use crate::checks::RunReport;
use crate::faults::stage::Stage;
use crate::world::{Allowance, Case};

/// A log begins anew, or without its beginning: it does not tell all people any more, and each save
/// of a person without a record begins an epoch.
pub(super) fn log_is_not_whole(stage: &mut Stage) {
    stage.world.log_is_whole = false;
    stage.world.allowed = Allowance {
        discontinuities: 16,
        losses: false,
        closes: false,
    };
}

/// A key of a random partition.
async fn a_key(redis: &RedisServer, stage: &mut Stage, what: &str) -> String {
    let pattern = format!("{{*}}:{what}");
    let mut keys: Vec<String> = redis.command(&["KEYS", &pattern]).await;
    keys.sort_unstable();
    let index = stage.world.number(0..keys.len());
    keys.swap_remove(index)
}

pub(super) async fn deleted(case: Case, what: &str) -> RunReport {
    let (redis, mut stage) = set(&case, &[]).await;
    log_is_not_whole(&mut stage);
    // The first save of one of its people begins a log without the others.
    stage.world.allowed.losses = what == "people";
    let key = a_key(&redis, &mut stage, what).await;
    redis.command::<u64>(&["DEL", &key]).await;
    stage.pause(500).await;
    repair(&redis, &case).await;
    stage.end().await
}

pub(super) async fn of_another_type(case: Case, what: &str) -> RunReport {
    let (redis, mut stage) = set(&case, &[]).await;
    let key = a_key(&redis, &mut stage, what).await;
    let aside = format!("{key}:aside");
    let mut swap = redis::pipe();
    swap.atomic()
        .cmd("RENAME")
        .arg(&key)
        .arg(&aside)
        .cmd("SET")
        .arg(&key)
        .arg("a text");
    let mut connection = redis.connect().await.expect("a connection");
    swap.exec_async(&mut connection).await.expect("both run");
    stage.pause(700).await;
    redis.command::<()>(&["RENAME", &aside, &key]).await;
    repair(&redis, &case).await;
    stage.end().await
}

/// Runs `people-gateway check --repair` as an operator would.
async fn repair(redis: &RedisServer, case: &Case) {
    let mut command = Command::new(people_testing::program());
    command
        .args(["check", "--repair", "--store", &redis.url()])
        .env_clear()
        .env(
            "PEOPLE_GATEWAY__STORE__PARTITIONS",
            case.partitions.to_string(),
        )
        .stdin(Stdio::null());
    let run = tokio::task::spawn_blocking(move || command.output());
    let output = run.await.expect("no panic").expect("the program runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "check --repair: {told}");
}
