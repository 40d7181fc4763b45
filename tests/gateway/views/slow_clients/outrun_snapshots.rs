//! Snapshots of clients so slow that the log no longer holds the position of their first page.

use serde_json::json;

use crate::live::websocket::peer::Frame;
use crate::live::{ids, save_big};
use crate::views::reader::{Reader, ViewFormat};
use crate::views::{WriteHeads, aged, listed, save, types, wait_past};
use people_testing::process::Gateway;

/// Several times the people that kernel and response hold for a client that does not read.
const PEOPLE: u32 = 1000;
/// Pages at the start of a snapshot: more than are in flight to a client that does not read.
const FIRST_PAGES: usize = 25;
/// A log and a ring that hold much less than one round of saves.
const SHORT: [(&str, &str); 5] = [
    ("store.log_max", "20"),
    ("live.ring_bytes", "16384"),
    ("live.snapshot_people", "20"),
    ("live.silence_limit_ms", "600000"),
    ("live.position_interval_ms", "100"),
];

/// Reads the first page of a snapshot only, then saves more people than the log keeps.
async fn outrun(gateway: &Gateway, reader: &mut Reader, people: &[String], round: u32) {
    assert_eq!(reader.message().await["type"], "snapshot");
    save_big(gateway, &people[..100], round..round + 1).await;
}

/// Reads the rest of an outrun snapshot up to its `reset`. Saves a person on the way: otherwise the
/// next snapshot could share the pages that this one reads, and need nothing from the log.
async fn read_to_reset(gateway: &Gateway, reader: &mut Reader, people: &[String]) {
    for _ in 0..FIRST_PAGES {
        assert_eq!(reader.message().await["type"], "snapshot");
    }
    save(gateway, &people[0], &aged(1)).await;
    let messages = reader.until("reset").await;
    assert_eq!(messages.last().expect("reset")["reason"], "trimmed");
    assert!(!types(&messages).contains(&"live"));
}

#[tokio::test]
async fn the_third_outrun_snapshot_closes_the_connection_with_1013() {
    for format in [ViewFormat::Json, ViewFormat::CloudEvents, ViewFormat::Sse] {
        let gateway = Gateway::ready(&SHORT).await;
        let people = ids(PEOPLE);
        save_big(&gateway, &people, 0..1).await;
        let mut reader = Reader::open(&gateway, format, &[("from", "snapshot")]).await;
        for round in 1..3 {
            outrun(&gateway, &mut reader, &people, round).await;
            read_to_reset(&gateway, &mut reader, &people).await;
        }
        outrun(&gateway, &mut reader, &people, 3).await;
        let end = loop {
            match reader.next().await {
                Ok(message) => assert_eq!(
                    message["type"], "snapshot",
                    "neither reset nor live: {format:?}"
                ),
                Err(end) => break end,
            }
        };
        match (format, end) {
            // Server-sent events have no close codes; an event source reconnects by itself.
            (ViewFormat::Sse, end) => assert_eq!(end, Frame::End),
            (_, Frame::Close(Some(1013), reason)) => {
                assert!(reason.contains("log"), "the reason names the log: {reason}");
            }
            (_, end) => panic!("{format:?}: {end:?}"),
        }
        assert_eq!(
            gateway
                .count_at("session_resets_total", "reason=\"trimmed\"")
                .await,
            2,
            "{format:?}"
        );
        // A client that connects again later receives its view.
        drop(reader);
        let reader = Reader::live(&gateway, format, &[("from", "snapshot")]).await;
        assert_eq!(reader.view.people, listed(&gateway, "").await, "{format:?}");
    }
}

#[tokio::test]
async fn a_complete_snapshot_clears_the_count_of_outrun_snapshots() {
    let gateway = Gateway::ready(&SHORT).await;
    let people = ids(PEOPLE);
    save_big(&gateway, &people, 0..1).await;
    let mut reader = Reader::open(&gateway, ViewFormat::Json, &[("from", "snapshot")]).await;
    for round in 1..3 {
        outrun(&gateway, &mut reader, &people, round).await;
        read_to_reset(&gateway, &mut reader, &people).await;
    }
    reader.until("live").await;
    assert_eq!(reader.view.people, listed(&gateway, "").await);
    // After this write the next snapshot cannot share pages with the last one.
    let mut written = WriteHeads::default();
    written.add(&save(&gateway, &people[0], &aged(2)).await);
    wait_past(&gateway, &written).await;
    reader
        .send(&json!({"type": "filter", "from": "snapshot"}))
        .await;
    reader.until("filtered").await;
    outrun(&gateway, &mut reader, &people, 3).await;
    read_to_reset(&gateway, &mut reader, &people).await;
    reader.until("live").await;
    written.add(&save(&gateway, &people[0], &aged(1)).await);
    reader.read_past(&written).await;
    assert_eq!(reader.view.people, listed(&gateway, "").await);
}
