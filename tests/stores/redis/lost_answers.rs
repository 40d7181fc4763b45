//! Lost answers: each call ends in bounded time, with a correct outcome.

use std::sync::Arc;
use std::time::Duration;

use people_gateway::store::redis::{Options, RedisStore};
use people_gateway::store::{PageLimits, Store, StoreError, WriteOutcome};

use crate::redis::people::{
    ONLY, assert_state_is_the_replayed_log, count, done, id, keyed, open, options, save,
};
use crate::redis::proxy::Proxy;
use people_testing::redis::RedisServer;
use people_testing::wait::{DEADLINE, eventually};

async fn in_bounded_time<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, call)
        .await
        .expect("the call ends in bounded time")
}

async fn open_behind_proxy(server: &RedisServer) -> (Proxy, Arc<RedisStore>) {
    let proxy = Proxy::start(server.port()).await;
    let store = open(Options {
        url: proxy.url(),
        ..options(server)
    })
    .await;
    (proxy, store)
}

#[tokio::test]
async fn calls_to_a_frozen_server_end_in_bounded_time_and_succeed_after_it_thaws() {
    let server = RedisServer::start(&[]).await;
    let store = open(Options {
        retry_limit: Duration::from_secs(1),
        ..options(&server)
    })
    .await;
    let position = done(&store, save(1, "A")).await;
    server.freeze();
    let unavailable =
        |error: StoreError| assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    in_bounded_time(async {
        unavailable(store.get(id(1)).await.expect_err("no answer"));
        unavailable(
            store
                .page(ONLY, None, PageLimits::people(count(1)))
                .await
                .expect_err("no answer"),
        );
        unavailable(
            store
                .since(ONLY, position, count(1))
                .await
                .expect_err("no answer"),
        );
        unavailable(store.heads().await.expect_err("no answer"));
        // No connection passed its check, so nothing was sent.
        unavailable(store.apply(save(2, "B")).await.expect_err("no answer"));
    })
    .await;
    server.thaw();
    in_bounded_time(done(&store, save(2, "B"))).await;
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 2);
}

#[tokio::test]
async fn a_write_waits_for_a_restart() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let store = open(Options {
        retry_limit: DEADLINE,
        ..options(&server)
    })
    .await;
    done(&store, save(1, "A")).await;
    server.kill9();
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        // A connection that died during the write leaves its outcome unknown. The repeat with the
        // key settles it, as in a gateway.
        async move {
            let write = keyed(save(2, "B"), 1);
            match store.apply(write.clone()).await {
                Err(StoreError::OutcomeUnknown(_)) => store.apply(write).await,
                outcome => outcome,
            }
        }
    });
    server.restart().await;
    in_bounded_time(writing)
        .await
        .expect("no panic")
        .expect("written");
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 2);
}

#[tokio::test]
async fn a_lost_answer_is_an_unknown_outcome_that_a_repeat_settles() {
    let server = RedisServer::start(&[]).await;
    let (proxy, store) = open_behind_proxy(&server).await;
    done(&store, save(1, "A")).await;
    for write in [save(2, "B"), keyed(save(2, "C"), 1)] {
        proxy.swallow_answers(1);
        let outcome = in_bounded_time(store.apply(write)).await;
        assert!(
            matches!(outcome, Err(StoreError::OutcomeUnknown(_))),
            "{outcome:?}"
        );
        assert_eq!(proxy.left(), 0);
    }
    let person = store
        .get(id(2))
        .await
        .expect("an answer")
        .expect("it happened");
    assert_eq!(
        assert_state_is_the_replayed_log(&store).await,
        3,
        "each write happened once"
    );
    let again = store
        .apply(keyed(save(2, "C"), 1))
        .await
        .expect("an outcome");
    assert!(
        matches!(&again, WriteOutcome::Replayed(first) if first.at.position == person.revision),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_lost_answer_stays_unknown_when_the_repeat_fails_too() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let limit = Duration::from_secs(1);
    let store = open(Options {
        url: proxy.url(),
        retry_limit: limit,
        ..options(&server)
    })
    .await;
    proxy.swallow_the_last_answer();
    let outcome = in_bounded_time(store.apply(keyed(save(2, "B"), 1))).await;
    assert!(
        matches!(outcome, Err(StoreError::OutcomeUnknown(_))),
        "{outcome:?}"
    );
    let direct = open(options(&server)).await;
    assert_eq!(
        assert_state_is_the_replayed_log(&direct).await,
        1,
        "the write happened"
    );
}

#[tokio::test]
async fn a_write_without_an_answer_within_the_retry_limit_has_an_unknown_outcome() {
    let server = RedisServer::start(&[]).await;
    let store = open(Options {
        retry_limit: Duration::from_secs(3),
        ..options(&server)
    })
    .await;
    // The server answers reads and checks, and delays writing scripts: the write is sent, and gets
    // no answer.
    server
        .command::<()>(&["CLIENT", "PAUSE", "20000", "WRITE"])
        .await;
    let outcome = in_bounded_time(store.apply(keyed(save(1, "A"), 1))).await;
    assert!(
        matches!(outcome, Err(StoreError::OutcomeUnknown(_))),
        "{outcome:?}"
    );
    server.command::<()>(&["CLIENT", "UNPAUSE"]).await;
    in_bounded_time(store.apply(keyed(save(1, "A"), 1)))
        .await
        .expect("an outcome");
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 1);
}

#[tokio::test]
async fn a_read_that_lost_its_answer_is_repeated() {
    let server = RedisServer::start(&[]).await;
    let (proxy, store) = open_behind_proxy(&server).await;
    done(&store, save(1, "A")).await;
    proxy.swallow_answers(1);
    assert_eq!(
        in_bounded_time(store.page(ONLY, None, PageLimits::people(count(9))))
            .await
            .expect("a page")
            .people
            .len(),
        1
    );
    assert_eq!(proxy.left(), 0);
}

#[tokio::test]
async fn commands_beyond_the_queue_are_refused_as_overload() {
    let server = RedisServer::start(&[]).await;
    let small = Options {
        queue: count(8),
        batch: count(2),
        lanes: count(1),
        ..options(&server)
    };
    let store = open(small).await;
    server.freeze();
    let writes: Vec<_> = (0..100)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.apply(save(n, "A")).await })
        })
        .collect();
    let mut overloaded = 0;
    for write in writes {
        let outcome = in_bounded_time(write).await.expect("no panic");
        overloaded += usize::from(matches!(outcome, Err(StoreError::Overloaded)));
    }
    assert!(overloaded >= 80, "{overloaded} of 100");
    server.thaw();
}

#[tokio::test]
async fn a_dropped_store_leaves_no_connection_behind() {
    let server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    let mut feed = crate::redis::feed::TestFeed::open(&store);
    feed.connected().await;
    done(&store, save(1, "A")).await;
    drop((store, feed));
    eventually("only the connection of this check is open", async || {
        let clients: String = server.command(&["CLIENT", "LIST"]).await;
        clients.lines().count() == 1
    })
    .await;
}
