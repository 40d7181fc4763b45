//! The subscription: published frames arrive, and the feed reports and replaces a lost connection.

use std::collections::VecDeque;
use std::time::Duration;

use people_gateway::domain::{Change, Partition};
use people_gateway::store::redis::{Options, RedisStore};
use people_gateway::store::{
    Feed, FeedEvent, FeedLimits, LogAnswer, PageLimits, PartitionSet, Store, StoreError,
    decode_frame,
};

use crate::redis::people::{
    ONLY, assert_state_is_the_replayed_log, count, delete, done, open, options, partitions, save,
};
use people_testing::redis::RedisServer;
use people_testing::wait::DEADLINE;

/// A feed that returns one event at a time.
pub(crate) struct TestFeed {
    feed: Feed,
    waiting: VecDeque<FeedEvent>,
}

impl TestFeed {
    pub(crate) fn open(store: &RedisStore) -> Self {
        let limits = FeedLimits {
            events: count(10_000),
            bytes: count(10_000_000),
        };
        Self {
            feed: store.feed(limits),
            waiting: VecDeque::new(),
        }
    }

    pub(crate) async fn next(&mut self) -> FeedEvent {
        self.next_within(DEADLINE).await.expect("an event in time")
    }

    /// The next event; none if it takes longer.
    pub(crate) async fn next_within(&mut self, limit: Duration) -> Option<FeedEvent> {
        if self.waiting.is_empty() {
            let mut events = Vec::new();
            let received = tokio::time::timeout(limit, self.feed.receive(&mut events, 1_000));
            received.await.ok()?;
            self.waiting.extend(events);
        }
        self.waiting.pop_front()
    }

    pub(crate) async fn connected(&mut self) -> PartitionSet {
        match self.next().await {
            FeedEvent::Connected(partitions) => partitions,
            other => panic!("not connected: {other:?}"),
        }
    }

    pub(crate) async fn disconnected(&mut self) {
        let event = self.next().await;
        assert!(matches!(event, FeedEvent::Disconnected(_)), "{event:?}");
    }

    pub(crate) async fn probe(&mut self) {
        let event = self.next().await;
        assert!(matches!(event, FeedEvent::Probe(_)), "{event:?}");
    }

    pub(crate) async fn change(&mut self) -> Change {
        match self.next().await {
            FeedEvent::Frame(partition, bytes) => decode_frame(partition, &bytes).expect("a frame"),
            other => panic!("not a frame: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_frame_equals_its_log_entry() {
    let server = RedisServer::start(&[]).await;
    let store = open(Options {
        partitions: Some(partitions(4)),
        ..options(&server)
    })
    .await;
    let mut feed = TestFeed::open(&store);
    feed.connected().await;
    let mut received: Vec<Vec<Change>> = vec![Vec::new(); 4];
    for n in 0..40_u128 {
        let write = if n % 3 == 2 {
            delete((n - 1) % 7)
        } else {
            save(n % 7, "Ünï")
        };
        if let people_gateway::store::WriteOutcome::Done { at, .. } =
            store.apply(write).await.expect("an outcome")
        {
            let change = feed.change().await;
            assert_eq!(change.at, at);
            received[at.partition.index()].push(change);
        }
    }
    for (n, received) in (0..).zip(received) {
        assert!(!received.is_empty(), "every partition has people");
        let tail = store
            .tail(Partition::new(n), count(100))
            .await
            .expect("the log");
        assert_eq!(tail.changes, received);
    }
}

#[tokio::test]
async fn a_killed_subscription_is_reported_and_replaced() {
    let server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    let mut feed = TestFeed::open(&store);
    feed.connected().await;
    for n in 0..3 {
        assert_eq!(
            server
                .command::<usize>(&["CLIENT", "KILL", "TYPE", "pubsub"])
                .await,
            1
        );
        feed.disconnected().await;
        feed.connected().await;
        done(&store, save(n, "A")).await;
        assert_eq!(feed.change().await.id, crate::redis::people::id(n));
    }
}

#[tokio::test]
async fn a_frozen_server_disconnects_the_feed_until_it_thaws() {
    let mut server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    let mut feed = TestFeed::open(&store);
    feed.connected().await;
    server.freeze();
    feed.disconnected().await;
    server.thaw();
    feed.connected().await;
    server.kill9();
    feed.disconnected().await;
    server.restart().await;
    feed.connected().await;
    store.heads().await.expect("heads");
    feed.probe().await;
}

#[tokio::test]
async fn a_probe_comes_back_on_every_feed_of_its_own_store_only() {
    let server = RedisServer::start(&[]).await;
    let (one, other) = (open(options(&server)).await, open(options(&server)).await);
    let mut feeds = [
        TestFeed::open(&one),
        TestFeed::open(&one),
        TestFeed::open(&other),
    ];
    for feed in &mut feeds {
        feed.connected().await;
    }
    one.heads().await.expect("heads");
    let [first, second, others] = &mut feeds;
    first.probe().await;
    second.probe().await;
    done(&one, save(1, "A")).await;
    others.change().await;
}

#[tokio::test]
async fn a_probe_restores_the_layout_of_a_wiped_database() {
    let server = RedisServer::start(&[]).await;
    let two = Options {
        partitions: Some(partitions(2)),
        ..options(&server)
    };
    let store = open(two.clone()).await;
    let before = store.heads().await.expect("heads");
    let old = done(&store, save(1, "A")).await;
    let partition = store.partitions().of(crate::redis::people::id(1));
    server.command::<()>(&["FLUSHALL"]).await;
    assert!(matches!(
        store
            .since(partition, old, count(10))
            .await
            .expect("an answer"),
        LogAnswer::Broken {
            reason: people_gateway::store::Discontinuity::Epoch,
            head: None
        }
    ));
    let after = store.heads().await.expect("heads");
    for (before, after) in before.iter().zip(&after) {
        assert_ne!(before.epoch, after.epoch);
        assert_eq!(after.seq.get(), 0);
    }
    assert_eq!(
        store.heads().await.expect("heads"),
        after,
        "a probe does not replace an existing layout"
    );
    open(Options {
        migrate: false,
        ..two
    })
    .await;

    // A page read works before the next probe too.
    server.command::<()>(&["FLUSHALL"]).await;
    assert!(
        store
            .page(ONLY, None, PageLimits::people(count(10)))
            .await
            .expect("a page")
            .people
            .is_empty()
    );
}

#[tokio::test]
async fn a_write_before_the_first_probe_after_a_wipe_does_not_hide_the_missing_layout() {
    let server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    server.command::<()>(&["FLUSHALL"]).await;
    let position = done(&store, save(1, "A")).await;
    assert_eq!(store.heads().await.expect("heads"), [position]);
    assert!(server.command::<bool>(&["EXISTS", "people:layout"]).await);
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 1);
}

#[tokio::test]
async fn a_database_migrated_again_with_another_partition_count_is_refused() {
    let server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    server.command::<()>(&["FLUSHALL"]).await;
    open(Options {
        partitions: Some(partitions(2)),
        ..options(&server)
    })
    .await;
    assert!(matches!(store.heads().await, Err(StoreError::Corrupt(_))));
}
