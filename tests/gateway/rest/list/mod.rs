//! The list: whole or in pages, as an array or as lines, of all people or of the matching ones.

mod failures;
mod filtered;
mod pages;
mod whole;

use serde_json::Value;

use crate::ADA;
use people_testing::http::Gateway;

/// Saves people whose ids are not in order; returns the ids, sorted.
async fn fill(gateway: &Gateway, count: u32) -> Vec<String> {
    let ids: Vec<String> = (0..count)
        .map(|n| {
            format!(
                "{:08x}-0000-4000-8000-000000000000",
                n.wrapping_mul(2_654_435_761)
            )
        })
        .collect();
    let body: String = ids
        .iter()
        .map(|id| ADA.replacen('{', &format!("{{\"id\":\"{id}\","), 1) + "\n")
        .collect();
    let request = gateway
        .request("POST", "/people/import")
        .header("content-type", "application/x-ndjson");
    let answer = request.body(body).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(
        answer
            .text()
            .await
            .expect("a body")
            .starts_with(&format!("{{\"saved\":{count},\"refused\":0"))
    );
    let mut ids = ids;
    ids.sort_unstable();
    ids
}

fn ids(people: &Value) -> Vec<String> {
    people
        .as_array()
        .expect("an array")
        .iter()
        .map(|person| person["id"].as_str().expect("an id").to_owned())
        .collect()
}
