//! A command from a client that is catching up takes effect at one position in the stream: the old
//! kinds apply to all changes before it, and the new kinds to all changes after it.

use super::websocket::peer::{Frame, Peer};
use super::{delete_all, ids, save_big};
use people_testing::process::{Gateway, person};
use people_testing::wait::eventually;

const PATIENT: [(&str, &str); 2] = [
    ("live.ping_interval_ms", "1000"),
    ("live.silence_limit_ms", "600000"),
];

/// Reads `count` sentences into `seen`.
async fn read_sentences(peer: &mut Peer, count: usize, seen: &mut Vec<String>) {
    for _ in 0..count {
        match peer.next_non_ping().await {
            Frame::Text(sentence) => seen.push(sentence),
            other => panic!("{other:?} after {} sentences", seen.len()),
        }
    }
}

/// Reads up to the sentence about `last`.
async fn read_until(peer: &mut Peer, last: &str, seen: &mut Vec<String>) {
    while !seen.last().is_some_and(|sentence| sentence.contains(last)) {
        read_sentences(peer, 1, seen).await;
    }
}

/// Whether `got` has the `before` sentences of a prefix of `all`, and the `after` sentences of the
/// rest.
fn switches_once(all: &[String], before: &str, after: &str, got: &[String]) -> bool {
    (0..=all.len()).any(|position| {
        let (begin, rest) = all.split_at(position);
        let begin = begin.iter().filter(|sentence| sentence.starts_with(before));
        begin
            .chain(rest.iter().filter(|sentence| sentence.starts_with(after)))
            .eq(got)
    })
}

async fn switch_while_catching_up(settings: &[(&str, &str)]) -> Gateway {
    let gateway = Gateway::ready(settings).await;
    let mut healthy = Peer::open(gateway.address, "/people").await;
    // Each client reads this many sentences before it sends the command.
    let mut switching = Vec::new();
    for count in [0, 1, 40, 300, 800] {
        switching.push((
            count,
            Peer::open_small(gateway.address, "/people?kinds=saves").await,
        ));
    }
    gateway.all_served(6).await;
    let people = ids(100);
    let mut all = Vec::new();
    for round in 0..10 {
        // Half a round fits into a queue, so that only the slow clients fall behind.
        save_big(&gateway, &people, round..round + 1).await;
        read_sentences(&mut healthy, people.len(), &mut all).await;
        delete_all(&gateway, &people).await;
        read_sentences(&mut healthy, people.len(), &mut all).await;
    }
    eventually("their queues overflowed", async || {
        gateway.metric("session_overflows_total").await >= 5.0
    })
    .await;
    for (count, mut peer) in switching {
        let mut got = Vec::new();
        read_sentences(&mut peer, count, &mut got).await;
        peer.say("deletes").await;
        // Markers are created and deleted until the client gets the delete of one: then its command
        // has taken effect.
        let markers = std::cell::RefCell::new(vec![gateway.create(&person("Mark")).await]);
        let is_marker = |sentence: &String| {
            markers
                .borrow()
                .iter()
                .any(|id| *sentence == format!("Deleted person [{id}]"))
        };
        let done = std::cell::Cell::new(false);
        let marking = async {
            while !done.get() {
                let id = markers.borrow().last().expect("never empty").clone();
                assert_eq!(gateway.delete(&id).await, 204);
                let next = gateway.create(&person("Mark")).await;
                markers.borrow_mut().push(next);
                read_sentences(&mut healthy, 2, &mut all).await;
            }
        };
        let reading = async {
            while !got.last().is_some_and(is_marker) {
                read_sentences(&mut peer, 1, &mut got).await;
            }
            done.set(true);
        };
        tokio::join!(marking, reading);
        read_sentences(&mut healthy, 1, &mut all).await;
        let end = all
            .iter()
            .position(|sentence| Some(sentence) == got.last())
            .expect("the healthy client got it too");
        let switched = switches_once(&all[..=end], "Saved", "Deleted", &got);
        assert!(
            switched,
            "after {count} sentences of {}, {} more",
            end + 1,
            got.len() - count
        );
    }
    gateway
}

#[tokio::test]
async fn a_command_during_catch_up_from_memory_takes_effect_at_one_position() {
    switch_while_catching_up(&PATIENT).await;
}

#[tokio::test]
async fn a_command_during_catch_up_from_the_log_takes_effect_at_one_position() {
    let gateway =
        switch_while_catching_up(&[PATIENT[0], PATIENT[1], ("live.ring_bytes", "65536")]).await;
    assert!(gateway.metric("session_log_reads_total").await > 0.0);
}

#[tokio::test]
async fn a_command_changes_no_sentence_that_is_already_queued() {
    let settings = [
        PATIENT[0],
        PATIENT[1],
        ("live.queue_changes", "100000"),
        ("live.queue_bytes", "100000000"),
    ];
    let gateway = Gateway::ready(&settings).await;
    let mut healthy = Peer::open(gateway.address, "/people").await;
    let mut slow = Peer::open_small(gateway.address, "/people").await;
    gateway.all_served(2).await;
    let people = ids(100);
    let mut expected = Vec::new();
    tokio::join!(
        save_big(&gateway, &people, 0..5),
        read_sentences(&mut healthy, 500, &mut expected)
    );
    // When the healthy client gets the next change, the slow client's queue has all earlier ones.
    gateway.create(&person("Next")).await;
    read_sentences(&mut healthy, 1, &mut expected).await;
    slow.say("deletes").await;
    assert!(gateway.metric("session_partial_writes_total").await > 0.0);
    let mut got = Vec::new();
    read_sentences(&mut slow, 500, &mut got).await;
    assert!(
        got == expected[..500],
        "the queued sentences arrive unchanged"
    );
    assert_eq!(gateway.delete(&people[0]).await, 204);
    read_until(
        &mut slow,
        &format!("Deleted person [{}]", people[0]),
        &mut got,
    )
    .await;
    assert!(super::metric_is(&gateway, "session_overflows_total", 0).await);
}

#[tokio::test]
async fn a_command_during_a_snapshot_removes_no_person_from_it() {
    let gateway = Gateway::ready(&PATIENT).await;
    let people = ids(600);
    save_big(&gateway, &people, 0..1).await;
    let mut peer = Peer::open_small(gateway.address, "/people?from=snapshot").await;
    let mut got = Vec::new();
    read_sentences(&mut peer, 1, &mut got).await;
    peer.say("saves").await;
    read_sentences(&mut peer, people.len() - 1, &mut got).await;
    for (id, sentence) in people.iter().zip(&got) {
        assert!(
            sentence.starts_with("Saved person ") && sentence.contains(id),
            "{id}: {sentence:.80}"
        );
    }
    assert_eq!(gateway.delete(&people[0]).await, 204);
    gateway.create(&person("Last")).await;
    read_sentences(&mut peer, 1, &mut got).await;
    assert!(
        got[people.len()].contains("Last"),
        "the command has taken effect: {:.80}",
        got[people.len()]
    );
}
