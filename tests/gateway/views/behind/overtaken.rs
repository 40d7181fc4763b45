//! Snapshots of clients so slow that the log no longer reaches back to their first page.

use serde_json::json;

use crate::live::websocket::peer::Got;
use crate::live::{ids, save_big};
use crate::views::reader::{Reader, ViewFormat};
use crate::views::{Written, aged, listed, save, settled, types};
use people_testing::process::Gateway;

/// More people than kernel and response hold for somebody who does not read, several times over.
const PEOPLE: u32 = 1000;
/// Messages that such a snapshot begins with: more than are under way to somebody who does not
/// read.
const HALF: usize = 25;
/// A log and a memory that one round of saves goes far beyond.
const SHORT: [(&str, &str); 5] = [
    ("store.log_max", "20"),
    ("live.ring_bytes", "16384"),
    ("live.snapshot_people", "20"),
    ("live.silence_limit_ms", "600000"),
    ("live.position_interval_ms", "100"),
];

/// Reads the first page of a snapshot and no more, while more is saved than the log keeps.
async fn outrun(gateway: &Gateway, reader: &mut Reader, people: &[String], round: u32) {
    assert_eq!(reader.message().await["type"], "snapshot");
    save_big(gateway, &people[..100], round..round + 1).await;
}

/// Reads the rest of a snapshot that was outrun. On the way somebody is saved, so that the next
/// snapshot cannot do with what this one reads: all of one age, its pages would need nothing from
/// the log.
async fn reset(gateway: &Gateway, reader: &mut Reader, people: &[String]) {
    for _ in 0..HALF {
        assert_eq!(reader.message().await["type"], "snapshot");
    }
    save(gateway, &people[0], &aged(1)).await;
    let messages = reader.until("reset").await;
    assert_eq!(messages.last().expect("reset")["reason"], "trimmed");
    assert!(!types(&messages).contains(&"live"));
}

#[tokio::test]
async fn the_third_snapshot_that_the_log_outran_is_the_last_and_ends_with_1013() {
    for format in [ViewFormat::Json, ViewFormat::CloudEvents, ViewFormat::Sse] {
        let gateway = Gateway::ready(&SHORT).await;
        let people = ids(PEOPLE);
        save_big(&gateway, &people, 0..1).await;
        let mut reader = Reader::open(&gateway, format, &[("from", "snapshot")]).await;
        for round in 1..3 {
            outrun(&gateway, &mut reader, &people, round).await;
            reset(&gateway, &mut reader, &people).await;
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
            // Events have no close codes; an event source comes back by itself.
            (ViewFormat::Sse, end) => assert_eq!(end, Got::End),
            (_, Got::Close(Some(1013), reason)) => {
                assert!(reason.contains("log"), "it says why: {reason}");
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
        // Later, as it is told, it gets its view.
        drop(reader);
        let reader = Reader::live(&gateway, format, &[("from", "snapshot")]).await;
        assert_eq!(reader.view.people, listed(&gateway, "").await, "{format:?}");
    }
}

#[tokio::test]
async fn a_snapshot_that_keeps_up_gives_the_view_and_begins_the_count_anew() {
    let gateway = Gateway::ready(&SHORT).await;
    let people = ids(PEOPLE);
    save_big(&gateway, &people, 0..1).await;
    let mut reader = Reader::open(&gateway, ViewFormat::Json, &[("from", "snapshot")]).await;
    for round in 1..3 {
        outrun(&gateway, &mut reader, &people, round).await;
        reset(&gateway, &mut reader, &people).await;
    }
    reader.until("live").await;
    assert_eq!(reader.view.people, listed(&gateway, "").await);
    // The pages of the last snapshot are of no use to the next one.
    let mut written = Written::default();
    written.add(&save(&gateway, &people[0], &aged(2)).await);
    settled(&gateway, &written).await;
    reader
        .say(&json!({"type": "filter", "from": "snapshot"}))
        .await;
    reader.until("filtered").await;
    outrun(&gateway, &mut reader, &people, 3).await;
    reset(&gateway, &mut reader, &people).await;
    reader.until("live").await;
    written.add(&save(&gateway, &people[0], &aged(1)).await);
    reader.passes(&written).await;
    assert_eq!(reader.view.people, listed(&gateway, "").await);
}
