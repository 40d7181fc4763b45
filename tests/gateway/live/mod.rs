//! Live updates in the text format.

mod commands;
mod filtered;
mod late_readers;
mod switching;
mod text;
pub(crate) mod websocket;

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use people_testing::process::{Gateway, person};

/// Saves each person once per round, with one request per round. Their sentences have about
/// 1.7 KB.
pub(crate) async fn save_big(gateway: &Gateway, people: &[String], rounds: std::ops::Range<u32>) {
    for round in rounds {
        let lines: Vec<_> = people
            .iter()
            .map(|id| format!("{}\n", big(id, round)))
            .collect();
        let answer = gateway.import(lines.concat()).await;
        let answer: Value =
            serde_json::from_str(answer.trim()).expect("one line: nothing was refused");
        assert_eq!(answer["saved"], people.len());
    }
}

fn big(id: &str, round: u32) -> Value {
    let mut big = person(&"𝒜".repeat(200));
    big["id"] = json!(id);
    big["lastName"] = json!("ℒ".repeat(200));
    big["job"] = json!(format!("{round} {}", "x".repeat(190)));
    big
}

/// Deletes people, 32 at a time.
async fn delete_all(gateway: &Gateway, people: &[String]) {
    stream::iter(people)
        .for_each_concurrent(
            32,
            |id| async move { assert_eq!(gateway.delete(id).await, 204) },
        )
        .await;
}

/// Ids in ascending order, the same ones each time.
pub(crate) fn ids(count: u32) -> Vec<String> {
    (0..count)
        .map(|number| format!("0190f3e2-7c1b-7d9a-8f00-{number:012x}"))
        .collect()
}

/// Whether a metric has this value.
async fn metric_is(gateway: &Gateway, name: &str, expected: u32) -> bool {
    (gateway.metric(name).await - f64::from(expected)).abs() < 0.5
}
