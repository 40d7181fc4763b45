//! Traces: the spans that a collector gets of a request, its write and its relay, and collectors
//! that fail.

mod collectors;
mod frames;
mod requests;

use serde_json::Value;

use people_testing::collector::{Collector, Span};
use people_testing::process::{Gateway, person};
use people_testing::wait::eventually;

/// A caller's trace, its span, and the header that names both.
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const CALLER: &str = "00f067aa0ba902b7";
pub(crate) const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Spans are exported this often, so that a test need not wait for them.
pub(crate) const SOON: (&str, &str) = ("trace.interval_ms", "50");

/// Posts a person with this `traceparent`; returns the status and the body.
pub(crate) async fn post(gateway: &Gateway, parent: Option<&str>) -> (u16, Value) {
    let mut request = gateway
        .request("POST", "/people")
        .header("content-type", "application/json");
    if let Some(parent) = parent {
        request = request.header("traceparent", parent);
    }
    let answer = request
        .body(person("Ada").to_string())
        .send()
        .await
        .expect("an answer");
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_str(&answer.text().await.expect("text")).expect("JSON"),
    )
}

/// Waits for spans of this name; there must be exactly `count`.
pub(crate) async fn spans(collector: &Collector, name: &str, count: usize) -> Vec<Span> {
    eventually(&format!("{count} spans {name}"), || async {
        collector.named(name).len() >= count
    })
    .await;
    let spans = collector.named(name);
    assert_eq!(spans.len(), count, "{spans:?}");
    spans
}

/// Waits for the only span of this name.
pub(crate) async fn span(collector: &Collector, name: &str) -> Span {
    spans(collector, name, 1).await.remove(0)
}
