//! What stands in the file: the tables, their keys and values, and how a failure of the file is
//! told.
//!
//! Keys begin with the partition. A UUID as a number sorts as its lower-case text does, so the
//! table's own order is the order of ids.

use std::io::ErrorKind;

use redb::{ReadableTable, TableDefinition};

use crate::domain::{FieldsJson, LogPosition, Partition, Partitions, PersonId, Position};
use crate::store::{Recorded, StoreError};

/// `version` and `partitions`: what a file must agree with before anything else in it is read.
pub(super) const LAYOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("layout");
/// Partition → position of its last change, or the start of its epoch.
pub(super) const HEADS: TableDefinition<'_, u16, &str> = TableDefinition::new("heads");
/// Person → [`Record`](crate::store::Record).
pub(super) const PEOPLE: TableDefinition<'_, (u16, u128), &str> = TableDefinition::new("people");
/// Sequence number → frame.
pub(super) const LOG: TableDefinition<'_, (u16, u64), &[u8]> = TableDefinition::new("log");
/// Name of an idempotency key → when it expires (milliseconds of Unix), the fingerprint, and
/// `REVISION ID CREATED TIME JSON`, the JSON empty for a delete.
pub(super) const KEYS: TableDefinition<'_, (u16, KeyName), KeyValue> = TableDefinition::new("keys");
/// The same keys in the order in which they expire.
pub(super) const EXPIRIES: TableDefinition<'_, (u64, u16, KeyName), ()> =
    TableDefinition::new("expiries");

/// SHA-256.
pub(super) type KeyName = &'static [u8; 32];
type KeyValue = (u64, &'static [u8; 32], &'static str);

/// Why something could not be read from the file or written to it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The handle is closed, or was poisoned by an earlier failure: the file has to be opened
    /// again.
    #[error("the file is being opened again")]
    Closed,
    /// The file itself.
    #[error(transparent)]
    File(Box<redb::Error>),
    /// It was read, but it is not what we wrote.
    #[error("{0}")]
    Corrupt(String),
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        match error.into() {
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => Self::Closed,
            error => Self::File(Box::new(error)),
        }
    }
}

impl Failure {
    /// What the caller of a store learns; nothing happened.
    pub(super) fn told(&self) -> StoreError {
        match self {
            Self::Closed => StoreError::Unavailable(self.to_string()),
            Self::Corrupt(detail) => StoreError::Corrupt(detail.clone()),
            Self::File(error) => match &**error {
                redb::Error::Io(io) if is_full_disk(io.kind()) => StoreError::Full(io.to_string()),
                redb::Error::Io(io) if io.kind() == ErrorKind::FileTooLarge => {
                    StoreError::Full(io.to_string())
                }
                redb::Error::Corrupted(detail) => StoreError::Corrupt(detail.clone()),
                error => StoreError::Unavailable(error.to_string()),
            },
        }
    }

    /// Whether room elsewhere on the disk would have helped. It does not help a file that has
    /// reached a limit of its own.
    pub(super) fn is_full_disk(&self) -> bool {
        let Self::File(error) = self else {
            return false;
        };
        matches!(&**error, redb::Error::Io(io) if is_full_disk(io.kind()))
    }
}

/// Whether the system says that the disk, or the user's share of it, is used up.
pub(super) fn is_full_disk(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// A log's place and extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The last change, or the start of the epoch.
    pub(super) position: Position,
    /// The number of the oldest entry that is kept; one more than the head's where none is.
    pub(super) oldest: u64,
}

/// The head of every partition, in order.
pub(super) fn heads(
    database: &redb::Database,
    partitions: Partitions,
) -> Result<Vec<Head>, Failure> {
    let transaction = redb::ReadableDatabase::begin_read(database)?;
    let (heads, log) = (transaction.open_table(HEADS)?, transaction.open_table(LOG)?);
    let all = partitions.iter().map(|partition| {
        let position = head(&heads, partition)?;
        let oldest = log
            .range(log_of(partition))?
            .next()
            .transpose()?
            .map(|(key, _)| key.value().1);
        Ok(Head {
            position,
            oldest: oldest.unwrap_or(position.seq.get() + 1),
        })
    });
    all.collect()
}

/// One partition's head.
pub(super) fn head(
    heads: &impl ReadableTable<u16, &'static str>,
    partition: Partition,
) -> Result<Position, Failure> {
    let stored = heads.get(partition.get())?;
    let position = stored.as_ref().and_then(|text| text.value().parse().ok());
    position.ok_or_else(|| Failure::Corrupt(format!("partition {partition} has no head")))
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
pub(super) fn encode_recorded(recorded: &Recorded) -> String {
    let Recorded {
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

/// Reads what [`encode_recorded`] wrote.
pub(super) fn decode_recorded(
    partition: Partition,
    same_request: bool,
    text: &str,
) -> Result<Recorded, Failure> {
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
        Some(Recorded {
            at,
            id,
            created_at,
            time,
            save,
            same_request,
        })
    };
    parse()
        .ok_or_else(|| Failure::Corrupt(format!("an idempotency record of partition {partition}")))
}
