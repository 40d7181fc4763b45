//! A client that is cut off again and again holds the same view as one that never was.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use people_client::StartPoint;
use people_gateway::filter::Kinds;

use super::author::{Author, CONDITIONS};
use super::follower::{Asks, Follower};
use super::{TELLING, last_of_each, truth};
use crate::scale_out::fleet::Fleet;
use crate::scale_out::written;
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

const CHANGES: usize = 2000;
const CUTS: usize = 20;
const AUTHORS: u32 = 8;

#[tokio::test]
async fn a_client_cut_off_again_and_again_holds_the_view_of_one_that_never_left() {
    let seed = 0x5eed_0010;
    // So little memory that who comes back has to be served from the log now and then.
    let settings = [TELLING, &[("live.ring_bytes", "4096")]].concat();
    let fleet = Fleet::on(RedisServer::start(&[]).await, 2, 4, &settings).await;
    // Everyone, and a filter that people come into and leave all the time.
    let conditions = [CONDITIONS[0], CONDITIONS[2]];
    let client = |condition: &str, first| {
        let asks = Asks {
            kinds: Kinds::All,
            condition: condition.to_owned(),
            from: StartPoint::Snapshot,
        };
        Follower::start(fleet.addresses(), first, asks)
    };
    let mut pairs: Vec<_> = conditions
        .map(|condition| [client(condition, 0), client(condition, 1)])
        .into();
    for client in pairs.iter_mut().flatten() {
        client
            .until("a client is live", |progress| progress.lives > 0)
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
    let last = last_of_each(&written(authors).await);
    assert!(
        fleet.count("session_log_reads_total").await > 0,
        "memory did not reach back that far"
    );
    let everyone = truth::list(&fleet.gateways[0], "").await;
    for [stayed, cut_off] in pairs {
        let (stayed, cut_off) = (stayed.finish(&last).await, cut_off.finish(&last).await);
        stayed.was_told_the_truth("who stayed");
        cut_off.was_told_the_truth("who was cut off");
        assert_eq!(
            (stayed.resumes, stayed.batches),
            (0, 0),
            "who stayed and kept up"
        );
        assert!(
            cut_off.resumes >= CUTS / 2,
            "{} of {CUTS} cuts met a client that had a place",
            cut_off.resumes
        );
        assert_eq!(cut_off.view.people(), stayed.view.people());
        truth::judge("who was cut off", &cut_off, &fleet.gateways[1], &everyone).await;
        // A single frame means the same to both, whether it came live or was caught up with.
        let strange: Vec<_> = cut_off
            .changes
            .iter()
            .filter(|shown| !stayed.changes.contains(shown))
            .collect();
        assert!(
            strange.is_empty(),
            "shown to one and not to the other: {strange:?}"
        );
    }
}
