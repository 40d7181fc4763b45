//! Clients that read more slowly than people are written: their views converge, they cost little
//! memory, and other clients are not affected.

use people_client::StartPoint;
use people_gateway::filter::Kinds;
use serde_json::{Value, json};

use super::follower::{Follower, Subscription};
use super::throttle::{Pace, Throttle, sink};
use super::{last_of_each_partition, truth};
use people_testing::people::list;
use people_testing::process::Gateway;
use people_testing::process::settings::FREQUENT_POSITIONS;
use people_testing::wait::eventually;

/// People of a round. Their frames fit into a send queue: a client that reads does not fall behind.
const ROUND: usize = 80;
const PEOPLE: usize = 400;
/// 20,000 changes.
const ROUNDS: usize = 250;
/// A silence limit that a slow machine does not reach, and a ring for only a part of the changes.
const PATIENT: &[(&str, &str)] = &[
    ("live.silence_limit_ms", "600000"),
    ("live.ring_bytes", "4194304"),
];

#[tokio::test]
async fn a_client_that_reads_16_kb_a_second_converges_and_does_not_affect_others() {
    let gateway = Gateway::ready(&[FREQUENT_POSITIONS, PATIENT].concat()).await;
    let throttle = Throttle::in_front_of(gateway.address).await;
    let client = |address, condition: &str| {
        let subscription = Subscription {
            kinds: Kinds::All,
            condition: condition.to_owned(),
            from: StartPoint::Snapshot,
        };
        Follower::start(vec![address], 0, subscription)
    };
    let mut healthy = client(gateway.address, "");
    let mut slow = [
        client(throttle.address, ""),
        client(throttle.address, "age < 75 && job != \"R&D\""),
    ];
    for client in [&mut healthy].into_iter().chain(&mut slow) {
        client
            .until("a client is live", |progress| progress.live_count == 1)
            .await;
    }
    let changes = write(&gateway, &mut healthy, ROUNDS).await;
    throttle.full_speed();

    let request = gateway
        .request("POST", "/people")
        .header("content-type", "application/json");
    let answer = request
        .body(person(1, 1).to_string())
        .send()
        .await
        .expect("an answer");
    let last = last_of_each_partition(&[answer.headers()["change-position"]
        .to_str()
        .expect("ASCII")
        .to_owned()]);
    let all_people = list(&gateway, "").await;
    let healthy = healthy.finish(&last).await;
    healthy.assert_consistent("the healthy client");
    assert_eq!(
        (healthy.changes.len(), healthy.batches),
        (changes + 1, 0),
        "a healthy client receives every change"
    );
    truth::assert_exact_view("the healthy client", &healthy, &gateway, &all_people).await;
    for slow in slow {
        let transcript = slow.finish(&last).await;
        transcript.assert_consistent("a slow client");
        assert!(
            transcript.batches > 0,
            "a slow client receives the missed changes in batches"
        );
        assert!(transcript.changes.len() < changes / 2);
        assert_eq!(transcript.resumes, 0, "no client was disconnected");
        truth::assert_exact_view("a slow client", &transcript, &gateway, &all_people).await;
    }
    assert!(
        gateway.count("session_log_reads_total").await > 0,
        "the ring no longer held the missed changes"
    );
}

#[tokio::test]
async fn fifty_slow_clients_cost_hardly_more_memory_than_fifty_fast_ones() {
    const CLIENTS: u64 = 50;
    let mut growth = Vec::new();
    for pace in [Pace::Full, Pace::Slow] {
        let gateway = Gateway::ready(&[FREQUENT_POSITIONS, PATIENT].concat()).await;
        let subscription = Subscription {
            kinds: Kinds::All,
            condition: String::new(),
            from: StartPoint::Now,
        };
        let mut healthy = Follower::start(vec![gateway.address], 0, subscription);
        healthy
            .until("a client is live", |progress| progress.live_count == 1)
            .await;
        let mut sinks = Vec::new();
        for _ in 0..CLIENTS {
            sinks.push(sink(gateway.address, pace).await);
        }
        gateway.all_served(CLIENTS + 1).await;
        let before = gateway.memory_kib("VmRSS");
        write(&gateway, &mut healthy, ROUNDS).await;
        if pace == Pace::Slow {
            let overflows = || async { gateway.count("session_overflows_total").await >= CLIENTS };
            eventually("every slow client fell behind", overflows).await;
        }
        growth.push(gateway.memory_kib("VmHWM").saturating_sub(before));
        assert!(
            sinks.iter().all(|sink| !sink.is_finished()),
            "no client was disconnected"
        );
        sinks.iter().for_each(tokio::task::JoinHandle::abort);
    }
    let [fast, slow] = growth[..] else {
        unreachable!("two runs")
    };
    eprintln!("grew by {fast} KiB with {CLIENTS} fast clients, by {slow} KiB with slow ones");
    assert!(
        slow < fast + CLIENTS * 1536,
        "{slow} KiB with {CLIENTS} slow clients, {fast} KiB with fast ones"
    );
}

#[tokio::test]
async fn a_client_that_never_reads_is_closed_with_4010_and_does_not_affect_others() {
    let limits = [
        ("live.ping_interval_ms", "300"),
        ("live.silence_limit_ms", "1500"),
    ];
    let gateway = Gateway::ready(&[FREQUENT_POSITIONS, &limits].concat()).await;
    let subscription = Subscription {
        kinds: Kinds::All,
        condition: String::new(),
        from: StartPoint::Snapshot,
    };
    let mut healthy = Follower::start(vec![gateway.address], 0, subscription);
    healthy
        .until("a client is live", |progress| progress.live_count == 1)
        .await;
    let stuck = sink(gateway.address, Pace::Nothing).await;
    let changes = write(&gateway, &mut healthy, 10).await;
    let closed = || async {
        gateway
            .count_at("sessions_closed_total", r#"code="4010""#)
            .await
            == 1
    };
    eventually("the client that never reads is closed", closed).await;
    let progress = *healthy.progress.borrow();
    assert_eq!(
        (progress.changes, progress.live_count),
        (changes, 1),
        "the other client stays live and receives every change"
    );
    stuck.abort();
}

/// Writes rounds of 2 KB people, each after the healthy client has received the one before. Returns
/// the number of changes.
async fn write(gateway: &Gateway, healthy: &mut Follower, rounds: usize) -> usize {
    let mut changes = 0;
    for round in 0..rounds {
        let numbers = (0..ROUND).map(|index| (round * ROUND + index) % PEOPLE);
        let lines: Vec<_> = numbers
            .clone()
            .map(|number| format!("{}\n", person(number, round)))
            .collect();
        let answer = gateway.import(lines.concat()).await;
        let answer: Value = serde_json::from_str(answer.trim())
            .expect("a single line, because no person was refused");
        assert_eq!(answer["saved"], ROUND);
        changes += ROUND;
        if round % 9 == 8 {
            for number in numbers.take(7) {
                assert_eq!(gateway.delete(&id(number)).await, 204);
                changes += 1;
            }
        }
        healthy
            .until("the healthy client keeps up", |progress| {
                progress.changes >= changes
            })
            .await;
    }
    changes
}

fn id(number: usize) -> String {
    format!("0190f3e2-7c1b-7d9a-8f00-{number:012x}")
}

/// About 2 KB, with an age and a job that change from round to round.
fn person(number: usize, round: usize) -> Value {
    json!({
        "id": id(number), "firstName": "Ada", "lastName": "Lovelace",
        "age": (number + round * 37) % 150,
        "job": if (number + round).is_multiple_of(3) { "R&D" } else { "Engineer" },
        "attributes": { "note": "x".repeat(1800), "round": round },
    })
}
