//! The cost of snapshots to the store does not grow with the number of clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use people_client::StartPoint;
use people_gateway::filter::Kinds;
use serde_json::json;

use super::author::Author;
use super::follower::{Follower, Subscription, Transcript};
use super::{last_of_each_partition, truth};
use crate::scale_out::fleet::Fleet;
use crate::scale_out::join_writers;
use people_testing::people::{CONDITIONS, list};
use people_testing::process::Gateway;
use people_testing::process::settings::FREQUENT_POSITIONS;
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

const PEOPLE: usize = 3000;
/// How long clients share a page that was read.
const SHARED_FOR: Duration = Duration::from_secs(5);
const CLIENTS: usize = 1000;
/// Changes while clients take snapshots.
const CHANGES: usize = 2000;
const AUTHORS: u32 = 8;
const WAVES: usize = 6;

#[tokio::test]
async fn a_thousand_snapshots_at_once_cost_hardly_more_page_reads_than_one() {
    let fleet = Fleet::on(RedisServer::start(&[]).await, 2, 4, FREQUENT_POSITIONS).await;
    import(&fleet.gateways[0]).await;

    // Before the count: a list reads pages too.
    let all_people = list(&fleet.gateways[0], "").await;

    let before = page_reads(&fleet.redis).await;
    snapshots(&fleet.gateways[0], 1).await;
    let one = page_reads(&fleet.redis).await - before;
    assert!(one >= PEOPLE / 100, "a page is 100 people: {one} reads");

    let (before, begun) = (page_reads(&fleet.redis).await, Instant::now());
    let transcripts = snapshots(&fleet.gateways[1], CLIENTS).await;
    let many = page_reads(&fleet.redis).await - before;
    // On a busy machine the clients come over a longer time than a page is shared.
    let reads_of_a_page =
        1 + usize::try_from(begun.elapsed().as_secs() / SHARED_FOR.as_secs()).expect("seconds");
    assert!(
        many * 10 <= one * 11 * reads_of_a_page,
        "{many} page reads for {CLIENTS} clients, {one} for one, {reads_of_a_page} times"
    );
    for (number, transcript) in transcripts.iter().enumerate() {
        transcript.assert_consistent("a client of many");
        assert_eq!(transcript.view.people().len(), PEOPLE / 150);
        if number % 50 == 0 {
            truth::assert_exact_view(
                "a client of many",
                transcript,
                &fleet.gateways[0],
                &all_people,
            )
            .await;
        }
    }
}

#[tokio::test]
async fn a_snapshot_taken_during_writes_has_no_gap_and_no_duplicate() {
    for partitions in [1, 4] {
        // Pages of two people, so that many changes happen between the first and the last page.
        let settings = [FREQUENT_POSITIONS, &[("live.snapshot_people", "2")]].concat();
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
                let subscription = Subscription {
                    kinds: Kinds::All,
                    condition: condition.to_owned(),
                    from: StartPoint::Snapshot,
                };
                clients.push(Follower::start(fleet.addresses(), number, subscription));
            }
        }
        let last = last_of_each_partition(&join_writers(authors).await);
        let all_people = list(&fleet.gateways[0], "").await;
        for client in clients {
            let transcript = client.finish(&last).await;
            transcript.assert_consistent("a client that came during writes");
            truth::assert_exact_view(
                "a client that came during writes",
                &transcript,
                &fleet.gateways[0],
                &all_people,
            )
            .await;
        }
    }
}

/// Starts this many clients at once. Returns what each received up to its first `live`.
async fn snapshots(gateway: &Gateway, count: usize) -> Vec<Transcript> {
    let clients = (0..count).map(|number| {
        let condition = format!("age == {}", number % 150);
        let subscription = Subscription {
            kinds: Kinds::All,
            condition,
            from: StartPoint::Snapshot,
        };
        Follower::start(vec![gateway.address], 0, subscription)
    });
    let clients: Vec<_> = clients.collect();
    let mut transcripts = Vec::new();
    for client in clients {
        transcripts.push(client.finish(&[]).await);
    }
    transcripts
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

/// How often a page was read. No other script calls ZRANGE.
async fn page_reads(redis: &RedisServer) -> usize {
    let info: String = redis.command(&["INFO", "commandstats"]).await;
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_zrange:calls="));
    line.and_then(|line| line.split(',').next())
        .map_or(0, |calls| calls.parse().expect("a number"))
}
