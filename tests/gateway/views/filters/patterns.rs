//! Costly patterns: the views of a client with one stay exact, and so do those of all other
//! clients.

use std::collections::BTreeSet;

use serde_json::json;

use crate::live::ids;
use crate::views::{Client, WriteHeads, aged, listed, save};
use people_testing::process::Gateway;

/// Its search visits a thousand states for each character of a text of a and b: two million steps.
const COSTLY: &str = r#"attributes.text.matches("[ab]*a[ab]{1000}c") || age < 18"#;
const PEOPLE: u32 = 5;

#[tokio::test]
async fn views_stay_exact_while_one_client_has_a_costly_pattern() {
    for partitions in ["1", "4"] {
        let gateway = Gateway::ready(&[("store.partitions", partitions)]).await;
        let people = ids(PEOPLE);
        let mut costly = Client::live(&gateway, &[("where", COSTLY), ("from", "snapshot")]).await;
        let mut other =
            Client::live(&gateway, &[("where", "age < 18"), ("from", "snapshot")]).await;
        let (mut written, mut matching) = (WriteHeads::default(), BTreeSet::new());
        for round in 0..4 {
            for (index, id) in people.iter().enumerate() {
                // A text that is long in three of four rounds, and matches in one.
                let kind = (round + index) % 4;
                let mut person = aged(if index == 0 { 7 } else { 36 });
                let text = format!("{}{}", "ba".repeat(1000), if kind == 1 { "c" } else { "" });
                person["attributes"] = if kind == 0 {
                    json!({})
                } else {
                    json!({ "text": text })
                };
                written.add(&save(&gateway, id, &person).await);
                if kind == 1 || index == 0 {
                    matching.insert(id.clone())
                } else {
                    matching.remove(id)
                };
            }
        }
        other.read_past(&written).await;
        costly.read_past(&written).await;
        assert_eq!(
            costly.view.people.keys().cloned().collect::<BTreeSet<_>>(),
            matching,
            "{partitions} partitions"
        );
        assert_eq!(costly.view.people, listed(&gateway, COSTLY).await);
        assert_eq!(other.view.people, listed(&gateway, "age < 18").await);
        assert!(
            gateway.count("session_offloads_total").await > 0,
            "the dispatcher offloads the costly evaluation"
        );
        let late = Client::live(&gateway, &[("where", COSTLY), ("from", "snapshot")]).await;
        assert_eq!(late.view.people, costly.view.people);
    }
}
