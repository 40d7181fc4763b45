//! Clients that take less than comes: their views end up right, they cost little, and nobody else
//! notices them.

use people_client::StartPoint;
use people_gateway::filter::Kinds;
use serde_json::{Value, json};

use super::follower::{Asks, Follower};
use super::throttle::{Pace, Throttle, sink};
use super::{TELLING, last_of_each, truth};
use people_testing::process::Gateway;
use people_testing::wait::eventually;

/// People of a round: their frames fit into a queue, so that who reads does not fall behind.
const ROUND: usize = 80;
const PEOPLE: usize = 400;
/// 20,000 changes.
const ROUNDS: usize = 250;
/// Nobody is given up while a slow machine runs this, and memory holds a part of what happens only.
const PATIENT: &[(&str, &str)] = &[
    ("live.silence_limit_ms", "600000"),
    ("live.ring_bytes", "4194304"),
];

#[tokio::test]
async fn a_client_that_reads_16_kb_a_second_ends_with_the_right_view_and_others_do_not_notice() {
    let gateway = Gateway::ready(&[TELLING, PATIENT].concat()).await;
    let throttle = Throttle::before(gateway.address).await;
    let client = |address, condition: &str| {
        let asks = Asks {
            kinds: Kinds::All,
            condition: condition.to_owned(),
            from: StartPoint::Snapshot,
        };
        Follower::start(vec![address], 0, asks)
    };
    let mut healthy = client(gateway.address, "");
    let mut slow = [
        client(throttle.address, ""),
        client(throttle.address, "age < 75 && job != \"R&D\""),
    ];
    for client in [&mut healthy].into_iter().chain(&mut slow) {
        client
            .until("a client is live", |progress| progress.lives == 1)
            .await;
    }
    let changes = write(&gateway, &mut healthy, ROUNDS).await;
    throttle.full_speed();

    let place = gateway
        .request("POST", "/people")
        .header("content-type", "application/json");
    let answer = place
        .body(person(1, 1).to_string())
        .send()
        .await
        .expect("an answer");
    let last = last_of_each(&[answer.headers()["change-position"]
        .to_str()
        .expect("ASCII")
        .to_owned()]);
    let everyone = truth::list(&gateway, "").await;
    let healthy = healthy.finish(&last).await;
    healthy.was_told_the_truth("who reads");
    assert_eq!(
        (healthy.changes.len(), healthy.batches),
        (changes + 1, 0),
        "who reads is shown every change"
    );
    truth::judge("who reads", &healthy, &gateway, &everyone).await;
    for slow in slow {
        let seen = slow.finish(&last).await;
        seen.was_told_the_truth("who was slow");
        assert!(
            seen.batches > 0,
            "who is slow is told in batches what it missed"
        );
        assert!(seen.changes.len() < changes / 2);
        assert_eq!(seen.resumes, 0, "nobody was disconnected");
        truth::judge("who was slow", &seen, &gateway, &everyone).await;
    }
    assert!(
        gateway.count("session_log_reads_total").await > 0,
        "memory did not reach back that far"
    );
}

#[tokio::test]
async fn fifty_slow_clients_cost_hardly_more_memory_than_fifty_fast_ones() {
    const CLIENTS: u64 = 50;
    let mut growth = Vec::new();
    for pace in [Pace::Full, Pace::Slow] {
        let gateway = Gateway::ready(&[TELLING, PATIENT].concat()).await;
        let asks = Asks {
            kinds: Kinds::All,
            condition: String::new(),
            from: StartPoint::Now,
        };
        let mut healthy = Follower::start(vec![gateway.address], 0, asks);
        healthy
            .until("a client is live", |progress| progress.lives == 1)
            .await;
        let mut sinks = Vec::new();
        for _ in 0..CLIENTS {
            sinks.push(sink(gateway.address, pace).await);
        }
        let before = gateway.memory_kib("VmRSS");
        write(&gateway, &mut healthy, ROUNDS).await;
        if pace == Pace::Slow {
            let overflows = || async { gateway.count("session_overflows_total").await >= CLIENTS };
            eventually("every slow client fell behind", overflows).await;
        }
        growth.push(gateway.memory_kib("VmHWM").saturating_sub(before));
        assert!(
            sinks.iter().all(|sink| !sink.is_finished()),
            "nobody was disconnected"
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
async fn who_takes_nothing_is_closed_4010_and_others_do_not_notice() {
    let limits = [
        ("live.ping_interval_ms", "300"),
        ("live.silence_limit_ms", "1500"),
    ];
    let gateway = Gateway::ready(&[TELLING, &limits].concat()).await;
    let asks = Asks {
        kinds: Kinds::All,
        condition: String::new(),
        from: StartPoint::Snapshot,
    };
    let mut healthy = Follower::start(vec![gateway.address], 0, asks);
    healthy
        .until("a client is live", |progress| progress.lives == 1)
        .await;
    let stuck = sink(gateway.address, Pace::Nothing).await;
    let changes = write(&gateway, &mut healthy, 10).await;
    let closed = || async {
        gateway
            .count_at("sessions_closed_total", r#"code="4010""#)
            .await
            == 1
    };
    eventually("who takes nothing is closed", closed).await;
    let progress = *healthy.progress.borrow();
    assert_eq!(
        (progress.changes, progress.lives),
        (changes, 1),
        "the other is there as before"
    );
    stuck.abort();
}

/// Writes so many rounds of 2 KB people, each when the one who reads has seen the one before; how
/// many changes.
async fn write(gateway: &Gateway, healthy: &mut Follower, rounds: usize) -> usize {
    let mut changes = 0;
    for round in 0..rounds {
        let numbers = (0..ROUND).map(|index| (round * ROUND + index) % PEOPLE);
        let lines: Vec<_> = numbers
            .clone()
            .map(|number| format!("{}\n", person(number, round)))
            .collect();
        let answer = gateway.import(lines.concat()).await;
        let answer: Value =
            serde_json::from_str(answer.trim()).expect("one line: nothing was refused");
        assert_eq!(answer["saved"], ROUND);
        changes += ROUND;
        if round % 9 == 8 {
            for number in numbers.take(7) {
                assert_eq!(gateway.delete(&id(number)).await, 204);
                changes += 1;
            }
        }
        healthy
            .until("who reads keeps up", |progress| progress.changes >= changes)
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
