//! The audit reports each fault, and repairs the faults that need no invented data.

use people_gateway::domain::Timestamp;
use people_gateway::store::audit::{FindingKind, Repair};
use people_gateway::store::{Discontinuity, Store};

use crate::redis::damage::{
    IDS, LOG, PEOPLE, assert_no_faults, damage_counts, ids, listed_ids, numbers_after,
    store_with_ten_people,
};
use crate::redis::people::{done, id, save};
use people_testing::redis::RedisServer;

/// Damages two records, removes two people from the list of ids, and adds foreign ids and a foreign
/// record.
async fn damage(server: &RedisServer) {
    let of = |n: u128| id(n).to_string();
    server
        .command::<()>(&["HSET", PEOPLE, &of(1), "garbage"])
        .await;
    server.command::<()>(&["HDEL", PEOPLE, &of(2)]).await;
    server.command::<()>(&["ZREM", IDS, &of(3), &of(4)]).await;
    server
        .command::<()>(&["ZADD", IDS, "0", "nobody", "5", "NOBODY"])
        .await;
    server.command::<()>(&["ZADD", IDS, "0", &of(77)]).await;
    server.command::<()>(&["HSET", PEOPLE, "nobody", "x"]).await;
}

#[tokio::test]
async fn an_audit_reports_and_repairs_each_fault() {
    let server = RedisServer::start(&[]).await;
    let (store, metrics) = store_with_ten_people(&server).await;
    assert_no_faults(&store).await;
    damage(&server).await;
    let mut found = Vec::new();
    let tally = store
        .audit(None, &mut |fault| found.push(fault))
        .await
        .expect("it can be read");
    assert!(found.iter().all(|fault| fault.repair.is_none()));
    let has = |wanted: &dyn Fn(&FindingKind) -> bool| {
        found.iter().filter(|fault| wanted(&fault.kind)).count()
    };
    assert_eq!(
        has(&|wrong| matches!(
            wrong,
            FindingKind::Record(of, _) if [id(1), id(2), id(77)].contains(of)
        )),
        3
    );
    assert_eq!(
        has(&|wrong| matches!(wrong, FindingKind::Unlisted(of) if [id(3), id(4)].contains(of))),
        2
    );
    assert_eq!(
        has(&|wrong| matches!(
            wrong,
            FindingKind::ForeignId(member) if member.eq_ignore_ascii_case("nobody")
        )),
        2
    );
    assert_eq!(has(&|wrong| matches!(wrong, FindingKind::Scores)), 1);
    assert_eq!(
        has(&|wrong| matches!(wrong, FindingKind::ForeignRecord(name) if name == "nobody")),
        1
    );
    assert_eq!((tally.faults, tally.mended), (9, 0), "{found:#?}");

    let before = store.heads().await.expect("heads")[0];
    let mut left = Vec::new();
    let now = Timestamp::from_millis(1_795_342_200_999);
    let tally = store
        .audit(Some(now), &mut |fault| {
            if !matches!(fault.repair, Some(Repair::Done(_))) {
                left.push(fault.to_string());
            }
        })
        .await
        .expect("it can be written");
    assert_eq!((tally.faults, tally.mended), (9, 8), "{left:?}");
    assert!(left[0].contains("HDEL"), "{left:?}");
    server.command::<()>(&["HDEL", PEOPLE, "nobody"]).await;
    assert_no_faults(&store).await;
    assert!(
        matches!(
            numbers_after(&store, before).await,
            Err(Discontinuity::Epoch)
        ),
        "views are reset"
    );
    store.heads().await.expect("heads");
    assert_eq!(damage_counts(&metrics), [0, 0, 0]);
    // People that the log still had are restored from it; id 77 never had a record.
    assert!(listed_ids(&store, 3).await.ends_with(&ids(3..=10)));
    assert_eq!(store.get(id(77)).await.expect("an answer"), None);
}

#[tokio::test]
async fn an_audit_restores_a_lost_list_of_ids_from_the_records() {
    let server = RedisServer::start(&[]).await;
    let (store, metrics) = store_with_ten_people(&server).await;
    server.command::<()>(&["DEL", IDS]).await;
    store.heads().await.expect("heads");
    assert_eq!(damage_counts(&metrics)[1], 1);
    let now = Timestamp::from_millis(1);
    let tally = store
        .audit(Some(now), &mut |_| {})
        .await
        .expect("it can be written");
    assert_eq!((tally.faults, tally.mended), (10, 10));
    assert_eq!(listed_ids(&store, 3).await, ids(1..=10));
    server.command::<()>(&["DEL", LOG]).await;
    let tally = store
        .audit(None, &mut |_| {})
        .await
        .expect("it can be read");
    assert_eq!(tally.faults, 0, "a new epoch has no entries yet");
    done(&store, save(1, "B")).await;
    server.command::<()>(&["DEL", LOG]).await;
    store.heads().await.expect("heads");
    assert_eq!(damage_counts(&metrics)[2], 1);
    let tally = store
        .audit(Some(now), &mut |_| {})
        .await
        .expect("it can be written");
    assert_eq!((tally.faults, tally.mended), (1, 1));
    assert_no_faults(&store).await;
}
