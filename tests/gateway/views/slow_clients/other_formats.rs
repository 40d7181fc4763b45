//! Slow clients of the other formats: one that fell behind receives every missed change once, in
//! order.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::live::{ids, save_big};
use crate::views::reader::{Reader, ViewFormat};
use crate::views::view::seq;
use crate::views::{EVEN, WriteHeads, aged, delete, listed, save, wait_past};
use people_testing::process::Gateway;
use people_testing::wait::eventually;

const PEOPLE: u32 = 50;
/// A silence limit that a slow machine does not reach, a short send queue, and frequent positions.
const SLOW: [(&str, &str); 3] = [
    ("live.silence_limit_ms", "600000"),
    ("live.queue_changes", "20"),
    ("live.position_interval_ms", "100"),
];
/// A ring that holds all writes of a test, and one that holds hardly any.
const RINGS: [(&str, &str); 2] = [
    ("live.ring_bytes", "33554432"),
    ("live.ring_bytes", "65536"),
];
/// Rounds of saves: more bytes than kernel and response hold for a client that does not read. The
/// last round is even: a client that falls behind in any round has missed a change in [`EVEN`].
const ROUNDS: u32 = 13;

async fn gateway(partitions: &str, more: &[(&str, &str)]) -> Gateway {
    Gateway::ready(&[&SLOW[..], &[("store.partitions", partitions)], more].concat()).await
}

/// Writes until the queue of a client that does not read has overflowed.
async fn overwhelm(gateway: &Gateway, people: &[String]) -> WriteHeads {
    let mut written = WriteHeads::default();
    save_big(gateway, people, 0..ROUNDS).await;
    for id in &people[..5] {
        written.add(&delete(gateway, id).await.expect("the person exists"));
    }
    for id in &ids(PEOPLE + 20)[PEOPLE as usize..] {
        written.add(&save(gateway, id, &aged(1)).await);
    }
    eventually("a queue overflowed", async || {
        gateway.count("session_overflows_total").await > 0
    })
    .await;
    wait_past(gateway, &written).await;
    written
}

/// The positions of changes by partition, in the order in which they were received.
fn positions_by_partition<'a>(
    received: impl IntoIterator<Item = &'a Value>,
) -> BTreeMap<String, Vec<String>> {
    let mut positions_by_partition = BTreeMap::<_, Vec<_>>::new();
    for at in received
        .into_iter()
        .filter_map(|message| message["at"].as_str())
    {
        let (partition, position) = at.split_once(':').expect("an at");
        positions_by_partition
            .entry(partition.to_owned())
            .or_default()
            .push(position.to_owned());
    }
    positions_by_partition
}

/// Asserts that these are `count` changes: all of each partition, from the first on.
fn assert_all_changes(positions_by_partition: &BTreeMap<String, Vec<String>>, count: usize) {
    for (partition, positions) in positions_by_partition {
        let seqs: Vec<_> = positions.iter().map(|position| seq(position)).collect();
        assert_eq!(
            seqs,
            (1..=positions.len() as u64).collect::<Vec<_>>(),
            "partition {partition}"
        );
    }
    assert_eq!(
        positions_by_partition.values().map(Vec::len).sum::<usize>(),
        count
    );
}

#[tokio::test]
async fn a_slow_event_source_gets_batches_that_fold_to_its_view_and_whose_id_resumes() {
    for (partitions, ring) in [("1", RINGS[0]), ("4", RINGS[0]), ("4", RINGS[1])] {
        let gateway = gateway(partitions, &[ring]).await;
        let people = ids(PEOPLE);
        save_big(&gateway, &people, 0..1).await;
        let parameters = [("from", "snapshot"), ("where", EVEN)];
        let mut slow = Reader::live(&gateway, ViewFormat::Sse, &parameters).await;
        let written = overwhelm(&gateway, &people).await;
        let batch = slow.until("batch").await.pop().expect("a batch");
        assert!(!batch["changes"].as_array().expect("changes").is_empty());
        let (id, at_batch) = (
            slow.last_id.clone().expect("a batch has an id"),
            slow.view.resumed(),
        );
        slow.read_past(&written).await;
        let expected = listed(&gateway, EVEN).await;
        assert_eq!(
            slow.view.people, expected,
            "{partitions} partitions, {ring:?}"
        );

        let mut resumed =
            Reader::open(&gateway, ViewFormat::Sse, &[("from", &id), ("where", EVEN)]).await;
        resumed.view = at_batch;
        resumed.until("live").await;
        resumed.read_past(&written).await;
        assert_eq!(
            resumed.view.people, expected,
            "{partitions} partitions, {ring:?}, resumed at the batch's id"
        );
    }
}

#[tokio::test]
async fn a_slow_client_without_batches_receives_each_change_once_and_in_order() {
    let both = [(ViewFormat::CloudEvents, "all"), (ViewFormat::Sse, "saves")];
    for (format, kinds) in both {
        for (partitions, ring) in [("1", RINGS[0]), ("1", RINGS[1]), ("4", RINGS[1])] {
            let gateway = gateway(partitions, &[ring]).await;
            let people = ids(PEOPLE);
            let mut slow = Reader::live(&gateway, format, &[("kinds", kinds)]).await;
            let written = overwhelm(&gateway, &people).await;
            let received = slow.read_past(&written).await;
            assert!(
                received.iter().all(|message| message["type"] != "batch"),
                "neither format composes batches"
            );
            let (saves, all) = (PEOPLE * ROUNDS + 20, PEOPLE * ROUNDS + 25);
            let positions_by_partition = positions_by_partition(&received);
            if kinds == "all" {
                assert_all_changes(&positions_by_partition, all as usize);
            } else {
                let count = positions_by_partition.values().map(Vec::len).sum::<usize>();
                assert_eq!(count, saves as usize);
                let ascend =
                    |positions: &Vec<String>| positions.is_sorted_by_key(|position| seq(position));
                assert!(positions_by_partition.values().all(ascend), "in order");
            }
            if ring == RINGS[1] {
                assert!(
                    gateway.count("session_log_reads_total").await > 0,
                    "the ring no longer held the missed changes"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_slow_client_that_the_log_has_outrun_is_reset_and_receives_a_snapshot() {
    for format in [ViewFormat::CloudEvents, ViewFormat::Sse] {
        let gateway = gateway(
            "1",
            &[("store.log_max", "30"), ("live.ring_bytes", "16384")],
        )
        .await;
        // So many people that the snapshot is not complete before the client reads it.
        let people = ids(PEOPLE * 8);
        save_big(&gateway, &people, 0..1).await;
        let mut slow = Reader::live(&gateway, format, &[("from", "snapshot")]).await;
        let written = overwhelm(&gateway, &people[..PEOPLE as usize]).await;
        let reset = slow.until("reset").await.pop().expect("reset");
        assert_eq!(reset["reason"], "trimmed");
        assert_eq!(slow.last_id, None, "a reset has no id");
        assert_eq!(slow.message().await["type"], "snapshot");
        slow.until("live").await;
        slow.read_past(&written).await;
        assert_eq!(slow.view.people, listed(&gateway, "").await, "{format:?}");
    }
}
