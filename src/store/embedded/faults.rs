//! A file that fails at any chosen operation: whatever the answer to a write was, it is the truth.

use std::io;
use std::num::{NonZeroU16, NonZeroUsize};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use redb::{BackendError, Database, StorageBackend};

use super::{EmbeddedStore, Options, file};
use crate::domain::{FieldsJson, Partition, Partitions, PersonId, Timestamp};
use crate::store::{Applied, Expect, Retention, Since, Store, StoreError, Write};

/// What a disk holds, and when it fails. It outlives the handles on it, as a disk does.
#[derive(Debug, Default)]
struct Disk {
    state: Mutex<DiskState>,
    failures: AtomicU64,
}

#[derive(Debug, Default)]
struct DiskState {
    bytes: Vec<u8>,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    kind: io::ErrorKind,
    /// Which operations can fail.
    on: On,
    /// Operations of that sort that still succeed.
    after: u64,
    lasts: Lasts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Read,
    Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lasts {
    Once,
    UntilMended,
}

impl Disk {
    fn set_fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.state.lock().unwrap()
    }

    /// The disk's content, if the operation may happen.
    fn operate(&self, on: On) -> io::Result<MutexGuard<'_, DiskState>> {
        let mut state = self.state();
        let Some(fault) = state.fault.as_mut().filter(|fault| fault.on == on) else { return Ok(state) };
        if fault.after > 0 {
            fault.after -= 1;
            return Ok(state);
        }
        let (kind, lasts) = (fault.kind, fault.lasts);
        if lasts == Lasts::Once {
            state.fault = None;
        }
        self.failures.fetch_add(1, Ordering::SeqCst);
        Err(io::Error::new(kind, "an injected failure"))
    }

    fn open(self: &Arc<Self>) -> Result<Database, String> {
        let mut builder = Database::builder();
        builder.set_cache_size(1 << 20);
        builder.create_with_backend(Handle(Arc::clone(self))).map_err(|error| error.to_string())
    }
}

#[derive(Debug)]
struct Handle(Arc<Disk>);

impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.state().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.operate(On::Read)?;
        let start = usize::try_from(offset).expect("small");
        let found = state.bytes.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.operate(On::Change)?.bytes.resize(usize::try_from(len).expect("small"), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.operate(On::Change).map(drop)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).expect("small");
        self.0.operate(On::Change)?.bytes[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}

fn store_on(disk: &Arc<Disk>) -> Arc<EmbeddedStore> {
    patient_store_on(disk, Duration::from_secs(30))
}

fn patient_store_on(disk: &Arc<Disk>, answer_within: Duration) -> Arc<EmbeddedStore> {
    let partitions = Partitions::new(NonZeroU16::new(2).unwrap());
    let retention = Retention { log_max: NonZeroUsize::new(5).unwrap(), idempotency_ttl: Duration::from_secs(60) };
    let options = Options { answer_within, ..Options::new("nowhere", partitions, retention) };
    let database = disk.open().expect("a sound disk");
    file::write_genesis(&database, partitions).expect("a sound disk");
    let again = Arc::clone(disk);
    EmbeddedStore::start(options, database, Box::new(move || again.open())).expect("a sound disk")
}

fn id(number: u64) -> PersonId {
    format!("00000000-0000-7000-8000-{number:012x}").parse().unwrap()
}

fn save(number: u64, name: &str) -> Write {
    let fields = format!(r#"{{"firstName":{name:?},"lastName":"L","age":1,"job":""}}"#);
    let save = Some(FieldsJson::from_stored(&fields).unwrap());
    let time = Timestamp::from_millis(1);
    Write { id: id(number), save, expect: Expect::Anything, idempotency: None, time, trace: None }
}

/// How the writes on a failing disk were answered.
#[derive(Default)]
struct Answers {
    /// It failed, and the write had happened all the same.
    confirmed: usize,
    refused: Vec<StoreError>,
}

/// Fails the disk at the n-th change of a write, for every n until the write no longer gets that far.
async fn every_answer_is_true(kind: io::ErrorKind) -> Answers {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    let mut answers = Answers::default();
    store.apply(save(1, "before")).await.expect("a sound disk");
    for after in 0.. {
        let before = (store.get(id(1)).await.expect("a sound disk"), store.probe().await.expect("a sound disk"));
        let (name, failures) = (format!("after {after}"), disk.failures());
        disk.set_fault(Some(Fault { kind, on: On::Change, after, lasts: Lasts::Once }));
        let answer = store.apply(save(1, &name)).await;
        disk.set_fault(None);
        let failed = disk.failures() > failures;
        let person = store.get(id(1)).await.expect("it is open again");
        match answer {
            Ok(Applied::Done { at, .. }) => {
                let person = person.expect("it was saved");
                assert_eq!((person.revision, person.fields), (at.position, save(1, &name).save.unwrap()));
                let from = before.1[at.partition.index()];
                let since = store.since(at.partition, from, NonZeroUsize::MIN).await.expect("it is open again");
                assert!(matches!(&since, Since::Continues { changes, .. } if changes[0].at == at), "{since:?}");
                answers.confirmed += usize::from(failed);
            }
            Err(error) => {
                let now = (person, store.probe().await.expect("it is open again"));
                assert_eq!(now, before, "operation {after}: {error}, and yet something happened");
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
    assert!(confirmed >= 1, "a failure of the very last step leaves the write done");
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|error| matches!(error, StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_full_disk_is_told_as_one() {
    let Answers { refused, .. } = every_answer_is_true(io::ErrorKind::StorageFull).await;
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|error| matches!(error, StoreError::Full(_))), "{refused:?}");
}

#[tokio::test]
async fn while_the_disk_fails_writes_are_refused_and_afterwards_they_happen() {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    store.apply(save(1, "before")).await.expect("a sound disk");
    let before = store.get(id(1)).await.expect("a sound disk");
    let fault = Fault { kind: io::ErrorKind::Other, on: On::Change, after: 0, lasts: Lasts::UntilMended };
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
    tokio::time::timeout(Duration::from_secs(30), attempts).await.expect("it keeps trying");
    let meanwhile = store.apply(save(2, "meanwhile")).await;
    assert!(matches!(meanwhile, Err(StoreError::Unavailable(_))), "{meanwhile:?}");
    disk.set_fault(None);
    let first = first.await.expect("it ends");
    assert!(matches!(first, Err(StoreError::Unavailable(_))), "{first:?}");
    assert_eq!(store.get(id(1)).await.expect("it is open again"), before);
    assert_eq!(store.get(id(2)).await.expect("it is open again"), None);
    assert!(matches!(store.apply(save(2, "after")).await, Ok(Applied::Done { .. })));
}

#[tokio::test]
async fn nobody_waits_for_ever_for_a_disk_that_stays_broken() {
    let disk = Arc::new(Disk::default());
    let store = patient_store_on(&disk, Duration::from_secs(1));
    let fault = Fault { kind: io::ErrorKind::Other, on: On::Change, after: 0, lasts: Lasts::UntilMended };
    disk.set_fault(Some(fault));
    let write = store.apply(save(1, "A")).await;
    assert!(matches!(write, Err(StoreError::OutcomeUnknown(_))), "{write:?}");
    let read = store.get(id(1)).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
}

#[tokio::test]
async fn a_read_that_fails_has_the_file_opened_again() {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    // More than the cache holds, so that reading needs the disk.
    for number in 0..3_000 {
        store.apply(save(number, &"x".repeat(900))).await.expect("a sound disk");
    }
    disk.set_fault(Some(Fault { kind: io::ErrorKind::Other, on: On::Read, after: 0, lasts: Lasts::Once }));
    let count = NonZeroUsize::new(10_000).unwrap();
    let failed = store.page(Partition::new(0), None, count).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    let people = store.page(Partition::new(0), None, count).await.expect("it is opened again").people.len();
    let others = store.page(Partition::new(1), None, count).await.expect("it is opened again").people.len();
    assert_eq!(people + others, 3_000);
    store.apply(save(1, "after")).await.expect("it is opened again");
}

#[tokio::test]
async fn a_write_that_meets_a_dead_handle_happens_all_the_same() {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    for number in 0..3_000 {
        store.apply(save(number, &"x".repeat(900))).await.expect("a sound disk");
    }
    disk.set_fault(Some(Fault { kind: io::ErrorKind::Other, on: On::Read, after: 0, lasts: Lasts::Once }));
    // A read that does not ask for a new handle, as when the queue is full.
    let transaction = store.handle.begin_read().expect("it is open");
    let count = NonZeroUsize::new(10_000).unwrap();
    assert!(super::read::page(&transaction, Partition::new(0), None, count).is_err());
    drop(transaction);
    let answer = store.apply(save(1, "after")).await;
    assert!(matches!(answer, Ok(Applied::Done { .. })), "{answer:?}");
}
