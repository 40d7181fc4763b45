//! A client changes its filter at one position of the stream: the old filter evaluates the changes
//! up to there, the new one those after it.

mod patterns;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::live::ids;
use crate::views::view::{positions, seq};
use crate::views::{ADULTS, Client, WriteHeads, aged, churn, listed, members, save, types};
use people_testing::process::Gateway;

#[tokio::test]
async fn filtered_has_the_cursor_at_which_the_old_filter_ends() {
    let gateway = Gateway::ready(&[]).await;
    let mut client = Client::live(&gateway, &[]).await;
    let at = save(&gateway, &ids(1)[0], &aged(10)).await;
    assert_eq!(client.message().await["at"], json!(at));
    client
        .send(json!({"type": "filter", "where": ADULTS, "ref": "grown \"up\" ✓"}))
        .await;
    let filtered = client.message().await;
    assert_eq!(members(&filtered), ["type", "ref", "cursor"]);
    assert_eq!(
        (&filtered["type"], &filtered["ref"]),
        (&json!("filtered"), &json!("grown \"up\" ✓"))
    );
    assert_eq!(filtered["cursor"], json!(at));
    save(&gateway, &ids(1)[0], &aged(11)).await;
    let at = save(&gateway, &ids(1)[0], &aged(18)).await;
    let enter = client.message().await;
    assert_eq!(
        (&enter["type"], &enter["at"]),
        (&json!("enter"), &json!(at))
    );
    client.send(json!({"type": "filter"})).await;
    let filtered = client.message().await;
    assert_eq!(
        members(&filtered),
        ["type", "cursor"],
        "no ref, because the request had none"
    );
    let at = save(&gateway, &ids(1)[0], &aged(3)).await;
    let update = client.message().await;
    assert_eq!(
        (&update["type"], &update["at"]),
        (&json!("update"), &json!(at)),
        "the default: all kinds, every person"
    );
}

#[tokio::test]
async fn each_change_is_evaluated_by_exactly_one_of_two_filters() {
    for partitions in ["1", "4"] {
        let settings = [
            ("store.partitions", partitions),
            ("live.messages_per_second", "1000"),
            ("live.position_interval_ms", "3600000"),
        ];
        let gateway = Gateway::ready(&settings).await;
        let mut witness = Client::live(&gateway, &[]).await;
        let mut client = Client::live(&gateway, &[("where", "age < 18")]).await;
        let people = ids(12);
        let writing = async {
            let writers = (1..5).map(|seed| churn(&gateway, &people, 150, seed));
            let written = futures_util::future::join_all(writers).await;
            written
                .iter()
                .fold(WriteHeads::default(), WriteHeads::merge)
        };
        let switching = async {
            let (mut segments, mut cursors) = (vec![Vec::new()], Vec::new());
            for round in 0..40 {
                let filter = if round % 2 == 0 { ADULTS } else { "age < 18" };
                client
                    .send(json!({"type": "filter", "where": filter, "ref": round.to_string()}))
                    .await;
                let mut received = client.until("filtered").await;
                let filtered = received.pop().expect("filtered");
                assert_eq!(filtered["ref"], round.to_string());
                cursors.push(positions(filtered["cursor"].as_str().expect("a cursor")));
                segments.last_mut().expect("one").extend(received);
                segments.push(Vec::new());
                tokio::task::yield_now().await;
            }
            (segments, cursors)
        };
        let (written, (mut segments, cursors)) = tokio::join!(writing, switching);
        segments
            .last_mut()
            .expect("one")
            .extend(client.read_past(&written).await);
        let all = witness.read_past(&written).await;
        let expected = expected_ats(&all, &cursors);
        assert_eq!(expected.len(), segments.len());
        for (number, (received, expected)) in segments.iter().zip(&expected).enumerate() {
            let ats: Vec<_> = received.iter().map(|change| change["at"].clone()).collect();
            assert_eq!(&ats, expected, "segment {number}, {partitions} partitions");
        }
    }
}

/// The `at` of each change that `age < 18` or [`ADULTS`] lets through: a list for each segment
/// between two of these cursors, with the filters in turn.
fn expected_ats(all: &[Value], cursors: &[BTreeMap<String, String>]) -> Vec<Vec<Value>> {
    let (mut ages, mut expected) = (BTreeMap::new(), vec![Vec::new(); cursors.len() + 1]);
    for change in all {
        let (partition, position) = change["at"]
            .as_str()
            .and_then(|at| at.split_once(':'))
            .expect("an at");
        let segment = cursors
            .iter()
            .filter(|cursor| seq(&cursor[partition]) < seq(position))
            .count();
        let matches = |age: Option<&u64>| age.is_some_and(|age| (*age >= 18) == (segment % 2 == 1));
        let id = change["person"]["id"]
            .as_str()
            .or(change["id"].as_str())
            .expect("an id");
        let after = change["person"]["age"].as_u64();
        let before = match after {
            Some(age) => ages.insert(id.to_owned(), age),
            None => ages.remove(id),
        };
        if matches(before.as_ref()) || matches(after.as_ref()) {
            expected[segment].push(change["at"].clone());
        }
    }
    expected
}

#[tokio::test]
async fn a_filter_from_snapshot_restarts_the_view() {
    let gateway = Gateway::ready(&[("store.partitions", "4")]).await;
    let people = ids(30);
    let written = churn(&gateway, &people, 100, 1).await;
    let mut client = Client::live(&gateway, &[("where", "age < 18"), ("from", "snapshot")]).await;
    client.read_past(&written).await;
    client
        .send(json!({"type": "filter", "where": ADULTS, "from": "snapshot", "ref": "s"}))
        .await;
    let messages = client.until("live").await;
    assert_eq!(messages[0], json!({"type": "filtered", "ref": "s"}));
    assert!(
        types(&messages[1..messages.len() - 1])
            .iter()
            .all(|kind| *kind == "snapshot")
    );
    assert_eq!(client.view.people, listed(&gateway, ADULTS).await);
    let written = churn(&gateway, &people, 50, 2).await;
    client.read_past(&written).await;
    assert_eq!(client.view.people, listed(&gateway, ADULTS).await);
    client
        .send(
            json!({"type": "filter", "where": "age > 200", "from": "snapshot", "kinds": "deletes"}),
        )
        .await;
    let messages = client.until("live").await;
    assert_eq!(messages[1], json!({"type": "snapshot", "people": []}));
}

#[tokio::test]
async fn a_new_filter_during_a_snapshot_ends_that_snapshot() {
    let gateway = Gateway::ready(&[("live.snapshot_people", "2"), ("store.partitions", "2")]).await;
    let people = ids(300);
    crate::live::save_big(&gateway, &people, 0..1).await;
    let mut ended_early = false;
    for round in 0..10 {
        let mut client = Client::open(&gateway, &[("from", "snapshot")]).await;
        client.message().await;
        client
            .send(json!({"type": "filter", "where": ADULTS, "from": "snapshot", "ref": "second"}))
            .await;
        let before = client.until("filtered").await;
        ended_early |= !types(&before).contains(&"live");
        let after = client.until("live").await;
        assert!(types(&after).starts_with(&["snapshot"]), "round {round}");
        assert_eq!(
            client.view.people,
            listed(&gateway, ADULTS).await,
            "round {round}"
        );
    }
    assert!(ended_early, "a filter ended no snapshot early");
}

#[tokio::test]
async fn a_filter_from_now_during_a_snapshot_sends_live_exactly_once() {
    let gateway = Gateway::ready(&[("live.snapshot_people", "2")]).await;
    crate::live::save_big(&gateway, &ids(300), 0..1).await;
    let mut client = Client::open(&gateway, &[("from", "snapshot")]).await;
    client.message().await;
    client
        .send(json!({"type": "filter", "where": ADULTS, "ref": "now"}))
        .await;
    let before = client.until("filtered").await;
    let had_live = types(&before).contains(&"live");
    let at = save(&gateway, &ids(1)[0], &aged(50)).await;
    let mut written = WriteHeads::default();
    written.add(&at);
    let mut lives = usize::from(had_live);
    let received = client.read_past(&written).await;
    lives += types(&received)
        .iter()
        .filter(|kind| **kind == "live")
        .count();
    assert_eq!(lives, 1);
    assert_eq!(
        received
            .iter()
            .filter(|message| message.get("at").is_some())
            .count(),
        1,
        "the old snapshot has ended"
    );
}

#[tokio::test]
async fn a_refused_filter_changes_nothing_and_its_problem_has_the_offset() {
    let gateway = Gateway::ready(&[]).await;
    let mut client = Client::live(&gateway, &[("where", ADULTS), ("from", "snapshot")]).await;
    client
        .send(json!({"type": "filter", "where": "firstName == \"é\" && agee > 3", "ref": "typo"}))
        .await;
    let error = client.message().await;
    assert_eq!(members(&error), ["type", "ref", "problem"]);
    assert_eq!(
        (&error["type"], &error["ref"]),
        (&json!("error"), &json!("typo"))
    );
    let problem = &error["problem"];
    assert_eq!(problem["type"], "/problems/filter");
    assert_eq!(
        (&problem["offset"], &problem["length"]),
        (&json!(20), &json!(4)),
        "code points: {problem}"
    );
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty())
    );
    save(&gateway, &ids(1)[0], &aged(10)).await;
    let at = save(&gateway, &ids(1)[0], &aged(20)).await;
    let enter = client.message().await;
    assert_eq!(
        (&enter["type"], &enter["at"]),
        (&json!("enter"), &json!(at)),
        "the old filter stays in force"
    );
}

#[tokio::test]
async fn filters_in_a_row_are_answered_in_order() {
    let gateway = Gateway::ready(&[]).await;
    let mut client = Client::live(&gateway, &[]).await;
    for number in 0..20 {
        let expression = format!("age == {number}");
        client
            .send(json!({"type": "filter", "where": expression, "ref": number.to_string()}))
            .await;
    }
    client.send(json!({"type": "ping", "ref": "last"})).await;
    for number in 0..20 {
        let filtered = client.message().await;
        assert_eq!(
            (&filtered["type"], &filtered["ref"]),
            (&json!("filtered"), &json!(number.to_string()))
        );
    }
    assert_eq!(client.message().await["ref"], "last");
    for age in [3, 18, 19] {
        save(&gateway, &ids(1)[0], &aged(age)).await;
    }
    assert_eq!(
        client.message().await["person"]["age"],
        19,
        "the last filter is in force"
    );
}
