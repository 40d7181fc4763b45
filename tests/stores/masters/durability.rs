//! `replicas:N`: what was answered survives a failover that loses what the replicas did not have.

use std::num::NonZeroU32;
use std::time::Duration;

use people_gateway::store::redis::{Durability, Options};
use people_gateway::store::{Store, StoreError, WriteOutcome};
use people_testing::cluster::Cluster;
use people_testing::redis::RedisServer;
use people_testing::wait::{DEADLINE, eventually};

use super::load::Load;
use super::options;
use crate::redis::opening::fatal_error;
use crate::redis::people::{
    ONLY, assert_state_is_the_replayed_log, done, keyed, open, options as single, save,
};

pub(super) fn replicas(count: u32) -> Durability {
    Durability {
        replicas: NonZeroU32::new(count).expect("not zero"),
        timeout: Duration::from_millis(300),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confirmed_writes_survive_a_failover_to_a_replica_that_was_cut_off() {
    for (durability, survives) in [(Some(replicas(1)), true), (None, false)] {
        let mut cluster = Cluster::start(3, 1).await;
        let store = open(Options {
            durability,
            ..options(cluster.url())
        })
        .await;
        let load = Load::start(&store, 1);
        load.goes_on(500).await;
        cluster.cut_replicas(0).await;
        load.goes_on(500).await;
        cluster.kill9(0);
        eventually("its replica is promoted", async || {
            store.heads().await.is_ok()
        })
        .await;
        let verdict = load.verdict(&store).await;
        assert_eq!(verdict.doubled, 0);
        assert_eq!(verdict.lost == 0, survives, "{verdict:?}");
        assert_state_is_the_replayed_log(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_too_few_replicas_confirm_has_an_unknown_outcome() {
    let server = RedisServer::start(&["--repl-diskless-sync-delay", "0"]).await;
    let refused = fatal_error(Options {
        durability: Some(replicas(1)),
        ..single(&server)
    })
    .await;
    assert!(refused.contains("0 connected replicas"), "{refused}");

    let replica = server.start_replica().await;
    eventually("the server counts on its replica", async || {
        let info: String = server.command(&["INFO", "replication"]).await;
        info.contains("state=online")
    })
    .await;
    let patient = Durability {
        timeout: DEADLINE,
        ..replicas(1)
    };
    let store = open(Options {
        durability: Some(patient),
        ..single(&server)
    })
    .await;
    done(&store, save(1, "A")).await;
    let store = open(Options {
        durability: Some(replicas(1)),
        ..single(&server)
    })
    .await;
    replica.freeze();
    let write = save(2, "A");
    assert!(matches!(
        store.apply(write.clone()).await,
        Err(StoreError::OutcomeUnknown(_))
    ));
    let tail = store
        .tail(ONLY, crate::redis::people::count(10))
        .await
        .expect("the log");
    assert_eq!(tail.changes.len(), 2, "it has happened, once");
    // With a key the gateway repeats until a replica has it.
    let pending = {
        let store = std::sync::Arc::clone(&store);
        tokio::spawn(async move { store.apply(keyed(save(3, "A"), 7)).await })
    };
    eventually("it has happened", async || {
        server.command::<u64>(&["HLEN", "{people.p0}:people"]).await == 3
    })
    .await;
    replica.thaw();
    let outcome = pending.await.expect("no panic");
    assert!(
        matches!(outcome, Ok(WriteOutcome::Done { .. })),
        "the first outcome: {outcome:?}"
    );
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 3);
}
