//! Slots that a server moves by replication (`CLUSTER MIGRATESLOTS`, Valkey 9) in place of key by
//! key: the target has all keys when it takes the slot over.

use std::collections::BTreeSet;
use std::time::Duration;

use people_gateway::domain::Partition;
use people_gateway::store::{FeedEvent, Store as _, decode_frame};
use people_testing::cluster::Cluster;

use super::cluster::slot_of;
use super::load::Load;
use super::options;
use crate::redis::feed::TestFeed;
use crate::redis::people::{assert_state_is_the_replayed_log, done, id, keyed, open, save};

/// The moved partition of twelve.
const MOVED: Partition = Partition::new(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replicated_slot_fails_no_write_with_or_without_a_key_and_takes_its_subscription_along() {
    let cluster = Cluster::start(3, 0).await;
    if !cluster.can_replicate_slots().await {
        println!("The server has no CLUSTER MIGRATESLOTS, so nothing is tested.");
        return;
    }
    let store = open(options(cluster.url())).await;
    let mut feed = TestFeed::open(&store);
    let mut connected = BTreeSet::new();
    while connected.len() < 12 {
        connected.extend(feed.connected().await.iter().copied());
    }
    let load = Load::start(&store, 1);
    load.goes_on(500).await;
    let slot = slot_of(&cluster, MOVED.index()).await;
    let mut numbers = (1_000_000_000..).filter(|n| store.partitions().of(id(*n)) == MOVED);
    let mut next = || numbers.next().expect("without an end");
    for key in 0..4 {
        let target = (cluster.owner(slot).await + 1) % 3;
        let write = keyed(save(next(), "with a key"), key);
        tokio::join!(cluster.replicate_slot(slot, target), done(&store, write));
        load.goes_on(300).await;
    }
    let verdict = load.verdict(&store).await;
    assert_eq!(
        (verdict.lost, verdict.doubled, verdict.unknown),
        (0, 0, 0),
        "{verdict:?}"
    );
    assert_state_is_the_replayed_log(&store).await;

    // The last subscription may begin after the last move. What is published after that arrives.
    let mut attempts = 0..100;
    loop {
        attempts
            .next()
            .expect("a frame of the moved partition arrives");
        let n = next();
        done(&store, save(n, "A")).await;
        let mut has_arrived = false;
        while let Some(event) = feed.next_within(Duration::from_millis(200)).await {
            if let FeedEvent::Frame(MOVED, bytes) = event {
                let change = decode_frame(MOVED, &bytes).expect("a frame");
                has_arrived |= change.id == id(n);
            }
        }
        if has_arrived {
            break;
        }
    }
}
