//! A master that sentinels watch: another one takes over, and nothing that was answered is lost.

use std::sync::Arc;

use people_gateway::store::Store;
use people_gateway::store::redis::{OpenError, Options, RedisStore, SentinelOptions};
use people_testing::sentinel::{SentinelOptions as Sentinelled, Sentinels};
use people_testing::wait::eventually;

use super::durability::replicas;
use super::load::Load;
use super::options;
use crate::redis::opening::{fatal_error, retryable_error};
use crate::redis::people::{assert_state_is_the_replayed_log, done, open, save};

async fn opened(sentinels: &Sentinels) -> Arc<RedisStore> {
    open(options(sentinels.url())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_and_a_frozen_master_lose_and_double_nothing() {
    let mut sentinels = Sentinels::start(2, 3).await;
    // A write is answered once a replica has it: with a master no answered one is lost.
    let store = open(Options {
        durability: Some(replicas(1)),
        ..options(sentinels.url())
    })
    .await;
    let load = Load::start(&store, 1);
    load.goes_on(1000).await;
    let first = sentinels.master().await;
    sentinels.kill9(first);
    let second = sentinels.master_after(first).await;
    load.goes_on(1000).await;
    sentinels.restart(first).await;
    sentinels.wait_stable().await;
    sentinels.freeze(second);
    sentinels.master_after(second).await;
    load.goes_on(1000).await;
    sentinels.thaw(second);
    load.goes_on(1000).await;
    let verdict = load.verdict(&store).await;
    assert_eq!((verdict.lost, verdict.doubled), (0, 0));
    assert_state_is_the_replayed_log(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_failover_goes_on_at_the_new_master() {
    let sentinels = Sentinels::start(2, 3).await;
    let store = opened(&sentinels).await;
    let load = Load::start(&store, 1);
    load.goes_on(1000).await;
    let old = sentinels.master().await;
    sentinels.failover().await;
    load.goes_on(1000).await;
    sentinels.wait_stable().await;
    let replica: String = sentinels.command(old, &["INFO", "replication"]).await;
    assert!(replica.contains("role:slave"), "{replica}");
    load.goes_on(300).await;
    let verdict = load.verdict(&store).await;
    assert_eq!(verdict.doubled, 0);
    assert_state_is_the_replayed_log(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_cut_off_is_left_for_the_new_one() {
    let mut sentinels = Sentinels::start(2, 3).await;
    let store = opened(&sentinels).await;
    let load = Load::start(&store, 1);
    load.goes_on(500).await;
    let before = store.heads().await.expect("heads");
    let cut = sentinels.split_master().await;
    let new = sentinels.master_after(cut).await;
    // The old one still answers, and says that it is a master.
    let old: String = sentinels.command(cut, &["INFO", "replication"]).await;
    assert!(old.contains("role:master"), "{old}");
    let load_at_new = async || {
        let head: Vec<String> = sentinels
            .command(new, &["HMGET", "{people.p0}:meta", "s"])
            .await;
        head[0].parse::<u64>().expect("a number")
    };
    let first = load_at_new().await;
    eventually("the new master is written to", async || {
        load_at_new().await > first + 100
    })
    .await;
    assert_eq!(before.len(), 1);
    let verdict = load.verdict(&store).await;
    assert_eq!(verdict.doubled, 0);
    sentinels.heal().await;
    assert_state_is_the_replayed_log(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_dead_sentinels_stop_nothing_and_the_account_of_sentinels_is_their_own() {
    let mut sentinels = Sentinels::start_with(
        1,
        3,
        Sentinelled {
            password: Some("of-the-servers"),
            sentinel_password: Some("of-the-sentinels"),
            ..Sentinelled::default()
        },
    )
    .await;
    let sentence = fatal_error(options(sentinels.url())).await;
    assert!(sentence.contains("store.sentinel.password"), "{sentence}");
    let signed_in = Options {
        sentinel: SentinelOptions {
            password: Some("of-the-sentinels".to_owned()),
            ..SentinelOptions::default()
        },
        ..options(sentinels.url())
    };
    let sentence = fatal_error(options(sentinels.sentinel(0).url())).await;
    assert!(sentence.contains("is a sentinel"), "{sentence}");
    let store = open(signed_in.clone()).await;
    sentinels.kill_sentinel(0);
    sentinels.kill_sentinel(1);
    done(&store, save(1, "A")).await;
    let again = open(signed_in.clone()).await;
    assert_eq!(assert_state_is_the_replayed_log(&again).await, 1);
    let another = signed_in.url.replace("/people", "/nobody");
    let sentence = fatal_error(Options {
        url: another,
        ..signed_in.clone()
    })
    .await;
    assert!(sentence.contains("nobody"), "{sentence}");
    sentinels.kill_sentinel(2);
    done(&store, save(2, "A")).await;
    assert!(matches!(
        RedisStore::open(signed_in.clone(), people_gateway::store::Metrics::default()).await,
        Err(OpenError::Unreachable { .. })
    ));
    assert!(retryable_error(signed_in).await.contains("nobody at"));
}
