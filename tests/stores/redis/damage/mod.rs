//! Damage by an operator or an older program: a damaged record affects one person, and can be
//! repaired.

mod lists;
mod logs;
mod records;
mod refusals;

use std::sync::Arc;

use people_gateway::domain::{PersonId, Position};
use people_gateway::store::redis::RedisStore;
use people_gateway::store::{DamageKind, Discontinuity, LogAnswer, Metrics, PageLimits, Store};

use crate::redis::people::{ONLY, count, done, id, options, save};
use people_testing::redis::RedisServer;

pub(crate) const META: &str = "{people.p0}:meta";
pub(crate) const LOG: &str = "{people.p0}:log";
pub(crate) const PEOPLE: &str = "{people.p0}:people";
pub(crate) const IDS: &str = "{people.p0}:ids";

/// A store with ten people, and its metrics.
pub(crate) async fn store_with_ten_people(server: &RedisServer) -> (Arc<RedisStore>, Metrics) {
    let metrics = Metrics::default();
    let store = RedisStore::open(options(server), metrics.clone())
        .await
        .expect("the store opens");
    for n in 1..=10 {
        done(&store, save(n, "A")).await;
    }
    (store, metrics)
}

/// The ids of all people, read in pages of this size.
pub(crate) async fn listed_ids(store: &RedisStore, size: usize) -> Vec<PersonId> {
    let (mut people, mut after) = (Vec::new(), None);
    for _ in 0..2_000 {
        let page = store
            .page(ONLY, after, PageLimits::people(count(size)))
            .await
            .expect("a page");
        people.extend(page.people.iter().map(|person| person.id));
        match page.next {
            None => return people,
            next => after = next,
        }
    }
    panic!("the pages never end");
}

pub(crate) fn ids(numbers: impl IntoIterator<Item = u128>) -> Vec<PersonId> {
    numbers.into_iter().map(id).collect()
}

/// The number of damaged records, lists of ids, and logs.
pub(crate) fn damage_counts(metrics: &Metrics) -> [usize; 3] {
    [DamageKind::Record, DamageKind::Ids, DamageKind::Log]
        .map(|kind| metrics.store_damage.count(kind))
}

/// Asserts that an audit finds no faults.
pub(crate) async fn assert_no_faults(store: &RedisStore) {
    let mut faults = Vec::new();
    let tally = store
        .audit(None, &mut |fault| faults.push(fault.to_string()))
        .await
        .expect("it can be read");
    assert_eq!(tally.faults, 0, "{faults:?}");
}

/// The numbers of the changes after `from`, or the reason why the log does not continue.
pub(crate) async fn numbers_after(
    store: &RedisStore,
    from: Position,
) -> Result<Vec<u64>, Discontinuity> {
    match store
        .since(ONLY, from, count(100))
        .await
        .expect("an answer")
    {
        LogAnswer::Continues { changes, .. } => Ok(changes
            .iter()
            .map(|change| change.at.position.seq.get())
            .collect()),
        LogAnswer::Broken { reason, .. } => Err(reason),
    }
}
