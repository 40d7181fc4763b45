//! Writes and reads, also while Redis is full, has lost its scripts, or refuses publications.

use std::sync::Arc;

use people_gateway::store::Metrics;
use people_gateway::store::redis::{Options, RedisStore};
use people_gateway::store::{Expectation, Store, StoreError, WriteOutcome};

use crate::redis::people::{
    ONLY, assert_state_is_the_replayed_log, count, delete, done, fields, id, keyed, open, options,
    partitions, save,
};
use people_testing::redis::RedisServer;

#[tokio::test]
async fn a_written_person_is_read_back() {
    let server = RedisServer::start(&[]).await;
    for n in [1, 4] {
        let store = open(Options {
            prefix: format!("people{n}"),
            partitions: Some(partitions(n)),
            ..options(&server)
        })
        .await;
        for person in 0..30 {
            done(&store, save(person, "A")).await;
        }
        let second = done(&store, save(7, "B")).await;
        let person = store
            .get(id(7))
            .await
            .expect("an answer")
            .expect("a person");
        assert_eq!((person.fields, person.revision), (fields("B"), second));
        done(&store, delete(8)).await;
        assert_eq!(store.get(id(8)).await.expect("an answer"), None);
        assert_eq!(
            store.apply(delete(8)).await.expect("an outcome"),
            WriteOutcome::NotFound
        );

        let stale = save(7, "C").expecting(Expectation::Revision(second));
        done(&store, stale.clone()).await;
        let current = store
            .get(id(7))
            .await
            .expect("an answer")
            .map(|person| person.revision);
        assert_eq!(
            store.apply(stale).await.expect("an outcome"),
            WriteOutcome::Conflict { current }
        );
        assert_eq!(assert_state_is_the_replayed_log(&store).await, 33);
    }
}

#[tokio::test]
async fn concurrent_writes_are_batched_and_each_has_its_own_outcome() {
    let server = RedisServer::start(&[]).await;
    let metrics = Metrics::default();
    let store = RedisStore::open(options(&server), metrics.clone())
        .await
        .expect("the store opens");
    // One write is refused; the others of the same pipeline must succeed.
    let writes: Vec<_> = (0..500)
        .map(|n| {
            let store = Arc::clone(&store);
            let expect = if n == 13 {
                Expectation::Present
            } else {
                Expectation::Anything
            };
            tokio::spawn(async move { (n, store.apply(save(n, "A").expecting(expect)).await) })
        })
        .collect();
    for write in writes {
        match write.await.expect("no panic") {
            (13, outcome) => assert!(
                matches!(outcome, Ok(WriteOutcome::Conflict { current: None })),
                "{outcome:?}"
            ),
            (_, outcome) => assert!(
                matches!(outcome, Ok(WriteOutcome::Done { .. })),
                "{outcome:?}"
            ),
        }
    }
    assert_eq!(metrics.store_writes.get(), 499);
    assert!(
        metrics.store_batches.get() <= 250,
        "{} pipelines for 500 writes",
        metrics.store_batches.get()
    );
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 499);
}

#[tokio::test]
async fn scripts_are_reloaded_after_the_server_drops_them() {
    let server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    done(&store, save(1, "A")).await;
    server.command::<()>(&["SCRIPT", "FLUSH"]).await;
    done(&store, save(2, "B")).await;
    server.command::<()>(&["SCRIPT", "FLUSH"]).await;
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 2);
}

#[tokio::test]
async fn a_full_redis_refuses_saves_and_accepts_deletes() {
    let server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    done(&store, save(1, "A")).await;
    server
        .command::<()>(&["CONFIG", "SET", "maxmemory", "1"])
        .await;
    assert!(matches!(
        store.apply(save(2, "B")).await,
        Err(StoreError::Full(_))
    ));
    done(&store, keyed(delete(1), 1)).await;
    let replay = store.apply(keyed(delete(1), 1)).await.expect("an outcome");
    assert!(matches!(replay, WriteOutcome::Replayed(_)), "{replay:?}");
    store.heads().await.expect("heads");
    server
        .command::<()>(&["CONFIG", "SET", "maxmemory", "0"])
        .await;
    done(&store, save(2, "B")).await;
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 3);
}

#[tokio::test]
async fn a_refused_publication_does_not_fail_a_write() {
    let server = RedisServer::start(&[]).await;
    server
        .command::<()>(&[
            "ACL",
            "SETUSER",
            "ada",
            "on",
            ">pw",
            "~*",
            "+@all",
            "resetchannels",
        ])
        .await;
    let url = format!("redis://ada:pw@127.0.0.1:{}", server.port());
    let store = open(Options {
        url,
        ..options(&server)
    })
    .await;
    let position = done(&store, save(1, "A")).await;
    assert_eq!(store.heads().await.expect("heads"), [position]);
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 1);
}

#[tokio::test]
async fn numbers_stay_exact_where_lua_would_round_their_text() {
    let server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    let seq = 1_000_000_000_000_000_u64 - 1;
    server
        .command::<()>(&["HSET", "{people.p0}:meta", "s", &seq.to_string()])
        .await;
    let first = done(&store, save(1, "A")).await;
    assert_eq!(first.seq.get(), seq + 1);
    let second = done(&store, save(1, "B")).await;
    match store
        .since(ONLY, first, count(10))
        .await
        .expect("an answer")
    {
        people_gateway::store::LogAnswer::Continues { head, changes } => {
            assert_eq!((head, changes.len()), (second, 1));
        }
        broken @ people_gateway::store::LogAnswer::Broken { .. } => panic!("{broken:?}"),
    }
}

#[tokio::test]
async fn an_idempotency_record_expires_after_its_last_use() {
    let server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    let write = keyed(save(1, "A"), 9);
    let at = done(&store, write.clone()).await;
    let key = write.idempotency.clone().expect("a key");
    let record = format!("{{people.p0}}:idem:{}", "09".repeat(32));
    server.command::<()>(&["PEXPIRE", &record, "60000"]).await;
    let again = store.apply(write.clone()).await.expect("an outcome");
    assert!(
        matches!(again, WriteOutcome::Replayed(recorded) if recorded.at.position == at),
        "the first success"
    );
    let left: u64 = server.command(&["PTTL", &record]).await;
    assert!(left > 60_000, "a repeat renews the expiry, {left} ms left");

    server.command::<()>(&["PEXPIRE", &record, "60000"]).await;
    let other_request = people_gateway::store::RequestKey {
        fingerprint: [0; 32],
        ..key
    };
    let recorded = store
        .recorded(ONLY, &other_request)
        .await
        .expect("an answer")
        .expect("a record");
    assert_eq!((recorded.at.position, recorded.same_request), (at, false));
    let clash = store
        .apply(write.keyed(Some(other_request)))
        .await
        .expect("an outcome");
    assert_eq!(clash, WriteOutcome::KeyReused);
    assert!(
        server.command::<u64>(&["PTTL", &record]).await <= 60_000,
        "another request with the same key does not renew the expiry"
    );
}
