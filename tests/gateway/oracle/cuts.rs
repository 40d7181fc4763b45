//! A client that is cut off repeatedly holds the same view as one that stays connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use people_client::StartPoint;
use people_gateway::filter::Kinds;

use super::author::Author;
use super::follower::{Follower, Subscription, Transcript};
use super::{last_of_each_partition, truth};
use crate::scale_out::fleet::Fleet;
use crate::scale_out::join_writers;
use people_testing::people::{CONDITIONS, list};
use people_testing::process::settings::FREQUENT_POSITIONS;
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

const CHANGES: usize = 2000;
const CUTS: usize = 20;
const AUTHORS: u32 = 8;

#[tokio::test]
async fn a_client_that_is_cut_off_repeatedly_holds_the_view_of_one_that_stays_connected() {
    let seed = 0x5eed_0010;
    // A ring so small that some resumed clients are served from the log.
    let settings = [FREQUENT_POSITIONS, &[("live.ring_bytes", "4096")]].concat();
    let fleet = Fleet::on(RedisServer::start(&[]).await, 2, 4, &settings).await;
    // Every person, and a filter that people often enter and leave.
    let conditions = [CONDITIONS[0], CONDITIONS[2]];
    let client = |condition: &str, first| {
        let subscription = Subscription {
            kinds: Kinds::All,
            condition: condition.to_owned(),
            from: StartPoint::Snapshot,
        };
        Follower::start(fleet.addresses(), first, subscription)
    };
    let mut pairs: Vec<_> = conditions
        .map(|condition| [client(condition, 0), client(condition, 1)])
        .into();
    for client in pairs.iter_mut().flatten() {
        client
            .until("a client is live", |progress| progress.live_count > 0)
            .await;
    }
    let count = Arc::new(AtomicUsize::new(0));
    let authors = (0..AUTHORS).map(|number| {
        let author = Author::new(seed, number, fleet.addresses(), Arc::clone(&count));
        tokio::spawn(author.history(CHANGES / AUTHORS as usize))
    });
    let authors: Vec<_> = authors.collect();
    for cut in 1..=CUTS {
        let due = cut * (CHANGES / (CUTS + 1));
        eventually("authors are at work", async || {
            count.load(Ordering::SeqCst) >= due
        })
        .await;
        for [_, cut_off] in &pairs {
            cut_off.cut().await;
        }
    }
    let last = last_of_each_partition(&join_writers(authors).await);
    assert!(
        fleet.count("session_log_reads_total").await > 0,
        "the ring no longer held the missed changes"
    );
    let all_people = list(&fleet.gateways[0], "").await;
    for [stayed, cut_off] in pairs {
        let (stayed, cut_off) = (stayed.finish(&last).await, cut_off.finish(&last).await);
        stayed.assert_consistent("the client that stayed connected");
        cut_off.assert_consistent("the client that was cut off");
        assert_eq!(
            (stayed.resumes, stayed.batches),
            (0, 0),
            "the client that stayed connected kept up"
        );
        assert!(
            cut_off.resumes >= CUTS / 2,
            "{} of {CUTS} cuts met a client with a cursor",
            cut_off.resumes
        );
        assert_eq!(cut_off.view.people(), stayed.view.people());
        truth::assert_exact_view(
            "the client that was cut off",
            &cut_off,
            &fleet.gateways[1],
            &all_people,
        )
        .await;
        assert_received_no_other_changes(&cut_off, &stayed);
    }
}

/// A change has the same verdict for both, whether it came live or in a catch-up.
fn assert_received_no_other_changes(cut_off: &Transcript, stayed: &Transcript) {
    let unexpected: Vec<_> = cut_off
        .changes
        .iter()
        .filter(|change| !stayed.changes.contains(change))
        .collect();
    assert!(
        unexpected.is_empty(),
        "only the client that was cut off received: {unexpected:?}"
    );
}
