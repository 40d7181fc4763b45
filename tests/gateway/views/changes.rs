//! The type that a change has in a view, and its members.

use serde_json::{Value, json};

use super::{ADULTS, Client, WriteHeads, aged, churn, delete, listed, members, save};
use crate::live::ids;
use people_testing::process::Gateway;

/// Ages that one person is saved with, none for a delete, and the type of the change that a view of
/// [`ADULTS`] receives.
const STEPS: [(Option<u64>, Option<&str>); 12] = [
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

/// Makes these changes. Returns the log position of each.
async fn take_steps(gateway: &Gateway, id: &str) -> Vec<String> {
    let mut ats = Vec::new();
    for (age, _) in STEPS {
        ats.push(match age {
            Some(age) => save(gateway, id, &aged(age)).await,
            None => delete(gateway, id).await.expect("the person exists"),
        });
    }
    ats
}

#[tokio::test]
async fn a_change_has_the_type_that_its_images_decide() {
    let gateway = Gateway::ready(&[]).await;
    let mut client = Client::live(&gateway, &[("from", "snapshot"), ("where", ADULTS)]).await;
    let id = &ids(1)[0];
    let ats = take_steps(&gateway, id).await;
    for ((age, kind), at) in STEPS
        .iter()
        .zip(&ats)
        .filter(|((_, kind), _)| kind.is_some())
    {
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
                "a change that removes a person has no values"
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
    let written = written
        .iter()
        .fold(WriteHeads::default(), WriteHeads::merge);
    let mut received = Vec::new();
    for client in &mut streams {
        received.push(client.read_past(&written).await);
    }
    let (deletes, saves): (Vec<Value>, _) = received[0]
        .iter()
        .cloned()
        .partition(|change| change["type"] == "delete");
    assert!(!deletes.is_empty() && saves.iter().any(|change| change["type"] == "leave"));
    assert_eq!(received[1], saves);
    assert_eq!(received[2], deletes);
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
