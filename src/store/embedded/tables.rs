//! The tables of the file, their keys and values, and the failures of the file.
//!
//! Keys begin with the partition. A UUID sorts as a number as its lower-case text does, so the
//! order of a table is the order of ids.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use redb::{ReadableTable, TableDefinition};

use crate::domain::{FieldsJson, LogPosition, Partition, Partitions, PersonId, Position, Tag};
use crate::store::{Cause, IdempotencyRecord, StoreError, decode_frame};

/// `version` and `partitions`, which are checked before anything else is read.
pub(super) const LAYOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("layout");
/// Partition → position of its last change, or the start of its epoch.
pub(super) const HEADS: TableDefinition<'_, u16, &str> = TableDefinition::new("heads");
/// Person → [`StoredPerson`](crate::store::StoredPerson).
pub(super) const PEOPLE: TableDefinition<'_, (u16, u128), &str> = TableDefinition::new("people");
/// Sequence number → frame.
pub(super) const LOG: TableDefinition<'_, (u16, u64), &[u8]> = TableDefinition::new("log");
/// Name of an idempotency key → its expiry (Unix milliseconds), the fingerprint, and
/// `REVISION ID CREATED TIME JSON`, the JSON empty for a delete.
pub(super) const KEYS: TableDefinition<'_, (u16, KeyName), KeyValue> = TableDefinition::new("keys");
/// The same keys in the order of their expiry.
pub(super) const EXPIRIES: TableDefinition<'_, (u64, u16, KeyName), ()> =
    TableDefinition::new("expiries");

/// SHA-256.
pub(super) type KeyName = &'static [u8; 32];
type KeyValue = (u64, &'static [u8; 32], &'static str);

/// Why the file could not be read or written. Clones share the cause: one failure answers many
/// writes.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum FileFailure {
    /// The handle is closed, or was poisoned by an earlier failure: the file must be opened again.
    #[error("the file is being opened again")]
    Closed,
    /// The system refused to read or write.
    #[error("I/O error: {0}")]
    Io(#[source] Arc<io::Error>),
    /// The storage library cannot read or write the file.
    #[error(transparent)]
    File(Arc<redb::Error>),
    /// The value was read, but is not what the store wrote.
    #[error("{0}")]
    Corrupt(String),
}

impl<E: Into<redb::Error>> From<E> for FileFailure {
    fn from(error: E) -> Self {
        match error.into() {
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => Self::Closed,
            redb::Error::Io(error) => Self::Io(Arc::new(error)),
            error => Self::File(Arc::new(error)),
        }
    }
}

impl FileFailure {
    /// The error for the store's caller; nothing happened.
    pub(super) fn store_error(&self) -> StoreError {
        match self {
            Self::Io(error)
                if is_full_disk(error.kind()) || error.kind() == ErrorKind::FileTooLarge =>
            {
                StoreError::Full(Cause::of(Arc::clone(error)))
            }
            Self::File(error) => match &**error {
                redb::Error::Corrupted(detail) => StoreError::Corrupt(detail.as_str().into()),
                _ => StoreError::Unavailable(Cause::of(self.clone())),
            },
            Self::Corrupt(_) => StoreError::Corrupt(Cause::of(self.clone())),
            Self::Closed | Self::Io(_) => StoreError::Unavailable(Cause::of(self.clone())),
        }
    }

    /// Whether room elsewhere on the disk would help. It does not help a file at its size limit.
    pub(super) fn is_full_disk(&self) -> bool {
        matches!(self, Self::Io(error) if is_full_disk(error.kind()))
    }
}

/// Whether the disk, or the user's share of it, is used up.
pub(super) fn is_full_disk(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// The head of a log, and its extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogHead {
    /// The last change, or the start of the epoch.
    pub(super) position: Position,
    /// The number of the oldest entry; one more than the head's if there is none.
    pub(super) oldest: u64,
}

/// The heads of all partitions, in order.
pub(super) fn heads(
    database: &redb::Database,
    partitions: Partitions,
) -> Result<Vec<LogHead>, FileFailure> {
    let transaction = redb::ReadableDatabase::begin_read(database)?;
    let (heads, log) = (transaction.open_table(HEADS)?, transaction.open_table(LOG)?);
    let all = partitions.iter().map(|partition| {
        let position = head(&heads, partition)?;
        let oldest = log
            .range(log_of(partition))?
            .next()
            .transpose()?
            .map(|(key, _)| key.value().1);
        Ok(LogHead {
            position,
            oldest: oldest.unwrap_or(position.seq.get() + 1),
        })
    });
    all.collect()
}

/// The head of one partition.
pub(super) fn head(
    heads: &impl ReadableTable<u16, &'static str>,
    partition: Partition,
) -> Result<Position, FileFailure> {
    let stored = heads.get(partition.get())?;
    let position = stored.as_ref().and_then(|text| text.value().parse().ok());
    position.ok_or_else(|| FileFailure::Corrupt(format!("partition {partition} has no head")))
}

/// The tag of an entry of a log; none if there is no entry, or it cannot be read.
pub(super) fn tag(
    database: &redb::Database,
    partition: Partition,
    seq: u64,
) -> Result<Option<Tag>, FileFailure> {
    let transaction = redb::ReadableDatabase::begin_read(database)?;
    let entry = transaction.open_table(LOG)?.get((partition.get(), seq))?;
    let change = entry.and_then(|frame| decode_frame(partition, frame.value()).ok());
    Ok(change.map(|change| change.at.position.tag))
}

/// All keys of a partition's log.
pub(super) fn log_of(partition: Partition) -> std::ops::RangeInclusive<(u16, u64)> {
    (partition.get(), 0)..=(partition.get(), u64::MAX)
}

/// A person's key.
pub(super) fn person_key(partition: Partition, id: PersonId) -> (u16, u128) {
    (partition.get(), id.uuid().as_u128())
}

/// The text of an idempotency record.
pub(super) fn encode_recorded(recorded: &IdempotencyRecord) -> String {
    let IdempotencyRecord {
        at,
        id,
        created_at,
        time,
        save,
        ..
    } = recorded;
    let json = save.as_ref().map_or("", FieldsJson::as_str);
    format!(
        "{} {id} {} {} {json}",
        at.position,
        created_at.as_millis(),
        time.as_millis()
    )
}

/// Reads the text of an idempotency record.
pub(super) fn decode_recorded(
    partition: Partition,
    same_request: bool,
    text: &str,
) -> Result<IdempotencyRecord, FileFailure> {
    let parse = || {
        let mut parts = text.splitn(5, ' ');
        let at = LogPosition::new(partition, parts.next()?.parse().ok()?);
        let id = parts.next()?.parse().ok()?;
        let created_at = parts.next()?.parse().ok()?;
        let time = parts.next()?.parse().ok()?;
        let save = match parts.next()? {
            "" => None,
            json => Some(FieldsJson::from_stored(json).ok()?),
        };
        Some(IdempotencyRecord {
            at,
            id,
            created_at,
            time,
            save,
            same_request,
        })
    };
    parse().ok_or_else(|| {
        FileFailure::Corrupt(format!("an idempotency record of partition {partition}"))
    })
}
