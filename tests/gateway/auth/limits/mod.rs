//! Limits on callers, as callers meet them: which calls are refused, with which answer, and who is
//! not concerned.

mod audit;
mod connections;
mod proxies;
mod rates;
mod sessions;
mod tokens;

use people_testing::issuer::{Issuer, claims};
use people_testing::process::Gateway;
use serde_json::Value;

use super::{Guarded, problem};

/// Asserts that an answer is a 429 of this limit, with seconds to wait.
async fn assert_limited(answer: reqwest::Response, limit: &str) {
    assert_eq!(answer.status(), 429);
    let seconds = answer.headers()["retry-after"].to_str().expect("ASCII");
    let seconds: u64 = seconds.parse().expect("whole seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_problem(&problem(answer).await, limit);
}

fn assert_problem(problem: &Value, limit: &str) {
    assert_eq!(problem["type"], "/problems/limit");
    assert_eq!(problem["status"], 429);
    assert_eq!(problem["limit"], limit);
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("Retry-After says"), "{detail}");
}

/// A number of refusals, as `/metrics` has it.
async fn limited(gateway: &Gateway, limit: &str) -> u64 {
    let labels = format!("limit=\"{limit}\"");
    gateway.count_at("limited_total", &labels).await
}

/// A token of a writer.
fn writer(issuer: &Issuer, subject: &str) -> String {
    issuer.token(&claims(subject, "writer"))
}

/// A GET of `/rights` with headers.
async fn call(gateway: &Gateway, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = gateway.request("GET", "/rights");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer")
}
