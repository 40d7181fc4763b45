//! The embedded store when its process is killed, its file is cut, or another process has it open.

mod crash;
mod group_commit;

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use people_gateway::domain::{Change, Partitions, Position, Seq, Tag};
use people_gateway::store::Store;
use people_gateway::store::embedded::Options;

use crate::backing::{Embedded, Setup};
use crate::people::{changes, everyone};
use crate::reference::fold;

/// Logs that keep everything, so that a replay from their start gives the state.
const SETUP: Setup = Setup {
    partitions: 2,
    log_max: 1_000_000,
    idempotency_ttl: Duration::from_secs(3600),
};

fn options(folder: &Path) -> Options {
    Embedded::options(SETUP, folder)
}

fn partitions(count: u16) -> Partitions {
    Partitions::new(NonZeroU16::new(count).expect("at least one"))
}

/// Reads all logs from their start, and asserts that numbers and tags chain, and that the people
/// are the replayed log.
async fn replayed(store: &dyn Store) -> Vec<Change> {
    let (mut people, mut all) = (BTreeMap::new(), Vec::new());
    for (partition, head) in store
        .partitions()
        .iter()
        .zip(store.probe().await.expect("the heads"))
    {
        let mut place = Position::start_of(head.epoch);
        while place != head {
            let (_, changes) = changes(store, partition, place).await;
            assert!(
                !changes.is_empty(),
                "the log ends at {place}, before its head {head}"
            );
            for change in changes {
                assert_eq!(change.predecessor(), Some(place));
                place = change.at.position;
                fold(&mut people, &change);
                all.push(change);
            }
        }
        assert_eq!(place.tag == Tag::START, place.seq == Seq::START);
    }
    let mut found = everyone(store, 1_000).await;
    found.sort_by_key(|person| person.id);
    assert_eq!(
        found,
        people.into_values().collect::<Vec<_>>(),
        "the people are the replayed log"
    );
    all
}
