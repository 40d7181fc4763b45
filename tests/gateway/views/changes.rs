//! What a change means to a view, and how it is said.

use serde_json::{Value, json};

use super::{ADULTS, Client, Written, aged, churn, delete, listed, members, save};
use crate::live::ids;
use people_testing::process::Gateway;

/// One person's way through a view; what is to be said of each step.
const WAY: [(Option<u64>, Option<&str>); 12] = [
    (Some(10), None),
    (Some(11), None),
    (Some(18), Some("enter")),
    (Some(18), Some("update")),
    (Some(17), Some("leave")),
    (None, None),
    (Some(40), Some("create")),
    (Some(41), Some("update")),
    (None, Some("delete")),
    (Some(42), Some("create")),
    (Some(3), Some("leave")),
    (Some(50), Some("enter")),
];

/// Goes the way; where each step stands.
async fn go(gateway: &Gateway, id: &str) -> Vec<String> {
    let mut ats = Vec::new();
    for (age, _) in WAY {
        ats.push(match age {
            Some(age) => save(gateway, id, &aged(age)).await,
            None => delete(gateway, id).await.expect("someone to delete"),
        });
    }
    ats
}

#[tokio::test]
async fn every_change_is_said_as_its_before_and_after_decide() {
    let gateway = Gateway::ready(&[]).await;
    let mut client = Client::live(&gateway, &[("from", "snapshot"), ("where", ADULTS)]).await;
    let id = &ids(1)[0];
    let ats = go(&gateway, id).await;
    for ((age, kind), at) in WAY.iter().zip(&ats).filter(|((_, kind), _)| kind.is_some()) {
        let message = client.message().await;
        assert_eq!(
            (message["type"].as_str(), message["at"].as_str()),
            (*kind, Some(&**at)),
            "{message}"
        );
        let revision = at.split_once(':').expect("an at").1;
        if matches!(*kind, Some("leave" | "delete")) {
            assert_eq!(
                members(&message),
                ["type", "at", "id", "revision"],
                "no values"
            );
            assert_eq!(
                (&message["id"], &message["revision"]),
                (&json!(id), &json!(revision))
            );
        } else {
            assert_eq!(members(&message), ["type", "at", "person"]);
            let person = &message["person"];
            assert_eq!(
                (&person["id"], &person["age"], &person["revision"]),
                (&json!(id), &json!(age), &json!(revision))
            );
        }
    }
    assert_eq!(client.view.people, listed(&gateway, ADULTS).await);
}

#[tokio::test]
async fn saves_and_deletes_are_the_same_stream_with_the_other_types_left_out() {
    let gateway = Gateway::ready(&[("store.partitions", "4")]).await;
    let mut streams = Vec::new();
    for kinds in ["all", "saves", "deletes"] {
        streams.push(Client::live(&gateway, &[("where", ADULTS), ("kinds", kinds)]).await);
    }
    let people = ids(10);
    let writers = (1..4).map(|seed| churn(&gateway, &people, 80, seed));
    let written = futures_util::future::join_all(writers).await;
    let written = written.iter().fold(Written::default(), Written::both);
    let mut shown = Vec::new();
    for client in &mut streams {
        shown.push(client.passes(&written).await);
    }
    let (deletes, saves): (Vec<Value>, _) = shown[0]
        .iter()
        .cloned()
        .partition(|change| change["type"] == "delete");
    assert!(!deletes.is_empty() && saves.iter().any(|change| change["type"] == "leave"));
    assert_eq!(shown[1], saves);
    assert_eq!(shown[2], deletes);
}

#[tokio::test]
async fn a_save_that_changes_nothing_is_an_update() {
    let gateway = Gateway::ready(&[]).await;
    let mut client = Client::live(&gateway, &[("from", "snapshot")]).await;
    for kind in ["create", "update", "update"] {
        save(&gateway, &ids(1)[0], &aged(20)).await;
        assert_eq!(client.message().await["type"], kind);
    }
}
