//! How a view starts: from now, or with a snapshot.

use serde_json::json;

use super::{ADULTS, Client, WriteHeads, aged, churn, listed, members, save, types};
use crate::live::{ids, save_big};
use people_testing::process::{Gateway, person};

#[tokio::test]
async fn a_view_from_now_starts_with_live_and_continues_with_changes() {
    let gateway = Gateway::ready(&[]).await;
    let mut earlier = Client::live(&gateway, &[]).await;
    save(&gateway, &ids(1)[0], &aged(40)).await;
    earlier.message().await;
    let mut client = Client::open(&gateway, &[]).await;
    let live = client.message().await;
    assert_eq!(members(&live), ["type", "cursor"]);
    let at = save(&gateway, &ids(2)[1], &aged(40)).await;
    let create = client.message().await;
    assert_eq!(
        (&create["type"], &create["at"]),
        (&json!("create"), &json!(at))
    );
}

#[tokio::test]
async fn an_empty_view_is_one_empty_page_for_any_number_of_partitions() {
    for partitions in ["1", "4"] {
        let gateway = Gateway::ready(&[("store.partitions", partitions)]).await;
        for id in ids(10) {
            save(&gateway, &id, &aged(10)).await;
        }
        let mut client = Client::open(&gateway, &[("from", "snapshot"), ("where", ADULTS)]).await;
        let messages = client.until("live").await;
        assert_eq!(messages[0], json!({"type": "snapshot", "people": []}));
        assert_eq!(types(&messages), ["snapshot", "live"]);
    }
}

#[tokio::test]
async fn a_snapshot_holds_all_matching_people_for_any_kinds() {
    let gateway = Gateway::ready(&[("store.partitions", "4")]).await;
    let mut written = WriteHeads::default();
    for (id, age) in ids(40).iter().zip(0..) {
        written.add(&save(&gateway, id, &aged(age)).await);
    }
    for kinds in ["all", "saves", "deletes"] {
        let parameters = [("from", "snapshot"), ("where", ADULTS), ("kinds", kinds)];
        let client = Client::live(&gateway, &parameters).await;
        assert_eq!(
            client.view.people,
            listed(&gateway, ADULTS).await,
            "{kinds}"
        );
        assert_eq!(client.view.people.len(), 22);
    }
}

#[tokio::test]
async fn pages_are_at_most_64_kib_and_hold_each_person_once() {
    let gateway = Gateway::ready(&[("store.partitions", "4")]).await;
    let people = ids(150);
    save_big(&gateway, &people, 0..1).await;
    let mut huge = person("Ada");
    huge["attributes"] = json!({"text": "x".repeat(8000)});
    for id in ids(170).split_off(150) {
        save(&gateway, &id, &huge).await;
    }
    let mut client = Client::open(&gateway, &[("from", "snapshot")]).await;
    let mut pages = 0;
    while !client.view.is_live {
        let text = client.listener.sentence().await;
        let message = serde_json::from_str(&text).expect("JSON");
        client.view.apply(&message);
        if message["type"] == "snapshot" {
            pages += 1;
            assert!(text.len() <= 65_536, "{} bytes", text.len());
        }
    }
    assert!(pages > 3);
    assert_eq!(client.view.people, listed(&gateway, "").await);
}

/// Requests that come close together share a page. The page must include the changes between them.
#[tokio::test]
async fn pages_include_every_change_made_before_the_request() {
    for partitions in ["1", "4"] {
        let gateway = Gateway::ready(&[("store.partitions", partitions)]).await;
        let mut watcher = Client::live(&gateway, &[]).await;
        for (id, count) in ids(8).iter().zip(1..) {
            save(&gateway, id, &aged(40)).await;
            watcher.message().await;
            let mut client = Client::open(&gateway, &[("from", "snapshot")]).await;
            let messages = client.until("live").await;
            assert!(
                !types(&messages).contains(&"create"),
                "the page includes the change: {messages:?}"
            );
            assert_eq!(client.view.people.len(), count);
        }
    }
}

#[tokio::test]
async fn a_snapshot_is_exact_at_live_while_people_are_written() {
    for partitions in ["1", "4"] {
        let settings = [
            ("store.partitions", partitions),
            ("live.snapshot_people", "2"),
        ];
        let gateway = Gateway::ready(&settings).await;
        let people = ids(60);
        let mut written = churn(&gateway, &people, 100, 1).await;
        let mut clients = Vec::new();
        let writing = async {
            let writers = (2..6).map(|seed| churn(&gateway, &people, 120, seed));
            futures_util::future::join_all(writers).await
        };
        let reading = async {
            for filter in [
                ADULTS,
                "",
                "age < 18",
                "!(age in [1, 20])",
                ADULTS,
                ADULTS,
                "",
                ADULTS,
            ] {
                let client =
                    Client::live(&gateway, &[("from", "snapshot"), ("where", filter)]).await;
                clients.push((filter, client));
            }
        };
        let (writes, ()) = tokio::join!(writing, reading);
        for one in &writes {
            written = written.merge(one);
        }
        for (filter, mut client) in clients {
            client.read_past(&written).await;
            assert_eq!(
                client.view.people,
                listed(&gateway, filter).await,
                "{filter}, {partitions} partitions"
            );
        }
    }
}
