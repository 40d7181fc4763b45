//! Positions: a client that receives no changes still learns its cursor.

use serde_json::json;

use super::{ADULTS, Client, WriteHeads, aged, churn, listed, members, save, types};
use crate::live::ids;
use people_testing::process::Gateway;

const SHORT: (&str, &str) = ("live.position_interval_ms", "200");

#[tokio::test]
async fn a_client_without_matching_changes_receives_positions() {
    let gateway = Gateway::ready(&[SHORT, ("store.partitions", "4")]).await;
    let mut client = Client::live(&gateway, &[("where", ADULTS)]).await;
    for id in ids(5) {
        let at = save(&gateway, &id, &aged(10)).await;
        loop {
            let position = client.message().await;
            assert_eq!(members(&position), ["type", "cursor"]);
            assert_eq!(position["type"], "position");
            if client.view.cursor().split(',').any(|known| known == at) {
                break;
            }
        }
    }
}

#[tokio::test]
async fn no_position_is_sent_while_the_last_at_is_still_the_cursor() {
    let gateway = Gateway::ready(&[SHORT]).await;
    let mut unfiltered = Client::live(&gateway, &[]).await;
    let mut clock = Client::live(&gateway, &[("where", "false")]).await;
    let mut expected = Vec::new();
    for number in 0..4 {
        expected.push(save(&gateway, &ids(4)[number], &aged(10)).await);
        // A position to the other client shows that the interval has passed for both.
        assert_eq!(clock.message().await["type"], "position");
    }
    unfiltered.send(json!({"type": "stop"})).await;
    let mut received = Vec::new();
    while let Ok(text) = unfiltered.listener.next().await {
        received.push(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"));
    }
    assert_eq!(types(&received), ["create"; 4]);
    let ats: Vec<_> = received
        .iter()
        .map(|change| change["at"].as_str().expect("an at").to_owned())
        .collect();
    assert_eq!(ats, expected);
}

#[tokio::test]
async fn a_position_resumes_without_gap_or_repeat_during_writes() {
    let gateway = Gateway::ready(&[
        ("live.position_interval_ms", "10"),
        ("store.partitions", "4"),
    ])
    .await;
    let people = ids(20);
    // Matches rarely, so that positions come between changes.
    let filter = "age == 20 || age == 21";
    let mut view = Client::live(&gateway, &[("from", "snapshot"), ("where", filter)])
        .await
        .view;
    let writing = async {
        let writers = (1..5).map(|seed| churn(&gateway, &people, 250, seed));
        let written = futures_util::future::join_all(writers).await;
        written
            .iter()
            .fold(WriteHeads::default(), WriteHeads::merge)
    };
    let view_ref = &mut view;
    let resuming = async {
        let mut resumed = 0;
        loop {
            let mut client =
                Client::open(&gateway, &[("from", &view_ref.cursor()), ("where", filter)]).await;
            client.view = view_ref.resumed();
            client.until("position").await;
            *view_ref = client.view;
            resumed += 1;
            if resumed == 15 {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let written = tokio::select! {
        written = writing => written,
        () = resuming => unreachable!("the client resumes until the writes are done"),
    };
    let mut client = Client::open(&gateway, &[("from", &view.cursor()), ("where", filter)]).await;
    client.view = view.resumed();
    client.until("live").await;
    client.read_past(&written).await;
    assert_eq!(client.view.people, listed(&gateway, filter).await);
}
