//! Views that fall behind: what they missed is composed where that is allowed, and nothing is lost.

use serde_json::{Value, json};

use crate::live::websocket::peer::{Got, Peer, handshake};
use crate::live::{ids, save_big};
use crate::views::view::{View, positions, seq};
use crate::views::{Client, EVEN, Written, listed, path};
use people_testing::process::Gateway;
use people_testing::wait::{DEADLINE, eventually};

const PEOPLE: u32 = 50;
/// The last is an even one: whoever falls behind has missed something, wherever that is.
const ROUNDS: u32 = 9;
/// Nobody is given up while a slow machine runs this.
const PATIENT: [(&str, &str); 2] = [
    ("live.silence_limit_ms", "600000"),
    ("live.ping_interval_ms", "200"),
];

struct Slow {
    peer: Peer,
    view: View,
}

impl Slow {
    async fn open(gateway: &Gateway, parameters: &[(&str, &str)], is_all: bool) -> Self {
        let mut peer = Peer::connect_small(gateway.address).await;
        let path = path("/updates", parameters);
        peer.send(handshake(&path, &[("Sec-WebSocket-Protocol", "people.v1.json")]).as_bytes())
            .await;
        peer.shaken().await;
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
        let Got::Text(text) = self.peer.told().await else {
            panic!("a message")
        };
        let message = serde_json::from_str(&text).expect("JSON");
        self.view.apply(&message);
        message
    }

    /// What is shown until the stream has passed what was written: a pong only says how far it is.
    async fn passes(&mut self, written: &Written) -> Vec<Value> {
        let mut shown = Vec::new();
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            assert!(
                tokio::time::Instant::now() < deadline,
                "{written:?} is never passed"
            );
            self.peer.say(&json!({"type": "ping"}).to_string()).await;
            let pong = loop {
                let message = self.message().await;
                if message["type"] == "pong" {
                    break message;
                }
                shown.push(message);
            };
            if written.is_passed(pong["cursor"].as_str().expect("a cursor of who is live")) {
                return shown;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// Rounds of saves of big people and a deletion between, which nobody slow keeps up with; also
/// where the last stands.
async fn overwhelm(gateway: &Gateway, people: &[String]) -> Written {
    let mut witness = Client::live(gateway, &[]).await;
    for round in 0..ROUNDS {
        save_big(gateway, people, round..round + 1).await;
    }
    let mut written = Written::default();
    for id in &people[..5] {
        written.add(&crate::views::delete(gateway, id).await.expect("someone"));
    }
    eventually("a queue overflowed", async || {
        gateway.count("session_overflows_total").await > 0
    })
    .await;
    witness.passes(&written).await;
    written
}

#[tokio::test]
async fn who_fell_behind_gets_batches_whose_fold_is_right_and_whose_cursor_resumes() {
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
        let mut slow = Slow::open(&gateway, &[("from", "snapshot"), ("where", EVEN)], true).await;
        let written = overwhelm(&gateway, &people).await;
        let (mut shown, mut resumed) = (Vec::new(), None);
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while shown
            .iter()
            .all(|message: &Value| message["type"] != "batch")
        {
            assert!(tokio::time::Instant::now() < deadline, "no batch");
            shown.push(slow.message().await);
            resumed = Some(slow.view.resumed());
        }
        let batch = shown.last().expect("a batch");
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
        slow.passes(&written).await;
        let expected = listed(&gateway, EVEN).await;
        assert_eq!(slow.view.people, expected, "{partitions} partitions");

        let resumed = resumed.expect("a batch came");
        let mut client =
            Client::open(&gateway, &[("from", &resumed.cursor()), ("where", EVEN)]).await;
        client.view = resumed;
        client.until("live").await;
        client.passes(&written).await;
        assert_eq!(
            client.view.people, expected,
            "{partitions} partitions, resumed at the batch's cursor"
        );
    }
}

#[tokio::test]
async fn saves_alone_are_shown_change_by_change_each_once() {
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
    let mut slow = Slow::open(&gateway, &[("kinds", "saves")], false).await;
    let reading = async {
        let mut all = Vec::new();
        while all.len() < people.len() * ROUNDS as usize {
            all.push(witness.message().await);
        }
        all
    };
    let (written, all) = tokio::join!(overwhelm(&gateway, &people), reading);
    let shown = slow.passes(&written).await;
    let ats = |messages: &[Value]| {
        messages
            .iter()
            .map(|message| message["at"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ats(&shown), ats(&all));
    assert!(gateway.count("session_log_reads_total").await > 0);
}

#[tokio::test]
async fn a_batch_does_not_show_what_came_and_went() {
    let gateway = Gateway::ready(&[PATIENT[0], PATIENT[1], ("live.queue_changes", "20")]).await;
    let people = ids(PEOPLE);
    let mut slow = Slow::open(&gateway, &[("from", "snapshot"), ("where", EVEN)], true).await;
    let written = overwhelm(&gateway, &people).await;
    // They came or went in each round, and nobody takes so much that they fall behind in the last
    // one only.
    let shown = slow.passes(&written).await;
    let batches = shown
        .iter()
        .filter(|message| message["type"] == "batch")
        .count();
    assert!(batches > 0);
    let changes: usize = shown
        .iter()
        .map(|message| message["changes"].as_array().map_or(1, Vec::len))
        .sum();
    assert!(changes < people.len() * ROUNDS as usize, "{changes}");
    assert_eq!(slow.view.people, listed(&gateway, EVEN).await);
}

#[tokio::test]
async fn a_filter_that_waits_for_a_slow_client_still_parts_the_stream_at_one_place() {
    let gateway = Gateway::ready(&PATIENT).await;
    let people = ids(PEOPLE);
    let mut slow = Slow::open(&gateway, &[("kinds", "saves")], false).await;
    let mut written = Written::default();
    for round in 0..12 {
        save_big(&gateway, &people, round..round + 1).await;
        if round % 3 == 2 {
            slow.peer
                .say(&json!({"type": "filter", "kinds": "saves", "ref": "again"}).to_string())
                .await;
        }
    }
    written.add(&crate::views::save(&gateway, &people[0], &crate::views::aged(1)).await);
    // All filters show the same, so that what one of them missed or showed again is missed or shown
    // again here.
    let shown = slow.passes(&written).await;
    let (mut last, mut filters) = (0, 0);
    for message in &shown {
        if message["type"] == "filtered" {
            let cursor = positions(message["cursor"].as_str().expect("a cursor"));
            assert_eq!(seq(&cursor["0"]), last, "the old filter judged up to here");
            filters += 1;
        } else {
            last += 1;
            let at = message["at"].as_str().expect("a change");
            assert_eq!(seq(at), last);
        }
    }
    assert_eq!((last, filters), (u64::from(PEOPLE) * 12 + 1, 4));
}
