//! A word sent by a client that is behind takes hold at one place in the stream: what lies before
//! it was judged by the old kinds alone, what lies behind it by the new ones alone.

use super::websocket::peer::{Got, Peer};
use super::{delete_all, ids, save_big};
use people_testing::process::{Gateway, person};
use people_testing::wait::eventually;

const PATIENT: [(&str, &str); 2] = [
    ("live.ping_interval_ms", "1000"),
    ("live.silence_limit_ms", "600000"),
];

/// Reads so many sentences.
async fn take(peer: &mut Peer, count: usize, seen: &mut Vec<String>) {
    for _ in 0..count {
        match peer.told().await {
            Got::Text(sentence) => seen.push(sentence),
            other => panic!("{other:?} after {} sentences", seen.len()),
        }
    }
}

/// Reads up to the sentence about `last`.
async fn read_on(peer: &mut Peer, last: &str, seen: &mut Vec<String>) {
    while !seen.last().is_some_and(|sentence| sentence.contains(last)) {
        take(peer, 1, seen).await;
    }
}

/// Whether `got` is what `before` shows of a beginning of `all`, and `after` of the rest.
fn switches_once(all: &[String], before: &str, after: &str, got: &[String]) -> bool {
    (0..=all.len()).any(|place| {
        let (begin, rest) = all.split_at(place);
        let begin = begin.iter().filter(|sentence| sentence.starts_with(before));
        begin
            .chain(rest.iter().filter(|sentence| sentence.starts_with(after)))
            .eq(got)
    })
}

async fn switch_while_behind(settings: &[(&str, &str)]) -> Gateway {
    let gateway = Gateway::ready(settings).await;
    let mut healthy = Peer::open(gateway.address, "/people").await;
    // Each reads so much before it says the word.
    let mut switching = Vec::new();
    for count in [0, 1, 40, 300, 800] {
        switching.push((
            count,
            Peer::open_small(gateway.address, "/people?kinds=saves").await,
        ));
    }
    let people = ids(100);
    let mut all = Vec::new();
    for round in 0..10 {
        // Half a round fits into a queue, so that only the slow clients fall behind.
        save_big(&gateway, &people, round..round + 1).await;
        take(&mut healthy, people.len(), &mut all).await;
        delete_all(&gateway, &people).await;
        take(&mut healthy, people.len(), &mut all).await;
    }
    eventually("their queues overflowed", async || {
        gateway.metric("session_overflows_total").await >= 5.0
    })
    .await;
    for (count, mut peer) in switching {
        let mut got = Vec::new();
        take(&mut peer, count, &mut got).await;
        peer.say("deletes").await;
        // Somebody is saved and deleted until the client is shown that: then its word has taken
        // hold.
        let marks = std::cell::RefCell::new(vec![gateway.create(&person("Mark")).await]);
        let is_mark = |sentence: &String| {
            marks
                .borrow()
                .iter()
                .any(|id| *sentence == format!("Deleted person [{id}]"))
        };
        let done = std::cell::Cell::new(false);
        let marking = async {
            while !done.get() {
                let id = marks.borrow().last().expect("never empty").clone();
                assert_eq!(gateway.delete(&id).await, 204);
                let next = gateway.create(&person("Mark")).await;
                marks.borrow_mut().push(next);
                take(&mut healthy, 2, &mut all).await;
            }
        };
        let reading = async {
            while !got.last().is_some_and(is_mark) {
                take(&mut peer, 1, &mut got).await;
            }
            done.set(true);
        };
        tokio::join!(marking, reading);
        take(&mut healthy, 1, &mut all).await;
        let end = all
            .iter()
            .position(|sentence| Some(sentence) == got.last())
            .expect("all is all");
        let told = switches_once(&all[..=end], "Saved", "Deleted", &got);
        assert!(
            told,
            "after {count} sentences of {}, {} more",
            end + 1,
            got.len() - count
        );
    }
    gateway
}

#[tokio::test]
async fn a_word_of_a_client_that_is_behind_in_memory_takes_hold_at_one_place() {
    switch_while_behind(&PATIENT).await;
}

#[tokio::test]
async fn a_word_of_a_client_that_is_behind_in_the_log_takes_hold_at_one_place() {
    let gateway =
        switch_while_behind(&[PATIENT[0], PATIENT[1], ("live.ring_bytes", "65536")]).await;
    assert!(gateway.metric("session_log_reads_total").await > 0.0);
}

#[tokio::test]
async fn a_word_changes_nothing_that_is_queued_already() {
    let settings = [
        PATIENT[0],
        PATIENT[1],
        ("live.queue_changes", "100000"),
        ("live.queue_bytes", "100000000"),
    ];
    let gateway = Gateway::ready(&settings).await;
    let mut healthy = Peer::open(gateway.address, "/people").await;
    let mut slow = Peer::open_small(gateway.address, "/people").await;
    let people = ids(100);
    let mut expected = Vec::new();
    tokio::join!(
        save_big(&gateway, &people, 0..5),
        take(&mut healthy, 500, &mut expected)
    );
    // What a healthy client was shown is queued for a slow one no later than the next change is
    // shown.
    gateway.create(&person("Next")).await;
    take(&mut healthy, 1, &mut expected).await;
    slow.say("deletes").await;
    assert!(gateway.metric("session_partial_writes_total").await > 0.0);
    let mut got = Vec::new();
    take(&mut slow, 500, &mut got).await;
    assert!(got == expected[..500], "all that was queued, as it was");
    assert_eq!(gateway.delete(&people[0]).await, 204);
    read_on(
        &mut slow,
        &format!("Deleted person [{}]", people[0]),
        &mut got,
    )
    .await;
    assert!(super::counts(&gateway, "session_overflows_total", 0).await);
}

#[tokio::test]
async fn a_word_during_a_snapshot_leaves_it_whole() {
    let gateway = Gateway::ready(&PATIENT).await;
    let people = ids(600);
    save_big(&gateway, &people, 0..1).await;
    let mut peer = Peer::open_small(gateway.address, "/people?from=snapshot").await;
    let mut got = Vec::new();
    take(&mut peer, 1, &mut got).await;
    peer.say("saves").await;
    take(&mut peer, people.len() - 1, &mut got).await;
    for (id, sentence) in people.iter().zip(&got) {
        assert!(
            sentence.starts_with("Saved person ") && sentence.contains(id),
            "{id}: {sentence:.80}"
        );
    }
    assert_eq!(gateway.delete(&people[0]).await, 204);
    gateway.create(&person("Last")).await;
    take(&mut peer, 1, &mut got).await;
    assert!(
        got[people.len()].contains("Last"),
        "the word holds: {:.80}",
        got[people.len()]
    );
}
