//! What a snapshot costs the store does not grow with those who ask for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use people_client::StartPoint;
use people_gateway::filter::Kinds;
use serde_json::json;

use super::author::{Author, CONDITIONS};
use super::follower::{Asks, Follower, Seen};
use super::{TELLING, last_of_each, truth};
use crate::scale_out::fleet::Fleet;
use crate::scale_out::written;
use people_testing::process::Gateway;
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

const PEOPLE: usize = 3000;
/// How long a page that was read is shared.
const SHARED_FOR: Duration = Duration::from_secs(5);
const CLIENTS: usize = 1000;
/// Of those who write while others ask.
const CHANGES: usize = 2000;
const AUTHORS: u32 = 8;
const WAVES: usize = 6;

#[tokio::test]
async fn a_thousand_snapshots_at_once_cost_hardly_more_page_reads_than_one() {
    let fleet = Fleet::on(RedisServer::start(&[]).await, 2, 4, TELLING).await;
    import(&fleet.gateways[0]).await;

    // A list reads pages too.
    let everyone = truth::list(&fleet.gateways[0], "").await;

    let before = page_reads(&fleet.redis).await;
    snapshots(&fleet.gateways[0], 1).await;
    let one = page_reads(&fleet.redis).await - before;
    assert!(one >= PEOPLE / 100, "a page is 100 people: {one} reads");

    let (before, begun) = (page_reads(&fleet.redis).await, Instant::now());
    let seen = snapshots(&fleet.gateways[1], CLIENTS).await;
    let many = page_reads(&fleet.redis).await - before;
    // On a busy machine not all of them come while the same page may be shared.
    let times =
        1 + usize::try_from(begun.elapsed().as_secs() / SHARED_FOR.as_secs()).expect("seconds");
    assert!(
        many * 10 <= one * 11 * times,
        "{many} page reads for {CLIENTS} clients, {one} for one, {times} times"
    );
    for (number, seen) in seen.iter().enumerate() {
        seen.was_told_the_truth("a client of many");
        assert_eq!(seen.view.people().len(), PEOPLE / 150);
        if number % 50 == 0 {
            truth::judge("a client of many", seen, &fleet.gateways[0], &everyone).await;
        }
    }
}

#[tokio::test]
async fn a_snapshot_taken_while_people_are_written_has_no_hole_and_shows_nobody_twice() {
    for partitions in [1, 4] {
        // Pages of two people: each was read at another moment, and many changes lie between the
        // first and the last.
        let settings = [TELLING, &[("live.snapshot_people", "2")]].concat();
        let fleet = Fleet::on(RedisServer::start(&[]).await, 2, partitions, &settings).await;
        let count = Arc::new(AtomicUsize::new(0));
        let authors = (0..AUTHORS).map(|number| {
            let author = Author::new(0x5eed_0020, number, fleet.addresses(), Arc::clone(&count));
            tokio::spawn(author.history(CHANGES / AUTHORS as usize))
        });
        let authors: Vec<_> = authors.collect();
        let mut clients = Vec::new();
        for wave in 1..=WAVES {
            let due = wave * (CHANGES / (WAVES + 1));
            eventually("authors are at work", async || {
                count.load(Ordering::SeqCst) >= due
            })
            .await;
            for (number, condition) in CONDITIONS.into_iter().enumerate() {
                let asks = Asks {
                    kinds: Kinds::All,
                    condition: condition.to_owned(),
                    from: StartPoint::Snapshot,
                };
                clients.push(Follower::start(fleet.addresses(), number, asks));
            }
        }
        let last = last_of_each(&written(authors).await);
        let everyone = truth::list(&fleet.gateways[0], "").await;
        for client in clients {
            let seen = client.finish(&last).await;
            seen.was_told_the_truth("who came while people were written");
            truth::judge(
                "who came while people were written",
                &seen,
                &fleet.gateways[0],
                &everyone,
            )
            .await;
        }
    }
}

/// So many clients at once, each until it holds its view; what they were shown.
async fn snapshots(gateway: &Gateway, count: usize) -> Vec<Seen> {
    let clients = (0..count).map(|number| {
        let condition = format!("age == {}", number % 150);
        let asks = Asks {
            kinds: Kinds::All,
            condition,
            from: StartPoint::Snapshot,
        };
        Follower::start(vec![gateway.address], 0, asks)
    });
    let clients: Vec<_> = clients.collect();
    let mut seen = Vec::new();
    for client in clients {
        seen.push(client.finish(&[]).await);
    }
    seen
}

async fn import(gateway: &Gateway) {
    let lines = (0..PEOPLE).map(|number| {
        let person = json!({
            "firstName": "Ada", "lastName": "Lovelace", "age": number % 150, "job": "Mathematician",
        });
        format!("{person}\n")
    });
    let answer = gateway.import(lines.collect()).await;
    assert_eq!(
        answer.trim(),
        format!(r#"{{"saved":{PEOPLE},"refused":0,"lines":{PEOPLE}}}"#)
    );
}

/// How often a page was read: no other script has a ZRANGE in it.
async fn page_reads(redis: &RedisServer) -> usize {
    let info: String = redis.command(&["INFO", "commandstats"]).await;
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_zrange:calls="));
    line.and_then(|line| line.split(',').next())
        .map_or(0, |calls| calls.parse().expect("a number"))
}
