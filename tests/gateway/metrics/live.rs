//! Sessions: their number, their deliveries, delays and bytes, and how they end.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{Scrape, wait_for_counts};
use crate::live::websocket::peer::{CLOSE, Frame, Peer, TEXT, close, frame, handshake};
use crate::live::{ids, save_big};
use people_testing::process::{Gateway, person};
use people_testing::socket::Listener;
use people_testing::wait::{DEADLINE, eventually};

fn aged(age: u32) -> Value {
    let mut person = person("Ada");
    person["age"] = json!(age);
    person
}

#[tokio::test]
async fn each_delivery_is_counted_by_verdict_and_timed_once() {
    let gateway = Gateway::ready(&[]).await;
    // Two sessions of one subscription group, which are written to in one step.
    let mut old = gateway.listen("?where=age%20%3E%2030").await;
    let mut same = gateway.listen("?where=age%20%3E%2030").await;
    let (mut all, _) = Listener::open_as(gateway.address, "/people", "people.v1.json").await;
    assert!(all.sentence().await.contains("live"));
    let ada = gateway.create(&aged(36)).await;
    for age in [20, 40, 41] {
        assert_eq!(gateway.put(&ada, &aged(age), false).await, 200);
    }
    assert_eq!(gateway.delete(&ada).await, 204);
    let young = gateway.create(&aged(7)).await;
    assert_eq!(gateway.delete(&young).await, 204);
    for _ in 0..5 {
        old.sentence().await;
        same.sentence().await;
    }
    for _ in 0..7 {
        all.sentence().await;
    }
    // In both filtered views Ada is created, leaves, enters, is updated and is deleted. In `all`
    // Ada is created, updated three times and deleted; the young person is created and deleted.
    let expected = [
        ("deliveries_total{verdict=\"create\"}", 4),
        ("deliveries_total{verdict=\"enter\"}", 2),
        ("deliveries_total{verdict=\"update\"}", 5),
        ("deliveries_total{verdict=\"leave\"}", 2),
        ("deliveries_total{verdict=\"delete\"}", 4),
        ("delivery_latency_seconds_count", 17),
        ("relay_changes_total", 7),
        ("relay_lag_seconds_count", 7),
        ("store_writes_total", 7),
        ("catch_up_deliveries_total", 0),
    ];
    wait_for_counts(&gateway, &expected).await;
    let scrape = Scrape::of(&gateway).await;
    let (lag, latency) = (
        scrape.get("relay_lag_seconds_sum"),
        scrape.get("delivery_latency_seconds_sum"),
    );
    assert!(
        lag > 0.0 && latency > 0.0,
        "both sums grow: {lag} {latency}"
    );
}

#[tokio::test]
async fn sessions_views_groups_and_filters_go_up_and_down_with_their_clients() {
    let gateway = Gateway::ready(&[]).await;
    let path = "/people?where=age%20%3E%2030";
    let mut text = Listener::open(gateway.address, path).await;
    let mut other = Peer::open(gateway.address, path).await;
    let (json, _) = Listener::open_as(gateway.address, path, "people.v1.json").await;
    let (events, _) = Listener::open_as(gateway.address, "/updates", "cloudevents.json").await;
    let source = gateway
        .request("GET", "/updates")
        .send()
        .await
        .expect("a stream");
    let up = [
        ("sessions{format=\"text\"}", 2),
        ("sessions{format=\"json\"}", 1),
        ("sessions{format=\"cloudevents\"}", 1),
        ("sessions{format=\"sse\"}", 1),
        ("views", 5),
        // The two with one filter and one format share a group. No filter counts as a filter.
        ("subscription_groups", 4),
        ("filters", 2),
        ("http_connections", 5),
        ("sessions_closed_total", 0),
    ];
    wait_for_counts(&gateway, &up).await;

    text.say("stop").await;
    text.end().await;
    other.send(&close(4999, b"")).await;
    assert_eq!(other.next().await, Frame::Close(Some(4999), String::new()));
    drop((json, events, source, other));
    let down = [
        ("sessions", 0),
        ("views", 0),
        ("subscription_groups", 0),
        ("filters", 0),
        ("http_connections", 0),
        ("sessions_closed_total", 5),
        ("sessions_closed_total{code=\"1000\"}", 1),
        ("sessions_closed_total{code=\"1006\"}", 3),
        ("sessions_closed_total{code=\"other\"}", 1),
    ];
    wait_for_counts(&gateway, &down).await;
}

/// Reads to the end of the connection; returns the number of bytes after the answer's head.
async fn bytes_to_the_end(peer: &mut Peer) -> u64 {
    let mut all = Vec::new();
    timeout(DEADLINE, peer.stream.read_to_end(&mut all))
        .await
        .expect("an end in time")
        .expect("no reset");
    let head = all
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("an answer")
        + 4;
    (all.len() - head) as u64
}

#[tokio::test]
async fn sent_bytes_are_the_bytes_that_the_client_receives() {
    let gateway = Gateway::ready(&[]).await;
    let mut peer = Peer::connect(gateway.address).await;
    let json = [("Sec-WebSocket-Protocol", "people.v1.json")];
    let hello = [
        handshake("/people", &[]).replace("\r\n\r\n", "\r\n"),
        format!("{}: {}\r\n\r\n", json[0].0, json[0].1),
    ];
    peer.send(hello.concat().as_bytes()).await;
    wait_for_counts(&gateway, &[("views", 1)]).await;
    for _ in 0..5 {
        gateway.create(&person("Ada")).await;
    }
    wait_for_counts(&gateway, &[("deliveries_total", 5)]).await;
    peer.send(&frame(TEXT, br#"{"type":"ping","ref":"x"}"#))
        .await;
    peer.send(&frame(TEXT, br#"{"type":"stop"}"#)).await;
    peer.send(&frame(CLOSE, &1000_u16.to_be_bytes())).await;
    peer.stream.flush().await.expect("sent");
    let received = bytes_to_the_end(&mut peer).await;
    assert!(received > 1000, "five people in JSON");
    wait_for_counts(
        &gateway,
        &[("sessions", 0), ("session_sent_bytes_total", received)],
    )
    .await;
}

#[tokio::test]
async fn a_catch_up_is_counted_with_its_changes_deliveries_and_bytes() {
    let patient = [
        ("live.silence_limit_ms", "600000"),
        ("live.queue_changes", "64"),
    ];
    let gateway = Gateway::ready(&patient).await;
    let mut slow = Peer::connect_small(gateway.address).await;
    slow.send(handshake("/people", &[]).as_bytes()).await;
    wait_for_counts(&gateway, &[("views", 1)]).await;
    let people = ids(100);
    let mut rounds = 0;
    while Scrape::of(&gateway).await.count("session_overflows_total") == 0 {
        save_big(&gateway, &people, rounds..rounds + 1).await;
        rounds += 1;
        assert!(
            rounds < 200,
            "the queue holds 64 changes, and the kernel some megabytes at most"
        );
    }
    slow.send(&frame(TEXT, b"stop")).await;
    slow.send(&frame(CLOSE, &1000_u16.to_be_bytes())).await;
    let received = bytes_to_the_end(&mut slow).await;
    wait_for_counts(
        &gateway,
        &[("sessions", 0), ("session_sent_bytes_total", received)],
    )
    .await;

    let mut late = Peer::open_small(gateway.address, "/people").await;
    while Scrape::of(&gateway).await.count("session_overflows_total") == 1 {
        save_big(&gateway, &people, rounds..rounds + 1).await;
        rounds += 1;
    }
    let before = Scrape::of(&gateway).await;
    let last = gateway.create(&person("Last")).await;
    loop {
        match late.next_non_ping().await {
            Frame::Text(sentence) if sentence.contains(&last) => break,
            Frame::Text(_) => {}
            other => panic!("{other:?}"),
        }
    }
    eventually("the client is live again", || async {
        Scrape::of(&gateway).await.count("views") == 1
    })
    .await;
    let after = Scrape::of(&gateway).await;
    let more = |key: &str| after.count(key) - before.count(key);
    assert_eq!(more("catch_ups_total"), 1);
    assert!(more("catch_up_changes_total{source=\"memory\"}") > 0);
    // The text format does not compose changes: each one that was read is delivered.
    assert_eq!(
        more("catch_up_deliveries_total"),
        more("catch_up_changes_total")
    );
    assert!(after.count("session_partial_writes_total") > 0);
}

#[tokio::test]
async fn snapshots_pages_and_resets_are_counted() {
    let gateway = Gateway::ready(&[("live.snapshot_people", "10")]).await;
    save_big(&gateway, &ids(25), 0..1).await;
    let (mut whole, _) =
        Listener::open_as(gateway.address, "/people?from=snapshot", "people.v1.json").await;
    whole.until("\"live\"").await;
    let alien = "/people?from=0:abc.7.def";
    let (mut anew, _) = Listener::open_as(gateway.address, alien, "people.v1.json").await;
    assert!(anew.until("\"live\"").await[0].contains("reset"));
    let expected = [
        ("snapshots_total", 2),
        ("snapshot_pages_total", 6),
        ("session_resets_total", 1),
        ("session_resets_total{reason=\"epoch\"}", 1),
        ("relay_resets_total", 0),
    ];
    wait_for_counts(&gateway, &expected).await;
}
