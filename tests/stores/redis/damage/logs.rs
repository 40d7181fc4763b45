//! A damaged head begins a new epoch; a damaged entry ends the reads that reach it.

use people_gateway::store::Metrics;
use people_gateway::store::redis::{Options, RedisStore};
use people_gateway::store::{Discontinuity, Retention, Store};

use super::{
    LOG, META, assert_no_faults, damage_counts, ids, listed_ids, numbers_after,
    store_with_ten_people,
};
use crate::redis::people::{ONLY, count, done, options, save};
use people_testing::redis::RedisServer;

#[tokio::test]
async fn a_damaged_head_or_log_begins_a_new_epoch() {
    let server = RedisServer::start(&[]).await;
    let (store, _) = store_with_ten_people(&server).await;
    for (name, value) in [
        ("s", "x"),
        ("s", "1e3"),
        ("s", "007"),
        ("s", "-5"),
        ("s", "9007199254740993"),
        ("e", "Z"),
        ("t", "0f"),
        ("e", ""),
    ] {
        server.command::<()>(&["HSET", META, name, value]).await;
        let first = done(&store, save(1, "B")).await;
        assert_eq!(first.seq.get(), 1, "{name}={value}");
        server.command::<()>(&["HSET", META, name, value]).await;
        let head = store.heads().await.expect("heads")[0];
        assert_ne!(
            head.epoch, first.epoch,
            "the probe begins a new epoch, {name}={value}"
        );
        assert_eq!(done(&store, save(2, "B")).await.seq.get(), 1);
    }
    server.command::<()>(&["HDEL", META, "t"]).await;
    assert_eq!(done(&store, save(1, "C")).await.seq.get(), 1);
    // The last number that Lua can count exactly.
    server
        .command::<()>(&["HSET", META, "s", "9007199254740992"])
        .await;
    assert_eq!(done(&store, save(1, "C")).await.seq.get(), 1);
    // The stream remembers the number of a removed entry.
    server
        .command::<()>(&["XADD", LOG, "1000-0", "x", "y"])
        .await;
    server.command::<()>(&["XDEL", LOG, "1000-0"]).await;
    let before = store.heads().await.expect("heads")[0];
    let after = done(&store, save(1, "D")).await;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(listed_ids(&store, 100).await, ids(1..=10));
    assert_no_faults(&store).await;
    done(&store, save(1, "E")).await;
    assert_no_faults(&store).await;
}

#[tokio::test]
async fn a_damaged_log_entry_ends_only_the_reads_that_reach_it() {
    let server = RedisServer::start(&[]).await;
    let metrics = Metrics::default();
    let small = Retention {
        log_max: count(20),
        ..options(&server).retention
    };
    let opened = Options {
        retention: small,
        ..options(&server)
    };
    let store = RedisStore::open(opened, metrics.clone())
        .await
        .expect("the store opens");
    let mut positions = Vec::new();
    for n in 1..=10 {
        positions.push(done(&store, save(n, "A")).await);
    }
    server.command::<()>(&["XDEL", LOG, "5-0"]).await;
    assert_eq!(numbers_after(&store, positions[1]).await, Ok(vec![3, 4]));
    assert_eq!(
        numbers_after(&store, positions[3]).await,
        Err(Discontinuity::Trimmed)
    );
    assert_eq!(
        numbers_after(&store, positions[4]).await,
        Ok(vec![6, 7, 8, 9, 10])
    );
    let tail = store.tail(ONLY, count(100)).await.expect("a tail");
    assert_eq!(
        tail.changes.first().map(|change| change.at.position),
        Some(positions[5])
    );
    assert_eq!(damage_counts(&metrics)[2], 1);
    store.heads().await.expect("heads");
    assert_eq!(damage_counts(&metrics)[2], 1, "the damaged entry remains");
    for n in 1..=30 {
        done(&store, save(n, "B")).await;
    }
    store.heads().await.expect("heads");
    assert_eq!(
        damage_counts(&metrics)[2],
        0,
        "the log was trimmed past the entry"
    );
}
