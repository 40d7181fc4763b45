//! A disk for tests. It fails at a chosen operation, and has a chosen capacity.

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
use crate::store::embedded::file::{self, FileLocation, OpenFile};
use crate::store::embedded::reserve::{Reserve, Room};
use crate::store::embedded::tables::{self, FileFailure};
use crate::store::embedded::{EmbeddedStore, FileError, Options};
use crate::store::{Retention, Write};

/// Bytes of a block.
const BLOCK: usize = 4096;
/// Blocks of the reserve; as many more must be free when it is taken.
pub(super) const RESERVE: usize = 64;

/// A disk in memory. It outlives the handles on it.
#[derive(Debug, Default)]
pub(super) struct Disk {
    state: Mutex<DiskState>,
    failures: AtomicU64,
    /// Attempts to change the file.
    changes: AtomicU64,
}

#[derive(Debug, Default)]
struct DiskState {
    bytes: Vec<u8>,
    /// Blocks of the file that were written to. The others are holes, which use no room.
    written: BTreeSet<usize>,
    /// Blocks of the reserve.
    reserved: usize,
    /// Blocks of the disk; none means no limit.
    capacity: Option<usize>,
    fault: Option<DiskFault>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct DiskFault {
    pub(super) kind: io::ErrorKind,
    /// The operations that fail.
    pub(super) on: FaultyOperation,
    /// Operations that succeed before the first failure.
    pub(super) after: u64,
    pub(super) lasts: FaultDuration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultyOperation {
    Read,
    Change,
    Reserve,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultDuration {
    Once,
    UntilMended,
}

impl Disk {
    pub(super) fn set_fault(&self, fault: Option<DiskFault>) {
        self.state().fault = fault;
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    /// Sets the capacity to the used blocks and `free` more.
    pub(super) fn leave_blocks(&self, free: Option<usize>) {
        let mut state = self.state();
        state.capacity = free.map(|free| state.taken() + free);
    }

    /// Blocks of the reserve.
    pub(super) fn reserved(&self) -> usize {
        self.state().reserved
    }

    /// Attempts to change the file.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Stops the disk: every operation waits as long as the guard is held.
    pub(super) fn stopped(&self) -> impl Drop {
        self.state()
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.state.lock().unwrap()
    }

    /// The state of the disk, unless the operation fails.
    fn operate(&self, on: FaultyOperation) -> io::Result<MutexGuard<'_, DiskState>> {
        let mut state = self.state();
        self.changes
            .fetch_add(u64::from(on == FaultyOperation::Change), Ordering::SeqCst);
        let Some(fault) = state.fault.as_mut().filter(|fault| fault.on == on) else {
            return Ok(state);
        };
        if fault.after > 0 {
            fault.after -= 1;
            return Ok(state);
        }
        let (kind, lasts) = (fault.kind, fault.lasts);
        if lasts == FaultDuration::Once {
            state.fault = None;
        }
        self.failures.fetch_add(1, Ordering::SeqCst);
        Err(io::Error::new(kind, "an injected failure"))
    }

    fn database(self: &Arc<Self>) -> Result<Database, FileFailure> {
        let mut builder = Database::builder();
        builder.set_cache_size(1 << 20);
        Ok(builder.create_with_backend(DiskHandle(Arc::clone(self)))?)
    }

    fn open(self: &Arc<Self>) -> Result<OpenFile, FileError> {
        let opened = self.database().and_then(|database| {
            let heads = tables::heads(&database, partitions())?;
            Ok((database, heads))
        });
        opened.map_err(|failure| {
            FileLocation::new(Path::new("nowhere"), partitions(), 0).failed(failure)
        })
    }
}

impl DiskState {
    fn taken(&self) -> usize {
        self.written.len() + self.reserved
    }

    /// Uses room for blocks of the file that were holes.
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

/// The reserve on the disk.
struct Blocks(Arc<Disk>);

impl Room for Blocks {
    fn worth_compacting(&self) -> i64 {
        i64::try_from(2 * RESERVE * BLOCK).expect("small")
    }

    fn hold(&self) -> io::Result<()> {
        let mut state = self.0.operate(FaultyOperation::Reserve)?;
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
        self.0.operate(FaultyOperation::Reserve)?.reserved = 0;
        Ok(())
    }
}

#[derive(Debug)]
struct DiskHandle(Arc<Disk>);

impl StorageBackend for DiskHandle {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.state().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.operate(FaultyOperation::Read)?;
        let start = usize::try_from(offset).expect("small");
        let found = state
            .bytes
            .get(start..start + out.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.operate(FaultyOperation::Change)?;
        let len = usize::try_from(len).expect("small");
        state.bytes.resize(len, 0);
        drop(state.written.split_off(&len.div_ceil(BLOCK)));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.operate(FaultyOperation::Change).map(drop)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).expect("small");
        let (mut state, end) = (self.0.operate(FaultyOperation::Change)?, start + data.len());
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
    // Attributes fill the disk: a name has a limit.
    let fields = format!(
        r#"{{"firstName":"A","lastName":"L","age":1,"job":"","attributes":{{"name":{name:?}}}}}"#
    );
    let fields = FieldsJson::from_stored(&fields).unwrap();
    Write::save(id(number), fields, Timestamp::from_millis(1))
}
