//! A file that fails at any chosen operation: whatever the answer to a write was, it is the truth.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::disk::{Disk, Fault, Lasts, On, id, patient_store_on, save, store_on};
use crate::domain::Partition;
use crate::store::embedded::read;
use crate::store::{Applied, PageLimits, Since, Store, StoreError};

/// How the writes on a failing disk were answered.
#[derive(Default)]
struct Answers {
    /// It failed, and the write had happened all the same.
    confirmed: usize,
    refused: Vec<StoreError>,
}

/// Fails the disk at the n-th change of a write, for every n until the write no longer gets that
/// far.
async fn every_answer_is_true(kind: io::ErrorKind) -> Answers {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    let mut answers = Answers::default();
    store.apply(save(1, "before")).await.expect("a sound disk");
    for after in 0.. {
        let before = (
            store.get(id(1)).await.expect("a sound disk"),
            store.probe().await.expect("a sound disk"),
        );
        let (name, failures) = (format!("after {after}"), disk.failures());
        disk.set_fault(Some(Fault {
            kind,
            on: On::Change,
            after,
            lasts: Lasts::Once,
        }));
        let answer = store.apply(save(1, &name)).await;
        disk.set_fault(None);
        let failed = disk.failures() > failures;
        let person = store.get(id(1)).await.expect("it is open again");
        match answer {
            Ok(Applied::Done { at, .. }) => {
                let person = person.expect("it was saved");
                assert_eq!(
                    (person.revision, person.fields),
                    (at.position, save(1, &name).save.unwrap())
                );
                let from = before.1[at.partition.index()];
                let since = store
                    .since(at.partition, from, NonZeroUsize::MIN)
                    .await
                    .expect("it is open again");
                assert!(
                    matches!(&since, Since::Continues { changes, .. } if changes[0].at == at),
                    "{since:?}"
                );
                answers.confirmed += usize::from(failed);
            }
            Err(error) => {
                let now = (person, store.probe().await.expect("it is open again"));
                assert_eq!(
                    now, before,
                    "operation {after}: {error}, and yet something happened"
                );
                answers.refused.push(error);
            }
            other => panic!("operation {after}: {other:?}"),
        }
        if !failed {
            break;
        }
    }
    answers
}

#[tokio::test]
async fn a_write_on_a_failing_disk_is_answered_with_the_truth() {
    let Answers { confirmed, refused } = every_answer_is_true(io::ErrorKind::Other).await;
    assert!(
        confirmed >= 1,
        "a failure of the very last step leaves the write done"
    );
    assert!(!refused.is_empty());
    assert!(
        refused
            .iter()
            .all(|error| matches!(error, StoreError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_full_disk_is_told_as_one() {
    let Answers { refused, .. } = every_answer_is_true(io::ErrorKind::StorageFull).await;
    assert!(!refused.is_empty());
    assert!(
        refused
            .iter()
            .all(|error| matches!(error, StoreError::Full(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn while_the_disk_fails_writes_are_refused_and_afterwards_they_happen() {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    store.apply(save(1, "before")).await.expect("a sound disk");
    let before = store.get(id(1)).await.expect("a sound disk");
    let fault = Fault {
        kind: io::ErrorKind::Other,
        on: On::Change,
        after: 0,
        lasts: Lasts::UntilMended,
    };
    disk.set_fault(Some(fault));
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.apply(save(1, "first")).await }
    });
    // The batch fails, then opening the file again does.
    let attempts = async {
        while disk.failures() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), attempts)
        .await
        .expect("it keeps trying");
    let meanwhile = store.apply(save(2, "meanwhile")).await;
    assert!(
        matches!(meanwhile, Err(StoreError::Unavailable(_))),
        "{meanwhile:?}"
    );
    disk.set_fault(None);
    let first = first.await.expect("it ends");
    assert!(
        matches!(first, Err(StoreError::Unavailable(_))),
        "{first:?}"
    );
    assert_eq!(store.get(id(1)).await.expect("it is open again"), before);
    assert_eq!(store.get(id(2)).await.expect("it is open again"), None);
    assert!(matches!(
        store.apply(save(2, "after")).await,
        Ok(Applied::Done { .. })
    ));
}

#[tokio::test]
async fn nobody_waits_for_ever_for_a_disk_that_stays_broken() {
    let disk = Arc::new(Disk::default());
    let store = patient_store_on(&disk, Duration::from_secs(1));
    let fault = Fault {
        kind: io::ErrorKind::Other,
        on: On::Change,
        after: 0,
        lasts: Lasts::UntilMended,
    };
    disk.set_fault(Some(fault));
    let write = store.apply(save(1, "A")).await;
    assert!(
        matches!(write, Err(StoreError::OutcomeUnknown(_))),
        "{write:?}"
    );
    let read = store.get(id(1)).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
}

#[tokio::test]
async fn a_read_that_fails_has_the_file_opened_again() {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    // More than the cache holds, so that reading needs the disk.
    for number in 0..3_000 {
        store
            .apply(save(number, &"x".repeat(900)))
            .await
            .expect("a sound disk");
    }
    disk.set_fault(Some(Fault {
        kind: io::ErrorKind::Other,
        on: On::Read,
        after: 0,
        lasts: Lasts::Once,
    }));
    let count = NonZeroUsize::new(10_000).unwrap();
    let failed = store
        .page(Partition::new(0), None, PageLimits::people(count))
        .await;
    assert!(
        matches!(failed, Err(StoreError::Unavailable(_))),
        "{failed:?}"
    );
    let people = store
        .page(Partition::new(0), None, PageLimits::people(count))
        .await
        .expect("it is opened again")
        .people
        .len();
    let others = store
        .page(Partition::new(1), None, PageLimits::people(count))
        .await
        .expect("it is opened again")
        .people
        .len();
    assert_eq!(people + others, 3_000);
    store
        .apply(save(1, "after"))
        .await
        .expect("it is opened again");
}

#[tokio::test]
async fn a_write_that_meets_a_dead_handle_happens_all_the_same() {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    for number in 0..3_000 {
        store
            .apply(save(number, &"x".repeat(900)))
            .await
            .expect("a sound disk");
    }
    disk.set_fault(Some(Fault {
        kind: io::ErrorKind::Other,
        on: On::Read,
        after: 0,
        lasts: Lasts::Once,
    }));
    // A read that does not ask for a new handle, as when the queue is full.
    let transaction = store.handle.begin_read().expect("it is open");
    let count = NonZeroUsize::new(10_000).unwrap();
    assert!(
        read::page(
            &transaction,
            Partition::new(0),
            None,
            PageLimits::people(count)
        )
        .is_err()
    );
    drop(transaction);
    let answer = store.apply(save(1, "after")).await;
    assert!(matches!(answer, Ok(Applied::Done { .. })), "{answer:?}");
}
