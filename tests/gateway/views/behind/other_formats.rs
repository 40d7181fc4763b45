//! Slow clients of the formats beside people.v1.json: who fell behind gets all that was missed, in
//! order, each once.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::live::{ids, save_big};
use crate::views::reader::{Reader, ViewFormat};
use crate::views::view::seq;
use crate::views::{EVEN, Written, aged, delete, listed, save, settled};
use people_testing::process::Gateway;
use people_testing::wait::eventually;

const PEOPLE: u32 = 50;
/// Nobody is given up while a slow machine runs this; soon too much waits; positions are told
/// often.
const SLOW: [(&str, &str); 3] = [
    ("live.silence_limit_ms", "600000"),
    ("live.queue_changes", "20"),
    ("live.position_interval_ms", "100"),
];
/// Memory for all that is written here, and for next to nothing of it.
const MEMORIES: [(&str, &str); 2] = [
    ("live.ring_bytes", "33554432"),
    ("live.ring_bytes", "65536"),
];
/// Rounds of saves: more bytes than kernel and response hold for somebody who does not read. The
/// last is an even one, so that whoever falls behind has missed something, wherever that is.
const ROUNDS: u32 = 13;

async fn gateway(partitions: &str, more: &[(&str, &str)]) -> Gateway {
    Gateway::ready(&[&SLOW[..], &[("store.partitions", partitions)], more].concat()).await
}

/// Writes more than a client takes that does not read, and waits until it has fallen behind; where
/// the last writes stand.
async fn overwhelm(gateway: &Gateway, people: &[String]) -> Written {
    let mut written = Written::default();
    save_big(gateway, people, 0..ROUNDS).await;
    for id in &people[..5] {
        written.add(&delete(gateway, id).await.expect("someone"));
    }
    for id in &ids(PEOPLE + 20)[PEOPLE as usize..] {
        written.add(&save(gateway, id, &aged(1)).await);
    }
    eventually("a queue overflowed", async || {
        gateway.count("session_overflows_total").await > 0
    })
    .await;
    settled(gateway, &written).await;
    written
}

/// The places of changes, by partition, in the order in which they were shown.
fn places<'a>(shown: impl IntoIterator<Item = &'a Value>) -> BTreeMap<String, Vec<String>> {
    let mut places = BTreeMap::<_, Vec<_>>::new();
    for at in shown
        .into_iter()
        .filter_map(|message| message["at"].as_str())
    {
        let (partition, position) = at.split_once(':').expect("an at");
        places
            .entry(partition.to_owned())
            .or_default()
            .push(position.to_owned());
    }
    places
}

/// Asserts that these are all changes of each partition from the first on.
fn are_all(places: &BTreeMap<String, Vec<String>>, count: usize) {
    for (partition, positions) in places {
        let seqs: Vec<_> = positions.iter().map(|position| seq(position)).collect();
        assert_eq!(
            seqs,
            (1..=positions.len() as u64).collect::<Vec<_>>(),
            "partition {partition}"
        );
    }
    assert_eq!(places.values().map(Vec::len).sum::<usize>(), count);
}

#[tokio::test]
async fn a_slow_event_source_gets_batches_whose_fold_is_right_and_whose_id_resumes() {
    for (partitions, memory) in [("1", MEMORIES[0]), ("4", MEMORIES[0]), ("4", MEMORIES[1])] {
        let gateway = gateway(partitions, &[memory]).await;
        let people = ids(PEOPLE);
        save_big(&gateway, &people, 0..1).await;
        let parameters = [("from", "snapshot"), ("where", EVEN)];
        let mut slow = Reader::live(&gateway, ViewFormat::Sse, &parameters).await;
        let written = overwhelm(&gateway, &people).await;
        let batch = slow.until("batch").await.pop().expect("a batch");
        assert!(!batch["changes"].as_array().expect("changes").is_empty());
        let (id, at_batch) = (
            slow.last_id.clone().expect("a batch says where it ends"),
            slow.view.resumed(),
        );
        slow.passes(&written).await;
        let expected = listed(&gateway, EVEN).await;
        assert_eq!(
            slow.view.people, expected,
            "{partitions} partitions, {memory:?}"
        );

        let mut resumed =
            Reader::open(&gateway, ViewFormat::Sse, &[("from", &id), ("where", EVEN)]).await;
        resumed.view = at_batch;
        resumed.until("live").await;
        resumed.passes(&written).await;
        assert_eq!(
            resumed.view.people, expected,
            "{partitions} partitions, {memory:?}, resumed at the batch's id"
        );
    }
}

#[tokio::test]
async fn a_slow_client_of_change_by_change_is_shown_each_change_once_and_in_order() {
    let both = [(ViewFormat::CloudEvents, "all"), (ViewFormat::Sse, "saves")];
    for (format, kinds) in both {
        for (partitions, memory) in [("1", MEMORIES[0]), ("1", MEMORIES[1]), ("4", MEMORIES[1])] {
            let gateway = gateway(partitions, &[memory]).await;
            let people = ids(PEOPLE);
            let mut slow = Reader::live(&gateway, format, &[("kinds", kinds)]).await;
            let written = overwhelm(&gateway, &people).await;
            let shown = slow.passes(&written).await;
            assert!(
                shown.iter().all(|message| message["type"] != "batch"),
                "never composed"
            );
            let (saves, all) = (PEOPLE * ROUNDS + 20, PEOPLE * ROUNDS + 25);
            let places = places(&shown);
            if kinds == "all" {
                are_all(&places, all as usize);
            } else {
                let count = places.values().map(Vec::len).sum::<usize>();
                assert_eq!(count, saves as usize);
                let ascend =
                    |positions: &Vec<String>| positions.is_sorted_by_key(|position| seq(position));
                assert!(places.values().all(ascend), "in order");
            }
            if memory == MEMORIES[1] {
                assert!(
                    gateway.count("session_log_reads_total").await > 0,
                    "memory did not reach back that far"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_slow_client_whom_the_log_has_left_behind_is_told_reset_and_gets_the_view_anew() {
    for format in [ViewFormat::CloudEvents, ViewFormat::Sse] {
        let gateway = gateway(
            "1",
            &[("store.log_max", "30"), ("live.ring_bytes", "16384")],
        )
        .await;
        // So many that no snapshot is complete before it is read: it would be outrun again.
        let people = ids(PEOPLE * 8);
        save_big(&gateway, &people, 0..1).await;
        let mut slow = Reader::live(&gateway, format, &[("from", "snapshot")]).await;
        let written = overwhelm(&gateway, &people[..PEOPLE as usize]).await;
        let reset = slow.until("reset").await.pop().expect("reset");
        assert_eq!(reset["reason"], "trimmed");
        assert_eq!(slow.last_id, None, "it holds no cursor now");
        assert_eq!(slow.message().await["type"], "snapshot");
        slow.until("live").await;
        slow.passes(&written).await;
        assert_eq!(slow.view.people, listed(&gateway, "").await, "{format:?}");
    }
}
