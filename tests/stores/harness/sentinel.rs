//! A master with replicas and sentinels: failovers, splits, and sentinels that are gone. On a busy
//! machine the sentinels may replace a master that is well: no test takes one for the last.

use people_testing::sentinel::{SentinelOptions, Sentinels};
use people_testing::wait::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_promoted_when_the_master_dies_though_a_sentinel_is_dead() {
    let mut group = Sentinels::start(2, 3).await;
    let old = group.master().await;
    assert_eq!(old, 0);
    group.kill_sentinel(1);
    group.wait_stable().await;
    group.kill9(old);
    let new = group.master_after(old).await;
    group.command::<()>(new, &["SET", "a", "x"]).await;
    group.restart(old).await;
    group.restart_sentinel(1).await;
    group.wait_stable().await;
    let copy: Option<String> = group.command(old, &["GET", "a"]).await;
    assert_eq!(
        copy.as_deref(),
        Some("x"),
        "the old master has the data of the new one"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel_failover_promotes_a_replica_and_so_does_a_frozen_master() {
    let mut group = Sentinels::start(2, 3).await;
    let first = group.master().await;
    let second = group.failover().await;
    assert_ne!(second, first);
    group.wait_stable().await;
    group.freeze(second);
    let third = group.master_after(second).await;
    assert_ne!(third, second);
    group.thaw(second);
    group.wait_stable().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_cut_off_goes_on_to_accept_writes_that_are_lost() {
    let mut group = Sentinels::start(2, 3).await;
    let old = group.split_master().await;
    group.master_after(old).await;
    group.command::<()>(old, &["SET", "a", "x"]).await;
    let role: (String, i64, Vec<String>) = group.command(old, &["ROLE"]).await;
    assert_eq!(role.0, "master");
    group.heal().await;
    group.wait_stable().await;
    let lost: Option<String> = group.command(old, &["GET", "a"]).await;
    assert_eq!(lost, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_needs_replicas_refuses_once_it_is_cut_off() {
    let mut group = Sentinels::start_with(
        2,
        3,
        SentinelOptions {
            min_replicas_to_write: 1,
            password: Some("people"),
            sentinel_password: Some("sentinels-own"),
            ..SentinelOptions::default()
        },
    )
    .await;
    assert!(
        group
            .url()
            .starts_with("redis-sentinel://default:people@127.0.0.1:")
    );
    let old = group.split_master().await;
    let refused = group.attempt::<()>(old, &["SET", "a", "x"]).await;
    let error = refused.expect_err("no replica is left");
    assert_eq!(error.code(), Some("NOREPLICAS"));
    eventually("the other replica follows the new master", async || {
        let new = group.master_after(old).await;
        group.attempt::<()>(new, &["SET", "a", "x"]).await.is_ok()
    })
    .await;
}
