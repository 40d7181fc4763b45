//! The look at everything that a store keeps: each fault is named, and repaired where that needs no
//! invention.

use people_gateway::domain::Timestamp;
use people_gateway::store::audit::{Mended, Wrong};
use people_gateway::store::{Discontinuity, Store};

use crate::damage::{IDS, LOG, PEOPLE, assert_in_step, damaged, ids, listed, peopled, told};
use crate::people::{done, id, save};
use crate::support::redis::RedisServer;

#[tokio::test]
async fn a_look_at_everything_names_each_fault_and_repairs_it() {
    let server = RedisServer::start(&[]).await;
    let (store, metrics) = peopled(&server).await;
    assert_in_step(&store).await;
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
    let mut found = Vec::new();
    let tally = store
        .audit(None, &mut |fault| found.push(fault))
        .await
        .expect("it can be read");
    assert!(found.iter().all(|fault| fault.mended.is_none()));
    let has =
        |wanted: &dyn Fn(&Wrong) -> bool| found.iter().filter(|fault| wanted(&fault.what)).count();
    assert_eq!(
        has(&|wrong| matches!(wrong, Wrong::Record(of, _) if [id(1), id(2), id(77)].contains(of))),
        3
    );
    assert_eq!(
        has(&|wrong| matches!(wrong, Wrong::Unlisted(of) if [id(3), id(4)].contains(of))),
        2
    );
    assert_eq!(
        has(&|wrong| matches!(
            wrong,
            Wrong::ForeignId(member) if member.eq_ignore_ascii_case("nobody")
        )),
        2
    );
    assert_eq!(has(&|wrong| matches!(wrong, Wrong::Scores)), 1);
    assert_eq!(
        has(&|wrong| matches!(wrong, Wrong::ForeignRecord(name) if name == "nobody")),
        1
    );
    assert_eq!((tally.faults, tally.mended), (9, 0), "{found:#?}");

    let before = store.probe().await.expect("heads")[0];
    let mut left = Vec::new();
    let now = Timestamp::from_millis(1_795_342_200_999);
    let tally = store
        .audit(Some(now), &mut |fault| {
            if !matches!(fault.mended, Some(Mended::Yes(_))) {
                left.push(fault.to_string());
            }
        })
        .await
        .expect("it can be written");
    assert_eq!((tally.faults, tally.mended), (9, 8), "{left:?}");
    assert!(left[0].contains("HDEL"), "{left:?}");
    server.command::<()>(&["HDEL", PEOPLE, "nobody"]).await;
    assert_in_step(&store).await;
    assert!(
        matches!(told(&store, before).await, Err(Discontinuity::Epoch)),
        "views are told"
    );
    store.probe().await.expect("heads");
    assert_eq!(damaged(&metrics), [0, 0, 0]);
    // Whom the log still knew is saved as it was; 77 was nobody.
    assert!(listed(&store, 3).await.ends_with(&ids(3..=10)));
    assert_eq!(store.get(id(77)).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_torn_list_is_made_again_from_the_people() {
    let server = RedisServer::start(&[]).await;
    let (store, metrics) = peopled(&server).await;
    server.command::<()>(&["DEL", IDS]).await;
    store.probe().await.expect("heads");
    assert_eq!(damaged(&metrics)[1], 1);
    let now = Timestamp::from_millis(1);
    let tally = store
        .audit(Some(now), &mut |_| {})
        .await
        .expect("it can be written");
    assert_eq!((tally.faults, tally.mended), (10, 10));
    assert_eq!(listed(&store, 3).await, ids(1..=10));
    server.command::<()>(&["DEL", LOG]).await;
    let tally = store
        .audit(None, &mut |_| {})
        .await
        .expect("it can be read");
    assert_eq!(tally.faults, 0, "a new epoch has no entries yet");
    done(&store, save(1, "B")).await;
    server.command::<()>(&["DEL", LOG]).await;
    store.probe().await.expect("heads");
    assert_eq!(damaged(&metrics)[2], 1);
    let tally = store
        .audit(Some(now), &mut |_| {})
        .await
        .expect("it can be written");
    assert_eq!((tally.faults, tally.mended), (1, 1));
    assert_in_step(&store).await;
}
