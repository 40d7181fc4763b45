//! A quiet client still learns where it is.

use serde_json::json;

use super::{ADULTS, Client, Written, aged, churn, listed, members, save, types};
use crate::live::ids;
use people_testing::process::Gateway;

const SHORT: (&str, &str) = ("live.position_interval_ms", "200");

#[tokio::test]
async fn who_is_shown_nothing_is_told_how_far_the_cursor_moved() {
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
async fn nothing_is_told_where_nothing_moved_or_the_last_at_told_it() {
    let gateway = Gateway::ready(&[SHORT]).await;
    let mut everyone = Client::live(&gateway, &[]).await;
    let mut clock = Client::live(&gateway, &[("where", "false")]).await;
    let mut expected = Vec::new();
    for number in 0..4 {
        expected.push(save(&gateway, &ids(4)[number], &aged(10)).await);
        // The other client is told that time has passed, although this one has nothing to be told.
        assert_eq!(clock.message().await["type"], "position");
    }
    everyone.say(json!({"type": "stop"})).await;
    let mut shown = Vec::new();
    while let Ok(text) = everyone.listener.next().await {
        shown.push(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"));
    }
    assert_eq!(types(&shown), ["create"; 4]);
    let ats: Vec<_> = shown
        .iter()
        .map(|change| change["at"].as_str().expect("an at").to_owned())
        .collect();
    assert_eq!(ats, expected);
}

#[tokio::test]
async fn a_told_position_resumes_without_repeat_or_hole_while_others_write() {
    let gateway = Gateway::ready(&[
        ("live.position_interval_ms", "10"),
        ("store.partitions", "4"),
    ])
    .await;
    let people = ids(20);
    // Rarely shown anything, so that positions are told between.
    let filter = "age == 20 || age == 21";
    let mut view = Client::live(&gateway, &[("from", "snapshot"), ("where", filter)])
        .await
        .view;
    let writing = async {
        let writers = (1..5).map(|seed| churn(&gateway, &people, 250, seed));
        let written = futures_util::future::join_all(writers).await;
        written.iter().fold(Written::default(), Written::both)
    };
    let view_ref = &mut view;
    let coming_back = async {
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
        () = coming_back => unreachable!("it waits"),
    };
    let mut client = Client::open(&gateway, &[("from", &view.cursor()), ("where", filter)]).await;
    client.view = view.resumed();
    client.until("live").await;
    client.passes(&written).await;
    assert_eq!(client.view.people, listed(&gateway, filter).await);
}
