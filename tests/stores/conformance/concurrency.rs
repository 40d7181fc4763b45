//! Concurrent writers: each write is one atomic step.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::SETUP as USUAL;
use crate::backing::{Backing, Setup, for_every_store};
use crate::people::{all_people, changes, delete, done, id, key, save};
use people_gateway::store::{Expectation, Store, Write, WriteOutcome};
use tokio::task::JoinSet;

const SETUP: Setup = Setup {
    log_max: 10_000,
    ..USUAL
};

for_every_store!(
    only_one_of_many_writes_with_one_expected_revision_is_applied,
    only_one_of_many_concurrent_repeats_is_applied,
    the_state_equals_the_replayed_log_of_all_writers,
);

async fn apply_concurrently(
    store: &Arc<dyn Store>,
    writes: impl IntoIterator<Item = Write>,
) -> Vec<WriteOutcome> {
    let mut tasks = JoinSet::new();
    for write in writes {
        let store = Arc::clone(store);
        tasks.spawn(async move { store.apply(write).await.unwrap() });
    }
    tasks.join_all().await
}

async fn only_one_of_many_writes_with_one_expected_revision_is_applied(backing: &mut impl Backing) {
    let store = backing.store();
    let mut current = done(&*store, save(id(1), "A")).await.position;
    for _ in 0..10 {
        let expect = Expectation::Revision(current);
        let answers =
            apply_concurrently(&store, (0..20).map(|_| save(id(1), "B").expecting(expect))).await;
        let winners: Vec<_> = answers
            .iter()
            .filter_map(|answer| match answer {
                WriteOutcome::Done { at, .. } => Some(at.position),
                _ => None,
            })
            .collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        let losers = answers.iter().filter(|answer| {
            **answer
                == WriteOutcome::Conflict {
                    current: Some(winners[0]),
                }
        });
        assert_eq!(losers.count(), 19, "{answers:?}");
        current = winners[0];
    }
}

async fn only_one_of_many_concurrent_repeats_is_applied(backing: &mut impl Backing) {
    let store = backing.store();
    for round in 0..10 {
        let write = save(id(1), "A").keyed(Some(key(round, 1)));
        let answers = apply_concurrently(&store, (0..20).map(|_| write.clone())).await;
        let happened = answers.iter().filter_map(|answer| match answer {
            WriteOutcome::Done { at, .. } => Some(*at),
            _ => None,
        });
        let happened: Vec<_> = happened.collect();
        assert_eq!(happened.len(), 1, "{answers:?}");
        let repeats = answers
            .iter()
            .filter(|answer| matches!(answer, WriteOutcome::Replayed(r) if r.at == happened[0]));
        assert_eq!(repeats.count(), 19, "{answers:?}");
    }
}

async fn the_state_equals_the_replayed_log_of_all_writers(backing: &mut impl Backing) {
    let store = backing.store();
    let starts = store.heads().await.unwrap();
    let writes = (0..1_000).map(|n| {
        if n % 5 == 4 {
            delete(id(n % 37))
        } else {
            save(id(n % 37), &n.to_string())
        }
    });
    let answers = apply_concurrently(&store, writes).await;
    let mut acknowledged = HashSet::new();
    for answer in answers {
        match answer {
            WriteOutcome::Done { at, .. } => {
                assert!(acknowledged.insert(at), "{at} was given out twice");
            }
            other => assert_eq!(other, WriteOutcome::NotFound),
        }
    }
    let mut people = BTreeMap::new();
    for (partition, start) in store.partitions().iter().zip(starts) {
        let (head, changes) = changes(&*store, partition, start).await;
        assert_eq!(head.seq.get(), changes.len() as u64);
        for change in changes {
            assert!(
                acknowledged.remove(&change.at),
                "{} was not acknowledged",
                change.at
            );
            match change.person() {
                Some(person) => drop(people.insert(person.id, person)),
                None => drop(people.remove(&change.id)),
            }
        }
    }
    assert!(acknowledged.is_empty(), "not in the log: {acknowledged:?}");
    let mut found = all_people(&*store, 7).await;
    found.sort_by_key(|person| person.id);
    assert_eq!(found, people.into_values().collect::<Vec<_>>());
}
