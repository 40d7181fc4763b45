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
use crate::people::{all_people, changes};
use crate::reference::fold;

/// The logs keep every change, so that a replay from their start gives the state.
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

/// Reads all logs from their start. Asserts that numbers and tags chain, and that the stored people
/// equal the replayed log.
async fn replayed(store: &dyn Store) -> Vec<Change> {
    let (mut people, mut all) = (BTreeMap::new(), Vec::new());
    for (partition, head) in store
        .partitions()
        .iter()
        .zip(store.heads().await.expect("the heads"))
    {
        let mut position = Position::start_of(head.epoch);
        while position != head {
            let (_, changes) = changes(store, partition, position).await;
            assert!(
                !changes.is_empty(),
                "the log ends at {position}, before its head {head}"
            );
            for change in changes {
                assert_eq!(change.predecessor(), Some(position));
                position = change.at.position;
                fold(&mut people, &change);
                all.push(change);
            }
        }
        assert_eq!(position.tag == Tag::START, position.seq == Seq::START);
    }
    let mut found = all_people(store, 1_000).await;
    found.sort_by_key(|person| person.id);
    assert_eq!(
        found,
        people.into_values().collect::<Vec<_>>(),
        "the stored people equal the replayed log"
    );
    all
}
