//! Writes and reads: what goes in comes out, in any state of the server that allows it.

use std::sync::Arc;

use people_gateway::store::redis::{Options, RedisStore};
use people_gateway::store::{Applied, Expect, Store, StoreError};
use people_gateway::telemetry::Metrics;

use crate::people::{
    ONLY, assert_state_is_the_replayed_log, count, delete, done, fields, id, keyed, open, options,
    partitions, save,
};
use crate::support::redis::RedisServer;

#[tokio::test]
async fn what_is_written_is_read_back() {
    let server = RedisServer::start(&[]).await;
    for n in [1, 4] {
        let store = open(Options {
            prefix: format!("people{n}"),
            partitions: partitions(n),
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
            Applied::NotFound
        );

        let stale = Write {
            expect: Expect::Revision(second),
            ..save(7, "C")
        };
        done(&store, stale.clone()).await;
        let current = store
            .get(id(7))
            .await
            .expect("an answer")
            .map(|person| person.revision);
        assert_eq!(
            store.apply(stale).await.expect("an outcome"),
            Applied::Conflict { current }
        );
        assert_eq!(assert_state_is_the_replayed_log(&store).await, 33);
    }
}

use people_gateway::store::Write;

#[tokio::test]
async fn writes_at_once_are_batched_and_each_has_its_own_outcome() {
    let server = RedisServer::start(&[]).await;
    let metrics = Metrics::default();
    let store = RedisStore::open(options(&server), metrics.clone())
        .await
        .expect("the store opens");
    // One write that is refused: those beside it in the same pipeline must not notice.
    let writes: Vec<_> = (0..500)
        .map(|n| {
            let store = Arc::clone(&store);
            let expect = if n == 13 {
                Expect::Present
            } else {
                Expect::Anything
            };
            tokio::spawn(async move {
                (
                    n,
                    store
                        .apply(Write {
                            expect,
                            ..save(n, "A")
                        })
                        .await,
                )
            })
        })
        .collect();
    for write in writes {
        match write.await.expect("no panic") {
            (13, outcome) => assert!(
                matches!(outcome, Ok(Applied::Conflict { current: None })),
                "{outcome:?}"
            ),
            (_, outcome) => assert!(matches!(outcome, Ok(Applied::Done { .. })), "{outcome:?}"),
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
async fn a_server_that_forgot_the_scripts_is_told_them_again() {
    let server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    done(&store, save(1, "A")).await;
    server.command::<()>(&["SCRIPT", "FLUSH"]).await;
    done(&store, save(2, "B")).await;
    server.command::<()>(&["SCRIPT", "FLUSH"]).await;
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 2);
}

#[tokio::test]
async fn a_full_redis_refuses_saves_and_takes_deletes() {
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
    assert!(matches!(replay, Applied::Replayed(_)), "{replay:?}");
    store.probe().await.expect("heads");
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
    assert_eq!(store.probe().await.expect("heads"), [position]);
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
        people_gateway::store::Since::Continues { head, changes } => {
            assert_eq!((head, changes.len()), (second, 1));
        }
        broken @ people_gateway::store::Since::Broken { .. } => panic!("{broken:?}"),
    }
}

#[tokio::test]
async fn a_key_is_remembered_for_its_time_after_its_last_use() {
    let server = RedisServer::start(&[]).await;
    let store = open(options(&server)).await;
    let write = keyed(save(1, "A"), 9);
    let at = done(&store, write.clone()).await;
    let key = write.idempotency.clone().expect("a key");
    let record = format!("{{people.p0}}:idem:{}", "09".repeat(32));
    server.command::<()>(&["PEXPIRE", &record, "60000"]).await;
    let again = store.apply(write.clone()).await.expect("an outcome");
    assert!(
        matches!(again, Applied::Replayed(recorded) if recorded.at.position == at),
        "the first success"
    );
    let left: u64 = server.command(&["PTTL", &record]).await;
    assert!(left > 60_000, "a repeat keeps it alive, {left} ms left");

    server.command::<()>(&["PEXPIRE", &record, "60000"]).await;
    let stranger = people_gateway::store::IdempotencyKey {
        fingerprint: [0; 32],
        ..key
    };
    let recorded = store
        .recorded(ONLY, &stranger)
        .await
        .expect("an answer")
        .expect("a record");
    assert_eq!((recorded.at.position, recorded.same_request), (at, false));
    let clash = store
        .apply(Write {
            idempotency: Some(stranger),
            ..write
        })
        .await
        .expect("an outcome");
    assert_eq!(clash, Applied::KeyReused);
    assert!(
        server.command::<u64>(&["PTTL", &record]).await <= 60_000,
        "another's request does not"
    );
}
