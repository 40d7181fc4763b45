//! A damaged list of ids hides no person, and a save lists its person again.

use people_gateway::store::{Discontinuity, LogAnswer, Store};

use super::{IDS, damage_counts, ids, listed_ids, store_with_ten_people};
use crate::redis::people::{ONLY, count, done, id, save};
use people_testing::redis::RedisServer;

#[tokio::test]
async fn list_members_that_are_not_ids_hide_no_person() {
    let server = RedisServer::start(&[]).await;
    let (store, metrics) = store_with_ten_people(&server).await;
    let mut foreign: Vec<String> = (0..600)
        .map(|n| format!("00000000-0000-0000-0000-000000000005-{n}"))
        .collect();
    foreign.extend((0..50).map(|n| format!("{n:08X}-0000-0000-0000-00000000000A")));
    foreign
        .extend(["", "!", "zzz", "0190F3E2-7C1B-7D9A-8F00-1234567890AB", "\n"].map(str::to_owned));
    for member in &foreign {
        server.command::<()>(&["ZADD", IDS, "0", member]).await;
    }
    for size in [1, 3, 100, 10_000] {
        assert_eq!(
            listed_ids(&store, size).await,
            ids(1..=10),
            "pages of {size}"
        );
        let first = ids(1..=10.min(size as u128));
        assert_eq!(
            store.ids(ONLY, None, count(size)).await.expect("ids"),
            first,
            "{size} ids"
        );
    }
    assert_eq!(damage_counts(&metrics)[1], 1);
    // A different score breaks the order of the list: pages would end early.
    server
        .command::<()>(&["ZADD", IDS, "7", "00000000-0000-0000-0000-000000000000x"])
        .await;
    server
        .command::<()>(&["ZADD", IDS, "-7", &id(3).to_string()])
        .await;
    for size in [1, 3, 100] {
        assert_eq!(
            listed_ids(&store, size).await,
            ids(1..=10),
            "pages of {size} with uneven scores"
        );
    }
}

#[tokio::test]
async fn a_probe_notices_an_unlisted_person_and_a_save_lists_it_again() {
    let server = RedisServer::start(&[]).await;
    let (store, metrics) = store_with_ten_people(&server).await;
    server
        .command::<()>(&["ZREM", IDS, &id(5).to_string()])
        .await;
    store.heads().await.expect("heads");
    assert_eq!(damage_counts(&metrics), [0, 1, 0]);
    let before = store.heads().await.expect("heads")[0];
    done(&store, save(5, "B")).await;
    store.heads().await.expect("heads");
    assert_eq!(damage_counts(&metrics), [0, 0, 0]);
    assert_eq!(listed_ids(&store, 3).await, ids(1..=10));
    assert!(matches!(
        store.since(ONLY, before, count(9)).await,
        Ok(LogAnswer::Broken {
            reason: Discontinuity::Epoch,
            ..
        })
    ));
}
