//! A disk for tests: it fails at any chosen operation, and it has as much room as it is given.

use std::collections::BTreeSet;
use std::io;
use std::num::{NonZeroU16, NonZeroUsize};
use std::ops::{Bound, RangeInclusive};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use redb::{BackendError, Database, StorageBackend};

use crate::domain::{FieldsJson, Partitions, PersonId, Timestamp};
use crate::store::embedded::file::marker::Marker;
use crate::store::embedded::file::{self, Location, Opened};
use crate::store::embedded::reserve::{Reserve, Room};
use crate::store::embedded::tables::{self, Failure};
use crate::store::embedded::{EmbeddedStore, OpenError, Options};
use crate::store::{Expect, Retention, Write};

/// Bytes of a block.
const BLOCK: usize = 4096;
/// Blocks of the reserve; as many more must be free when it is taken.
pub(super) const RESERVE: usize = 64;

/// What a disk holds, and when it fails. It outlives the handles on it, as a disk does.
#[derive(Debug, Default)]
pub(super) struct Disk {
    state: Mutex<DiskState>,
    failures: AtomicU64,
    /// Times that somebody wanted to change the file.
    changes: AtomicU64,
}

#[derive(Debug, Default)]
struct DiskState {
    bytes: Vec<u8>,
    /// Blocks of the file that were written to: the others are holes, and take no room.
    written: BTreeSet<usize>,
    /// Blocks that the reserve has.
    reserved: usize,
    /// Blocks that there are; without a number, as many as anybody wants.
    capacity: Option<usize>,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) kind: io::ErrorKind,
    /// Which operations can fail.
    pub(super) on: On,
    /// Operations of that sort that still succeed.
    pub(super) after: u64,
    pub(super) lasts: Lasts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Read,
    Change,
    Reserve,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasts {
    Once,
    UntilMended,
}

impl Disk {
    pub(super) fn set_fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    /// Leaves so many blocks beside those that are taken.
    pub(super) fn leave_blocks(&self, free: Option<usize>) {
        let mut state = self.state();
        state.capacity = free.map(|free| state.taken() + free);
    }

    /// Blocks that the reserve has.
    pub(super) fn reserved(&self) -> usize {
        self.state().reserved
    }

    /// Times that somebody wanted to change the file.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Has everybody wait who wants something of the disk, for as long as this is held.
    pub(super) fn stopped(&self) -> impl Drop {
        self.state()
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.state.lock().unwrap()
    }

    /// The disk's content, if the operation may happen.
    fn operate(&self, on: On) -> io::Result<MutexGuard<'_, DiskState>> {
        let mut state = self.state();
        self.changes
            .fetch_add(u64::from(on == On::Change), Ordering::SeqCst);
        let Some(fault) = state.fault.as_mut().filter(|fault| fault.on == on) else {
            return Ok(state);
        };
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

    fn database(self: &Arc<Self>) -> Result<Database, Failure> {
        let mut builder = Database::builder();
        builder.set_cache_size(1 << 20);
        Ok(builder.create_with_backend(Handle(Arc::clone(self)))?)
    }

    fn open(self: &Arc<Self>) -> Result<Opened, OpenError> {
        let opened = self.database().and_then(|database| {
            let heads = tables::heads(&database, partitions())?;
            Ok((database, heads))
        });
        opened.map_err(|failure| {
            Location::new(Path::new("nowhere"), partitions(), 0).failed(&failure)
        })
    }
}

impl DiskState {
    fn taken(&self) -> usize {
        self.written.len() + self.reserved
    }

    /// Takes room for what of these blocks of the file has none.
    fn write_to(&mut self, blocks: RangeInclusive<usize>) -> io::Result<()> {
        for block in blocks {
            let full = self
                .capacity
                .is_some_and(|capacity| self.taken() >= capacity);
            if full && !self.written.contains(&block) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.written.insert(block);
        }
        Ok(())
    }
}

/// Blocks of the disk, as the reserve takes them.
struct Blocks(Arc<Disk>);

impl Room for Blocks {
    fn worth_compacting(&self) -> i64 {
        i64::try_from(2 * RESERVE * BLOCK).expect("small")
    }

    fn hold(&self) -> io::Result<()> {
        let mut state = self.0.operate(On::Reserve)?;
        let full = state
            .capacity
            .is_some_and(|capacity| state.taken() + 2 * RESERVE > capacity);
        if full && state.reserved == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.reserved = RESERVE;
        Ok(())
    }

    fn release(&self) -> io::Result<()> {
        self.0.operate(On::Reserve)?.reserved = 0;
        Ok(())
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
        let found = state
            .bytes
            .get(start..start + out.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.operate(On::Change)?;
        let len = usize::try_from(len).expect("small");
        state.bytes.resize(len, 0);
        drop(state.written.split_off(&len.div_ceil(BLOCK)));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.operate(On::Change).map(drop)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).expect("small");
        let (mut state, end) = (self.0.operate(On::Change)?, start + data.len());
        state.write_to(start / BLOCK..=(end - 1) / BLOCK)?;
        state.bytes[start..end].copy_from_slice(data);
        Ok(())
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}

pub(super) fn store_on(disk: &Arc<Disk>) -> Arc<EmbeddedStore> {
    patient_store_on(disk, Duration::from_secs(30))
}

pub(super) fn patient_store_on(disk: &Arc<Disk>, answer_within: Duration) -> Arc<EmbeddedStore> {
    let retention = Retention {
        log_max: NonZeroUsize::new(5).unwrap(),
        idempotency_ttl: Duration::from_secs(60),
    };
    let options = Options {
        answer_within,
        ..Options::new("nowhere", partitions(), retention)
    };
    if disk.state().bytes.is_empty() {
        file::write_genesis(&disk.database().expect("a sound disk"), partitions())
            .expect("a sound disk");
    }
    let (opened, again) = (disk.open().expect("a sound disk"), Arc::clone(disk));
    let reserve = Reserve::new(Blocks(Arc::clone(disk)), Duration::ZERO);
    EmbeddedStore::start(
        options,
        opened,
        Box::new(move || again.open()),
        reserve,
        Marker::none(),
    )
    .expect("a thread")
}

fn partitions() -> Partitions {
    Partitions::new(NonZeroU16::new(2).unwrap())
}

pub(super) fn id(number: u64) -> PersonId {
    format!("00000000-0000-7000-8000-{number:012x}")
        .parse()
        .unwrap()
}

pub(super) fn save(number: u64, name: &str) -> Write {
    // A name has a limit, and the disk is to be filled.
    let fields = format!(
        r#"{{"firstName":"A","lastName":"L","age":1,"job":"","attributes":{{"name":{name:?}}}}}"#
    );
    let save = Some(FieldsJson::from_stored(&fields).unwrap());
    let time = Timestamp::from_millis(1);
    Write {
        id: id(number),
        save,
        expect: Expect::Anything,
        idempotency: None,
        time,
        trace: None,
    }
}
