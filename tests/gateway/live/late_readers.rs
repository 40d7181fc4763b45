//! Clients that read too slowly: they get every change once, in whole frames.

use std::collections::HashMap;

use super::websocket::peer::{Frame, PING, Peer, frame};
use super::{delete_all, ids, save_big};
use people_testing::process::{Gateway, person};
use people_testing::wait::{DEADLINE, eventually};

/// Keeps the gateway from closing sessions as stalled on a slow machine.
const PATIENT: [(&str, &str); 2] = [
    ("live.ping_interval_ms", "200"),
    ("live.silence_limit_ms", "600000"),
];
const PEOPLE: u32 = 100;
const CHANGES: usize = 2500;

/// Makes [`CHANGES`] changes while a healthy client reads them all and a slow client reads none.
/// Returns the sentences of the healthy client, and the slow client.
async fn fall_behind(gateway: &Gateway) -> (Vec<String>, Peer) {
    let mut healthy = gateway.listen("").await;
    let slow = Peer::open_small(gateway.address, "/people").await;
    gateway.all_served(2).await;
    let (people, mut seen) = (ids(PEOPLE), Vec::new());
    for round in 0..25 {
        if round == 12 {
            delete_all(gateway, &people).await;
        } else {
            save_big(gateway, &people, round..round + 1).await;
        }
        // A round fits into a queue, so that only the slow client falls behind.
        for _ in &people {
            seen.push(healthy.sentence().await);
        }
    }
    eventually("the slow client's queue overflowed", async || {
        gateway.metric("session_overflows_total").await > 0.0
    })
    .await;
    (seen, slow)
}

/// Reads `count` sentences, and skips control frames between them.
async fn sentences(peer: &mut Peer, count: usize) -> Vec<String> {
    let mut sentences = Vec::new();
    while sentences.len() < count {
        match peer.next_non_ping().await {
            Frame::Text(sentence) => sentences.push(sentence),
            Frame::Pong(_) => {}
            other => panic!("{other:?} after {} sentences", sentences.len()),
        }
    }
    sentences
}

/// The sentences about each person, in order.
fn by_person(sentences: &[String]) -> HashMap<&str, Vec<&str>> {
    let mut people: HashMap<&str, Vec<&str>> = HashMap::new();
    for sentence in sentences {
        let id = sentence.split(['[', ']']).nth(1).expect("an id");
        people.entry(id).or_default().push(sentence);
    }
    people
}

#[tokio::test]
async fn a_client_that_reads_late_gets_all_in_order_from_memory() {
    let gateway = Gateway::ready(&PATIENT).await;
    let (expected, mut slow) = fall_behind(&gateway).await;
    let got = sentences(&mut slow, CHANGES).await;
    assert!(got == expected, "other changes, or another order");
    assert!(super::metric_is(&gateway, "session_log_reads_total", 0).await);
    assert_live_again(&gateway, &mut slow).await;
}

#[tokio::test]
async fn a_client_that_reads_late_gets_all_in_order_from_the_log() {
    let gateway = Gateway::ready(&[PATIENT[0], PATIENT[1], ("live.ring_bytes", "65536")]).await;
    let (expected, mut slow) = fall_behind(&gateway).await;
    let got = sentences(&mut slow, CHANGES).await;
    assert!(got == expected, "other changes, or another order");
    assert!(gateway.metric("session_log_reads_total").await > 0.0);
    assert_live_again(&gateway, &mut slow).await;
}

#[tokio::test]
async fn with_several_partitions_a_late_client_gets_the_changes_of_each_person_in_order() {
    for ring in ["65536", "33554432"] {
        let settings = [
            PATIENT[0],
            PATIENT[1],
            ("live.ring_bytes", ring),
            ("store.partitions", "4"),
        ];
        let gateway = Gateway::ready(&settings).await;
        let (expected, mut slow) = fall_behind(&gateway).await;
        let got = sentences(&mut slow, CHANGES).await;
        assert!(by_person(&got) == by_person(&expected), "ring of {ring}");
        assert_eq!(
            gateway.metric("session_log_reads_total").await > 0.0,
            ring == "65536"
        );
        assert_live_again(&gateway, &mut slow).await;
    }
}

/// Asserts that the next sentence is the next change.
async fn assert_live_again(gateway: &Gateway, peer: &mut Peer) {
    let id = gateway.create(&person("Live")).await;
    let sentence = sentences(peer, 1).await.remove(0);
    assert!(
        sentence.starts_with(&format!("Saved person [{id}]")),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_client_that_reads_in_small_steps_gets_each_change_once() {
    for ring in ["65536", "33554432"] {
        let settings = [
            PATIENT[0],
            PATIENT[1],
            ("live.ring_bytes", ring),
            ("live.queue_changes", "16"),
            ("live.catch_up_changes", "5"),
        ];
        let gateway = Gateway::ready(&settings).await;
        let mut healthy = gateway.listen("").await;
        let mut slow = Peer::open_small(gateway.address, "/people").await;
        let people = ids(20);
        let read = async {
            let mut seen = Vec::new();
            while seen.len() < 1000 {
                seen.push(healthy.sentence().await);
            }
            seen
        };
        let late = async {
            let mut seen = Vec::new();
            while seen.len() < 1000 {
                seen.extend(sentences(&mut slow, 50).await);
                eventually("more was saved", async || {
                    gateway.metric("store_writes_total").await > seen.len() as f64 - 1.0
                })
                .await;
            }
            seen
        };
        let ((), expected, got) = tokio::join!(save_big(&gateway, &people, 0..50), read, late);
        assert!(got == expected, "ring of {ring}");
    }
}

#[tokio::test]
async fn control_frames_never_split_a_sentence_and_the_last_ping_is_answered() {
    let gateway = Gateway::ready(&[("live.ping_interval_ms", "50"), PATIENT[1]]).await;
    let mut slow = Peer::open_small(gateway.address, "/people").await;
    gateway.all_served(1).await;
    let people = ids(PEOPLE);
    for round in 0..10 {
        save_big(&gateway, &people, round..round + 1).await;
        slow.send(&frame(PING, format!("ping {round}").as_bytes()))
            .await;
    }
    eventually("the queue overflowed", async || {
        gateway.metric("session_overflows_total").await > 0.0
    })
    .await;
    slow.send(&frame(PING, b"last")).await;
    let (mut texts, mut pongs) = (0, Vec::new());
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while texts < 1000 || pongs.last().is_none_or(|last| last != b"last") {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{texts} sentences, {pongs:?}"
        );
        match slow.next().await {
            Frame::Text(sentence) => {
                texts += 1;
                assert!(sentence.ends_with("xxx)"), "{sentence}");
            }
            Frame::Pong(payload) => pongs.push(payload),
            Frame::Ping => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(texts, 1000);
}

#[tokio::test]
async fn a_ping_that_waits_when_the_queue_overflows_is_still_answered() {
    let gateway = Gateway::ready(&PATIENT).await;
    let mut slow = Peer::open_small(gateway.address, "/people").await;
    let people = ids(50);
    let mut round = 0;
    while super::metric_is(&gateway, "session_partial_writes_total", 0).await {
        save_big(&gateway, &people, round..round + 1).await;
        round += 1;
    }
    slow.send(&frame(PING, b"waits")).await;
    while super::metric_is(&gateway, "session_overflows_total", 0).await {
        save_big(&gateway, &people, round..round + 1).await;
        round += 1;
    }
    let mut answered = false;
    for _ in 0..round * 50 {
        loop {
            match slow.next_non_ping().await {
                Frame::Pong(payload) => answered |= payload == b"waits",
                Frame::Text(_) => break,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(answered, "RFC 6455, section 5.5.2: a ping is answered");
}

#[tokio::test]
async fn a_client_that_falls_behind_the_log_is_closed_with_4010() {
    let settings = [
        PATIENT[0],
        PATIENT[1],
        ("live.ring_bytes", "65536"),
        ("store.log_max", "200"),
    ];
    let gateway = Gateway::ready(&settings).await;
    let (expected, mut slow) = fall_behind(&gateway).await;
    let mut got = slow.rest().await;
    assert_eq!(got.pop(), Some(Frame::End));
    let Some(Frame::Close(Some(4010), reason)) = got.pop() else {
        panic!("{:?}", got.last())
    };
    assert!(reason.contains("log"), "{reason}");
    assert!(got.len() < expected.len());
    assert!(
        got.iter()
            .zip(&expected)
            .all(|(got, expected)| *got == Frame::Text(expected.clone())),
        "the client got the first changes, in order"
    );
}
