//! The trace of a change: its request, its write, and its relay on each gateway.

use super::{CALLER, PARENT, SOON, TRACE, post, span, spans};
use crate::scale_out::fleet::Fleet;
use people_testing::collector::Collector;
use people_testing::process::Gateway;

/// The numbers of span kinds in OTLP.
const SERVER: i32 = 2;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

#[tokio::test]
async fn a_callers_trace_has_the_request_the_write_and_the_relay_of_every_gateway() {
    let collector = Collector::start().await;
    let url = collector.url();
    let fleet = Fleet::start(2, 1, &[("trace.endpoint", &url), SOON]).await;
    let mut listener = fleet.gateways[1].listen("").await;
    let (status, saved) = post(&fleet.gateways[0], Some(PARENT)).await;
    assert_eq!(status, 201);
    assert!(listener.sentence().await.contains("Ada"));

    let request = span(&collector, "POST /people").await;
    assert_eq!(
        (&*request.trace, &*request.parent, request.kind),
        (TRACE, CALLER, SERVER)
    );
    assert_eq!(request.attribute("http.response.status_code"), "201");
    assert_eq!(request.attribute("http.route"), "/people");
    assert_eq!(request.attribute("service.name"), "people-gateway");
    assert_eq!(
        request.attribute("http.response.header.x-request-id").len(),
        36
    );

    let write = span(&collector, "publish people").await;
    assert_eq!(
        (&*write.trace, &write.parent, write.kind),
        (TRACE, &request.id, PRODUCER)
    );
    let at = format!("0:{}", saved["revision"].as_str().expect("a revision"));
    assert_eq!(
        (
            write.attribute("messaging.message.id"),
            write.attribute("db.system.name")
        ),
        (&*at, "redis")
    );

    let relays = spans(&collector, "relay people", 2).await;
    for relay in &relays {
        assert_eq!(
            (&*relay.trace, &relay.parent, relay.kind),
            (TRACE, &write.id, CONSUMER)
        );
        assert_eq!(relay.links, [(TRACE.to_owned(), write.id.clone())]);
        assert_eq!(relay.attribute("messaging.message.id"), at);
    }
    let instances: Vec<_> = relays
        .iter()
        .map(|relay| relay.attribute("service.instance.id"))
        .collect();
    assert_ne!(
        instances[0], instances[1],
        "each relay is of another gateway"
    );
    let mut sessions: Vec<_> = relays
        .iter()
        .map(|relay| relay.attribute("people_gateway.sessions"))
        .collect();
    sessions.sort_unstable();
    assert_eq!(sessions, ["0", "1"], "one gateway has the listener");
}

#[tokio::test]
async fn an_embedded_store_is_traced_and_a_request_without_a_valid_parent_begins_a_trace() {
    let collector = Collector::start().await;
    let gateway = Gateway::ready(&[("trace.endpoint", &collector.url()), SOON]).await;
    for parent in [
        None,
        Some("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
        Some("junk"),
    ] {
        assert_eq!(post(&gateway, parent).await.0, 201);
    }
    let requests = spans(&collector, "POST /people", 3).await;
    let writes = spans(&collector, "publish people", 3).await;
    let relays = spans(&collector, "relay people", 3).await;
    for request in &requests {
        assert_eq!(request.parent, "", "a malformed header names no parent");
        assert_ne!(request.trace, TRACE);
        let write = writes
            .iter()
            .find(|write| write.parent == request.id)
            .expect("its write");
        let relay = relays
            .iter()
            .find(|relay| relay.parent == write.id)
            .expect("its relay");
        assert_eq!([&write.trace, &relay.trace], [&request.trace; 2]);
        assert_eq!(write.attribute("db.system.name"), "people-gateway");
    }
}

#[tokio::test]
async fn a_callers_flag_decides_about_its_trace_and_the_ratio_about_traces_without_a_caller() {
    let collector = Collector::start().await;
    let none = ("trace.sample_ratio", "0");
    let gateway = Gateway::ready(&[("trace.endpoint", &collector.url()), SOON, none]).await;
    assert_eq!(post(&gateway, None).await.0, 201);
    assert_eq!(
        post(&gateway, Some(&PARENT.replace("-01", "-00"))).await.0,
        201
    );
    assert_eq!(post(&gateway, Some(PARENT)).await.0, 201);
    // Spans are exported in the order of their ends, so those of an earlier request would be here.
    assert_eq!(span(&collector, "POST /people").await.trace, TRACE);
    assert_eq!(span(&collector, "publish people").await.trace, TRACE);
    assert_eq!(span(&collector, "relay people").await.trace, TRACE);
}

#[tokio::test]
async fn a_failed_request_has_an_error_in_its_span_and_its_trace_in_the_log() {
    let collector = Collector::start().await;
    let quick = ("store.retry_limit_ms", "200");
    let settings = [
        ("trace.endpoint", &*collector.url()),
        SOON,
        quick,
        ("log.format", "json"),
    ];
    let mut fleet = Fleet::start(1, 1, &settings).await;
    fleet.redis.kill9();
    assert_eq!(post(&fleet.gateways[0], Some(PARENT)).await.0, 503);
    let request = span(&collector, "POST /people").await;
    assert!(
        request.failed && request.attribute("error.type") == "503",
        "{request:?}"
    );
    let write = span(&collector, "publish people").await;
    assert!(
        write.failed && write.attribute("error.type") == "unavailable",
        "{write:?}"
    );
    let log = fleet.gateways[0].log();
    let line = log
        .lines()
        .find(|line| line.contains("request failed"))
        .expect("a line");
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(
        line["request"],
        request.attribute("http.response.header.x-request-id")
    );
    assert_eq!(
        (&line["level"], &line["status"]),
        (&"WARN".into(), &503.into())
    );
}

#[tokio::test]
async fn the_last_spans_are_exported_before_the_gateway_exits() {
    let collector = Collector::start().await;
    let never = ("trace.interval_ms", "3600000");
    let mut gateway = Gateway::ready(&[("trace.endpoint", &collector.url()), never]).await;
    assert_eq!(post(&gateway, Some(PARENT)).await.0, 201);
    gateway.signal(rustix::process::Signal::TERM);
    assert_eq!(gateway.exit_code().await, Some(0));
    assert_eq!(collector.named("POST /people").len(), 1);
    assert_eq!(collector.named("publish people").len(), 1);
}
