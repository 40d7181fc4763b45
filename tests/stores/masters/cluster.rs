//! A cluster: the masters of its partitions change, and nothing is lost, doubled or missed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use people_gateway::domain::Partition;
use people_gateway::store::redis::{Options, PubSub, RedisStore};
use people_gateway::store::{FeedEvent, Metrics, Store, StoreError};
use people_testing::cluster::{Cluster, ClusterOptions};
use people_testing::wait::eventually;

use super::durability::replicas;
use super::load::Load;
use super::options;
use crate::redis::feed::TestFeed;
use crate::redis::opening::fatal_error;
use crate::redis::people::{
    assert_state_is_the_replayed_log, done, id, keyed, open, partitions, save,
};

async fn opened(cluster: &Cluster) -> Arc<RedisStore> {
    open(options(cluster.url())).await
}

/// A store that answers a write once a replica has it: with a master no answered one is lost.
async fn opened_durable(cluster: &Cluster) -> Arc<RedisStore> {
    open(Options {
        durability: Some(replicas(1)),
        ..options(cluster.url())
    })
    .await
}

/// The slot of partition n of twelve, on the way through its range.
pub(super) async fn slot_of(cluster: &Cluster, partition: usize) -> u16 {
    let keys: Vec<String> = keys(cluster).await.into_iter().collect();
    let wanted = keys.iter().find(|key| {
        let tag = key.trim_start_matches("{people.p").split(['-', '}']).next();
        key.ends_with(":meta") && tag == Some(&partition.to_string())
    });
    let wanted = wanted.expect("the partition has a head");
    cluster.command(0, &["CLUSTER", "KEYSLOT", wanted]).await
}

async fn keys(cluster: &Cluster) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for node in 0..3 {
        if let Ok(keys) = cluster.attempt::<Vec<String>>(node, &["KEYS", "*"]).await {
            all.extend(keys);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_cluster_gets_twelve_partitions_four_on_each_of_three_masters() {
    let cluster = Cluster::start(3, 0).await;
    let store = opened(&cluster).await;
    assert_eq!(store.partitions(), partitions(12));
    for node in 0..3 {
        let keys: Vec<String> = cluster.command(node, &["KEYS", "*:meta"]).await;
        assert_eq!(keys.len(), 4, "{keys:?}");
    }
    let mut feed = TestFeed::open(&store);
    let mut connected = BTreeSet::new();
    while connected.len() < 12 {
        connected.extend(feed.connected().await.iter().copied());
    }
    for n in 1..=100 {
        done(&store, save(n, "A")).await;
    }
    let mut seen = BTreeSet::new();
    while seen.len() < 100 {
        seen.insert(feed.change().await.id);
    }
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 100);

    let sentence = fatal_error(Options {
        partitions: Some(partitions(6)),
        ..options(cluster.url())
    })
    .await;
    assert!(sentence.contains("12"), "{sentence}");
    let single = format!("redis://{}", cluster.address(0));
    let sentence = fatal_error(options(single)).await;
    assert!(sentence.contains("redis-cluster://"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_of_the_url_is_enough_also_a_replica() {
    let mut cluster = Cluster::start(3, 1).await;
    let store = opened(&cluster).await;
    done(&store, save(1, "A")).await;
    let replica = cluster.replica_of(1).await;
    let from_replica = open(options(cluster.url_of(&[replica]))).await;
    assert_eq!(assert_state_is_the_replayed_log(&from_replica).await, 1);
    cluster.kill9(0);
    cluster.wait_stable().await;
    let from_dead = open(options(cluster.url_of(&[0, replica]))).await;
    assert_eq!(assert_state_is_the_replayed_log(&from_dead).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_loses_and_doubles_nothing() {
    let mut cluster = Cluster::start(3, 2).await;
    let store = opened_durable(&cluster).await;
    let load = Load::start(&store, 1);
    load.goes_on(1000).await;
    cluster.kill9(1);
    load.goes_on(1000).await;
    cluster.wait_stable().await;
    eventually("all partitions answer", async || {
        store.heads().await.is_ok()
    })
    .await;
    load.goes_on(1000).await;
    let verdict = load.verdict(&store).await;
    assert_eq!((verdict.lost, verdict.doubled), (0, 0));
    assert_state_is_the_replayed_log(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_master_loses_and_doubles_nothing() {
    let mut cluster = Cluster::start(3, 2).await;
    let store = opened_durable(&cluster).await;
    let load = Load::start(&store, 1);
    load.goes_on(1000).await;
    cluster.freeze(2);
    eventually("its replica is promoted", async || {
        store.heads().await.is_ok()
    })
    .await;
    load.goes_on(1000).await;
    cluster.thaw(2);
    cluster.wait_stable().await;
    load.goes_on(1000).await;
    let verdict = load.verdict(&store).await;
    assert_eq!((verdict.lost, verdict.doubled), (0, 0));
    assert_state_is_the_replayed_log(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_failover_and_moved_slots_fail_no_write() {
    let cluster = Cluster::start(3, 1).await;
    let store = opened(&cluster).await;
    let load = Load::start(&store, 1);
    load.goes_on(1000).await;
    let replica = cluster.replica_of(0).await;
    cluster.failover(replica).await;
    load.goes_on(1000).await;
    let slot = slot_of(&cluster, 7).await;
    let home = cluster.owner(slot).await;
    let away = if home == 2 { replica } else { 2 };
    for _ in 0..3 {
        cluster.move_slot(slot, away).await;
        load.goes_on(300).await;
        cluster.move_slot(slot, home).await;
        load.goes_on(300).await;
    }
    let verdict = load.verdict(&store).await;
    assert_eq!(
        (verdict.lost, verdict.doubled, verdict.unknown),
        (0, 0, 0),
        "{verdict:?}"
    );
    assert_state_is_the_replayed_log(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_without_a_key_go_on_while_a_slot_is_open_and_others_wait_for_its_end() {
    let cluster = Cluster::start(3, 0).await;
    let store = open(Options {
        retry_limit: Duration::from_secs(1),
        ..options(cluster.url())
    })
    .await;
    let fifth = Partition::new(5);
    let mut numbers = (1..).filter(|n| store.partitions().of(id(*n)) == fifth);
    let mut next = || numbers.next().expect("without an end");
    done(&store, save(next(), "A")).await;
    let slot = slot_of(&cluster, 5).await;
    let target = (cluster.owner(slot).await + 1) % 3;
    let open_move = cluster.begin_move(slot, target).await;
    done(&store, save(next(), "without a key")).await;
    // The record does not exist, so it may be here or there.
    let key = keyed(save(next(), "with a key"), 9);
    let refused = store.apply(key.clone()).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "nothing happened: {refused:?}"
    );
    cluster.move_keys(open_move, 2).await;
    let torn = store
        .apply(save(next(), "half of the keys are there"))
        .await;
    assert!(
        matches!(torn, Err(StoreError::Unavailable(_))),
        "nothing happened: {torn:?}"
    );
    cluster.finish_move(open_move).await;
    done(&store, save(next(), "at the target")).await;
    done(&store, key).await;
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_come_and_go() {
    let mut cluster = Cluster::start(3, 0).await;
    let store = opened(&cluster).await;
    let load = Load::start(&store, 1);
    load.goes_on(500).await;
    let slot = slot_of(&cluster, 3).await;
    let home = cluster.owner(slot).await;
    let node = cluster.add_node().await;
    cluster.move_slot(slot, node).await;
    load.goes_on(500).await;
    cluster.move_slot(slot, home).await;
    cluster.remove_node(node).await;
    load.goes_on(500).await;
    let verdict = load.verdict(&store).await;
    assert_eq!((verdict.lost, verdict.doubled), (0, 0));
    assert_state_is_the_replayed_log(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_of_all_nodes_everything_goes_on_from_the_append_only_files() {
    let options_of_nodes = ClusterOptions {
        redis: &["--appendonly", "yes", "--appendfsync", "always"],
        ..ClusterOptions::default()
    };
    let mut cluster = Cluster::start_with(3, 0, options_of_nodes).await;
    let store = opened(&cluster).await;
    let load = Load::start(&store, 1);
    load.goes_on(500).await;
    for node in 0..3 {
        cluster.kill9(node);
    }
    for node in 0..3 {
        cluster.restart(node).await;
    }
    load.goes_on(500).await;
    let verdict = load.verdict(&store).await;
    assert_eq!((verdict.lost, verdict.doubled), (0, 0));
    assert_state_is_the_replayed_log(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_master_begins_a_new_epoch_for_its_partitions_only() {
    let cluster = Cluster::start(3, 0).await;
    let store = opened(&cluster).await;
    for n in 1..=60 {
        done(&store, save(n, "A")).await;
    }
    let before = store.heads().await.expect("heads");
    cluster.command::<()>(1, &["FLUSHALL"]).await;
    let after = store.heads().await.expect("heads");
    let anew = before
        .iter()
        .zip(&after)
        .filter(|(b, a)| b.epoch != a.epoch);
    assert_eq!(anew.count(), 4);
    assert_eq!(before.iter().zip(&after).filter(|(b, a)| b == a).count(), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_double_nothing() {
    let cluster = Cluster::start(3, 0).await;
    let store = opened(&cluster).await;
    let load = Load::start(&store, 1);
    for round in 0..60 {
        load.goes_on(50).await;
        let kind = if round % 6 == 5 { "pubsub" } else { "normal" };
        cluster
            .command::<()>(round % 3, &["CLIENT", "KILL", "TYPE", kind])
            .await;
    }
    let verdict = load.verdict(&store).await;
    assert_eq!((verdict.lost, verdict.doubled), (0, 0));
    assert_state_is_the_replayed_log(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_follows_its_slot() {
    for pubsub in [PubSub::Sharded, PubSub::Classic] {
        let cluster = Cluster::start(3, 0).await;
        let store = RedisStore::open(
            Options {
                pubsub,
                ..options(cluster.url())
            },
            Metrics::default(),
        )
        .await
        .expect("the store opens");
        let mut feed = TestFeed::open(&store);
        let mut connected = BTreeSet::new();
        while connected.len() < 12 {
            connected.extend(feed.connected().await.iter().copied());
        }
        let slot = slot_of(&cluster, 5).await;
        let home = cluster.owner(slot).await;
        cluster.move_slot(slot, (home + 1) % 3).await;
        // Frames in between may be lost; those after the new subscription arrive.
        let (moved, mut seen) = (Partition::new(5), 0);
        let mut numbers = (1..).filter(|n| store.partitions().of(id(*n)) == moved);
        while seen < 3 {
            let n = numbers.next().expect("without an end");
            done(&store, save(n, "A")).await;
            while let Some(event) = feed.next_within(Duration::from_millis(200)).await {
                seen += usize::from(matches!(event, FeedEvent::Frame(at, _) if at == moved));
            }
            assert!(n < 2000, "no frame of the moved partition arrives");
        }
    }
}
