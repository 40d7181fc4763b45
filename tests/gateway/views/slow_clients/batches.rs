//! Slow clients of people.v1.json: missed changes are composed to batches where the kinds allow it,
//! and none is lost.

use serde_json::{Value, json};

use crate::live::websocket::peer::{Frame, Peer, handshake};
use crate::live::{ids, save_big};
use crate::views::view::{View, positions, seq};
use crate::views::{Client, EVEN, WriteHeads, listed, path};
use people_testing::process::Gateway;
use people_testing::wait::{DEADLINE, eventually};

const PEOPLE: u32 = 50;
/// The last round is even: a client that falls behind in any round has missed a change in [`EVEN`].
const ROUNDS: u32 = 9;
/// A silence limit that a slow machine does not reach.
const PATIENT: [(&str, &str); 2] = [
    ("live.silence_limit_ms", "600000"),
    ("live.ping_interval_ms", "200"),
];

struct SlowClient {
    peer: Peer,
    view: View,
}

impl SlowClient {
    async fn open(gateway: &Gateway, parameters: &[(&str, &str)], is_all: bool) -> Self {
        let mut peer = Peer::connect_small(gateway.address).await;
        let path = path("/updates", parameters);
        peer.send(handshake(&path, &[("Sec-WebSocket-Protocol", "people.v1.json")]).as_bytes())
            .await;
        peer.expect_upgrade().await;
        let mut this = Self {
            peer,
            view: View::from("snapshot", is_all),
        };
        while !this.view.is_live {
            this.message().await;
        }
        this
    }

    async fn message(&mut self) -> Value {
        let Frame::Text(text) = self.peer.next_non_ping().await else {
            panic!("a message")
        };
        let message = serde_json::from_str(&text).expect("JSON");
        self.view.apply(&message);
        message
    }

    /// Reads until the stream has passed these writes. Returns the messages without the pongs.
    async fn read_past(&mut self, written: &WriteHeads) -> Vec<Value> {
        let mut received = Vec::new();
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            assert!(
                tokio::time::Instant::now() < deadline,
                "the stream does not reach {written:?}"
            );
            self.peer.say(&json!({"type": "ping"}).to_string()).await;
            let pong = loop {
                let message = self.message().await;
                if message["type"] == "pong" {
                    break message;
                }
                received.push(message);
            };
            if written.is_reached_by(pong["cursor"].as_str().expect("a live client has a cursor")) {
                return received;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// Saves big people in rounds, then deletes five of them, until the queue of a slow client has
/// overflowed.
async fn overwhelm(gateway: &Gateway, people: &[String]) -> WriteHeads {
    let mut witness = Client::live(gateway, &[]).await;
    for round in 0..ROUNDS {
        save_big(gateway, people, round..round + 1).await;
    }
    let mut written = WriteHeads::default();
    for id in &people[..5] {
        written.add(
            &crate::views::delete(gateway, id)
                .await
                .expect("the person exists"),
        );
    }
    eventually("a queue overflowed", async || {
        gateway.count("session_overflows_total").await > 0
    })
    .await;
    witness.read_past(&written).await;
    written
}

#[tokio::test]
async fn a_client_that_fell_behind_gets_batches_that_fold_to_its_view_and_resume() {
    for (partitions, ring) in [("1", "33554432"), ("4", "33554432"), ("4", "65536")] {
        let settings = [
            PATIENT[0],
            PATIENT[1],
            ("store.partitions", partitions),
            ("live.ring_bytes", ring),
        ];
        let gateway =
            Gateway::ready(&[&settings[..], &[("live.queue_changes", "20")]].concat()).await;
        let people = ids(PEOPLE);
        save_big(&gateway, &people, 0..1).await;
        let mut slow =
            SlowClient::open(&gateway, &[("from", "snapshot"), ("where", EVEN)], true).await;
        let written = overwhelm(&gateway, &people).await;
        let (mut received, mut resumed) = (Vec::new(), None);
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while received
            .iter()
            .all(|message: &Value| message["type"] != "batch")
        {
            assert!(tokio::time::Instant::now() < deadline, "no batch");
            received.push(slow.message().await);
            resumed = Some(slow.view.resumed());
        }
        let batch = received.last().expect("a batch");
        assert_eq!(crate::views::members(batch), ["type", "cursor", "changes"]);
        let changes = batch["changes"].as_array().expect("changes");
        assert!(!changes.is_empty());
        let mut named: Vec<_> = changes
            .iter()
            .map(|change| change["id"].as_str().or(change["person"]["id"].as_str()))
            .collect();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named.len(), changes.len(), "each person once");
        slow.read_past(&written).await;
        let expected = listed(&gateway, EVEN).await;
        assert_eq!(slow.view.people, expected, "{partitions} partitions");

        let resumed = resumed.expect("a batch came");
        let mut client =
            Client::open(&gateway, &[("from", &resumed.cursor()), ("where", EVEN)]).await;
        client.view = resumed;
        client.until("live").await;
        client.read_past(&written).await;
        assert_eq!(
            client.view.people, expected,
            "{partitions} partitions, resumed at the batch's cursor"
        );
    }
}

#[tokio::test]
async fn a_slow_client_of_saves_receives_each_change_once() {
    let settings = [
        PATIENT[0],
        PATIENT[1],
        ("live.queue_changes", "20"),
        ("live.ring_bytes", "65536"),
        ("live.position_interval_ms", "3600000"),
    ];
    let gateway = Gateway::ready(&settings).await;
    let people = ids(PEOPLE);
    let mut witness = Client::live(&gateway, &[("kinds", "saves")]).await;
    let mut slow = SlowClient::open(&gateway, &[("kinds", "saves")], false).await;
    let reading = async {
        let mut all = Vec::new();
        while all.len() < people.len() * ROUNDS as usize {
            all.push(witness.message().await);
        }
        all
    };
    let (written, all) = tokio::join!(overwhelm(&gateway, &people), reading);
    let received = slow.read_past(&written).await;
    let ats = |messages: &[Value]| {
        messages
            .iter()
            .map(|message| message["at"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ats(&received), ats(&all));
    assert!(gateway.count("session_log_reads_total").await > 0);
}

#[tokio::test]
async fn a_batch_leaves_out_people_who_entered_and_left() {
    let gateway = Gateway::ready(&[PATIENT[0], PATIENT[1], ("live.queue_changes", "20")]).await;
    let people = ids(PEOPLE);
    let mut slow = SlowClient::open(&gateway, &[("from", "snapshot"), ("where", EVEN)], true).await;
    let written = overwhelm(&gateway, &people).await;
    // Each person enters or leaves in each round, and no socket holds so much that the client falls
    // behind only in the last one.
    let received = slow.read_past(&written).await;
    let batches = received
        .iter()
        .filter(|message| message["type"] == "batch")
        .count();
    assert!(batches > 0);
    let changes: usize = received
        .iter()
        .map(|message| message["changes"].as_array().map_or(1, Vec::len))
        .sum();
    assert!(changes < people.len() * ROUNDS as usize, "{changes}");
    assert_eq!(slow.view.people, listed(&gateway, EVEN).await);
}

#[tokio::test]
async fn a_filter_queued_for_a_slow_client_splits_the_stream_at_one_position() {
    let gateway = Gateway::ready(&PATIENT).await;
    let people = ids(PEOPLE);
    let mut slow = SlowClient::open(&gateway, &[("kinds", "saves")], false).await;
    let mut written = WriteHeads::default();
    for round in 0..12 {
        save_big(&gateway, &people, round..round + 1).await;
        if round % 3 == 2 {
            slow.peer
                .say(&json!({"type": "filter", "kinds": "saves", "ref": "again"}).to_string())
                .await;
        }
    }
    written.add(&crate::views::save(&gateway, &people[0], &crate::views::aged(1)).await);
    // All filters let the same changes through: one that is missed or repeated at a switch is
    // missing or repeated here.
    let received = slow.read_past(&written).await;
    let (mut last, mut filters) = (0, 0);
    for message in &received {
        if message["type"] == "filtered" {
            let cursor = positions(message["cursor"].as_str().expect("a cursor"));
            assert_eq!(
                seq(&cursor["0"]),
                last,
                "the old filter evaluated the changes up to here"
            );
            filters += 1;
        } else {
            last += 1;
            let at = message["at"].as_str().expect("a change");
            assert_eq!(seq(at), last);
        }
    }
    assert_eq!((last, filters), (u64::from(PEOPLE) * 12 + 1, 4));
}
