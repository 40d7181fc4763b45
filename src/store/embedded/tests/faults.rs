//! A disk that fails at a chosen operation: every answer to a write is true.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::disk::{
    Disk, DiskFault, FaultDuration, FaultyOperation, id, patient_store_on, save, store_on,
};
use crate::domain::Partition;
use crate::store::embedded::{EmbeddedStore, read};
use crate::store::{LogAnswer, PageLimits, Store, StoreError, WriteOutcome};

/// The answers to writes on a failing disk.
#[derive(Default)]
struct AnswerTally {
    /// The disk failed, and the write happened.
    confirmed: usize,
    refused: Vec<StoreError>,
}

/// Fails the disk at the n-th change of a write, for every n that a write reaches.
async fn every_answer_is_true(kind: io::ErrorKind) -> AnswerTally {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    let mut answers = AnswerTally::default();
    store.apply(save(1, "before")).await.expect("a sound disk");
    for after in 0.. {
        let before = (
            store.get(id(1)).await.expect("a sound disk"),
            store.heads().await.expect("a sound disk"),
        );
        let (name, failures) = (format!("after {after}"), disk.failures());
        disk.set_fault(Some(DiskFault {
            kind,
            on: FaultyOperation::Change,
            after,
            lasts: FaultDuration::Once,
        }));
        let answer = store.apply(save(1, &name)).await;
        disk.set_fault(None);
        let failed = disk.failures() > failures;
        let person = store.get(id(1)).await.expect("it is open again");
        match answer {
            Ok(WriteOutcome::Done { at, .. }) => {
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
                    matches!(&since, LogAnswer::Continues { changes, .. } if changes[0].at == at),
                    "{since:?}"
                );
                answers.confirmed += usize::from(failed);
            }
            Err(error) => {
                let now = (person, store.heads().await.expect("it is open again"));
                assert_eq!(
                    now, before,
                    "operation {after}: {error}, but the store changed"
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
async fn a_write_on_a_failing_disk_has_a_true_answer() {
    let AnswerTally { confirmed, refused } = every_answer_is_true(io::ErrorKind::Other).await;
    assert!(confirmed >= 1, "a write happens though its last step fails");
    assert!(!refused.is_empty());
    assert!(
        refused
            .iter()
            .all(|error| matches!(error, StoreError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_write_on_a_full_disk_is_refused_as_full() {
    let AnswerTally { refused, .. } = every_answer_is_true(io::ErrorKind::StorageFull).await;
    assert!(!refused.is_empty());
    assert!(
        refused
            .iter()
            .all(|error| matches!(error, StoreError::Full(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn writes_are_refused_while_the_disk_fails_and_happen_afterwards() {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    store.apply(save(1, "before")).await.expect("a sound disk");
    let before = store.get(id(1)).await.expect("a sound disk");
    let fault = DiskFault {
        kind: io::ErrorKind::Other,
        on: FaultyOperation::Change,
        after: 0,
        lasts: FaultDuration::UntilMended,
    };
    disk.set_fault(Some(fault));
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.apply(save(1, "first")).await }
    });
    // The batch fails, then the opening of the file.
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
        Ok(WriteOutcome::Done { .. })
    ));
}

#[tokio::test]
async fn a_call_on_a_disk_that_stays_broken_ends_in_time() {
    let disk = Arc::new(Disk::default());
    let store = patient_store_on(&disk, Duration::from_secs(1));
    let fault = DiskFault {
        kind: io::ErrorKind::Other,
        on: FaultyOperation::Change,
        after: 0,
        lasts: FaultDuration::UntilMended,
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

/// A store with more people than the cache holds, so that a read needs the disk; the next read of
/// the disk fails.
async fn filled_before_a_failing_read() -> Arc<EmbeddedStore> {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    for number in 0..3_000 {
        store
            .apply(save(number, &"x".repeat(900)))
            .await
            .expect("a sound disk");
    }
    disk.set_fault(Some(DiskFault {
        kind: io::ErrorKind::Other,
        on: FaultyOperation::Read,
        after: 0,
        lasts: FaultDuration::Once,
    }));
    store
}

#[tokio::test]
async fn the_file_is_opened_again_after_a_failed_read() {
    let store = filled_before_a_failing_read().await;
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
async fn a_write_with_a_dead_handle_happens() {
    let store = filled_before_a_failing_read().await;
    // This read does not ask for a new handle, as if the queue were full.
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
    assert!(
        matches!(answer, Ok(WriteOutcome::Done { .. })),
        "{answer:?}"
    );
}
