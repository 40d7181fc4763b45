//! Patterns that take long: who asks for one is shown exactly what they should be, and so is
//! everyone else.

use std::collections::BTreeSet;

use serde_json::json;

use crate::live::ids;
use crate::views::{Client, Written, aged, listed, save};
use people_testing::process::Gateway;

/// Its search visits a thousand places on each character of a text of a and b: two million steps.
const COSTLY: &str = r#"attributes.text.matches("[ab]*a[ab]{1000}c") || age < 18"#;
const PEOPLE: u32 = 5;

#[tokio::test]
async fn who_asks_for_a_pattern_that_takes_long_is_shown_exactly_who_matches() {
    for partitions in ["1", "4"] {
        let gateway = Gateway::ready(&[("store.partitions", partitions)]).await;
        let people = ids(PEOPLE);
        let mut costly = Client::live(&gateway, &[("where", COSTLY), ("from", "snapshot")]).await;
        let mut other =
            Client::live(&gateway, &[("where", "age < 18"), ("from", "snapshot")]).await;
        let (mut written, mut matching) = (Written::default(), BTreeSet::new());
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
        other.passes(&written).await;
        costly.passes(&written).await;
        assert_eq!(
            costly.view.people.keys().cloned().collect::<BTreeSet<_>>(),
            matching,
            "{partitions} partitions"
        );
        assert_eq!(costly.view.people, listed(&gateway, COSTLY).await);
        assert_eq!(other.view.people, listed(&gateway, "age < 18").await);
        assert!(
            gateway.count("session_offloads_total").await > 0,
            "it is judged aside"
        );
        let late = Client::live(&gateway, &[("where", COSTLY), ("from", "snapshot")]).await;
        assert_eq!(late.view.people, costly.view.people);
    }
}
