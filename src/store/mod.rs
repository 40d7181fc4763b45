//! Where people, their log and its publication live: the `Store` trait, what it takes and what it
//! answers.
//!
//! One write is one atomic step: checks, log entry, state, idempotency record, publication. Two
//! stores keep it, Redis for gateways that share, redb for one that stands alone; the same
//! conformance suite holds both.

pub mod audit;
mod chain;
mod damage;
pub mod embedded;
mod feed;
mod frame;
mod record;
pub mod redis;
mod slot;
mod traced;

pub use feed::{Feed, FeedEvent, FeedQueue};
pub use frame::{InvalidFrame, decode as decode_frame, encode as encode_frame};
pub use record::{CorruptRecord, Record};
pub use slot::StoreSlot;
pub use traced::TracedStore;

use std::num::NonZeroUsize;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::{
    Change, FieldsJson, LogPosition, Partition, Partitions, Person, PersonId, Position, Timestamp,
    TraceContext,
};
use crate::telemetry::{BreakLabel, StoreErrorLabel};

/// A shared place for people and their changes. All methods are bounded in time by the store's own
/// settings.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// How many logs there are.
    fn partitions(&self) -> Partitions;

    /// Carries out one write, or says why not. What surely did not happen is tried again within the
    /// time limit; an outcome that stays open is [`StoreError::OutcomeUnknown`].
    async fn apply(&self, write: Write) -> Result<Applied, StoreError>;

    /// The recorded success of an earlier write with this key, if the fingerprint is the same.
    async fn recorded(
        &self,
        partition: Partition,
        key: &IdempotencyKey,
    ) -> Result<Option<Recorded>, StoreError>;

    /// The person with this id; [`StoreError::Damaged`] where its record cannot be read.
    async fn get(&self, id: PersonId) -> Result<Option<Person>, StoreError>;

    /// People of one partition in id order, after the id `after`, and the head at which they were
    /// read: one instant. A person whose record is damaged is left out, and told as damage of the
    /// store.
    async fn page(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        most: PageLimits,
    ) -> Result<Page, StoreError>;

    /// The first `count` ids of one partition after the id `after`, whatever stands under them;
    /// fewer only where no more follow.
    async fn ids(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        count: NonZeroUsize,
    ) -> Result<Vec<PersonId>, StoreError>;

    /// Up to `count` changes after `from`, or why the log cannot continue from there.
    async fn since(
        &self,
        partition: Partition,
        from: Position,
        count: NonZeroUsize,
    ) -> Result<Since, StoreError>;

    /// The last changes of the log, at most `count`, oldest first.
    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError>;

    /// Sends a probe through the channel (it comes back as [`FeedEvent::Probe`] on every feed of
    /// this store object) and reads the head of every partition, in partition order. Where a log's
    /// beginning is missing, writes layout and genesis again first.
    async fn probe(&self) -> Result<Vec<Position>, StoreError>;

    /// Opens the stream of what is published. The feed supervises itself for as long as it is held:
    /// it connects, subscribes, and tries again for ever. Must be called inside the runtime that
    /// will read it.
    fn feed(&self, limits: FeedLimits) -> Feed;
}

/// Bounds of a page of people.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// People on it, those with damaged records included.
    pub people: NonZeroUsize,
    /// Bytes of their records as they are stored. The first person is on the page whatever its
    /// size.
    pub bytes: usize,
}

impl PageLimits {
    /// A page of so many people, of any size.
    pub const fn people(people: NonZeroUsize) -> Self {
        Self {
            people,
            bytes: usize::MAX,
        }
    }

    /// Whether one more person with a record of `bytes` is beyond a page that holds so many people
    /// and bytes already.
    fn are_passed(self, people: usize, held: usize, bytes: usize) -> bool {
        people >= self.people.get() || (people > 0 && held.saturating_add(bytes) > self.bytes)
    }
}

/// Bounds of a feed's queue: what waits beyond them is dropped and reported as [`FeedEvent::Gap`].
#[derive(Clone, Copy, Debug)]
pub struct FeedLimits {
    /// Events that may wait.
    pub events: NonZeroUsize,
    /// Bytes of frames that may wait.
    pub bytes: NonZeroUsize,
}

/// One wish to write.
#[derive(Clone, Debug)]
pub struct Write {
    /// Whom it concerns.
    pub id: PersonId,
    /// The fields to save, or nothing to delete the person.
    pub save: Option<FieldsJson>,
    /// What must hold for it to happen.
    pub expect: Expect,
    /// How to recognise a repeat. The record lives in the person's partition.
    pub idempotency: Option<IdempotencyKey>,
    /// The gateway's clock.
    pub time: Timestamp,
    /// The span that it belongs to; what is published carries it.
    pub trace: Option<TraceContext>,
}

/// What must hold of the person before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// There is no such person.
    Absent,
    /// There is one.
    Present,
    /// There is one, and this is its last change.
    Revision(Position),
    /// There is one, with a revision that no person ever has: an entity tag that we never gave out.
    Impossible,
}

/// A caller's name for one write, and what it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// SHA-256 over method, path and the caller's key: the record's name.
    pub name: [u8; 32],
    /// SHA-256 over method, path, preconditions and body: two requests with one name and different
    /// fingerprints clash.
    pub fingerprint: [u8; 32],
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It happened.
    Done {
        /// Where the change stands.
        at: LogPosition,
        /// When the person was saved first.
        created_at: Timestamp,
    },
    /// It had happened before, under the same idempotency key.
    Replayed(Recorded),
    /// The idempotency key names another request.
    KeyReused,
    /// The expectation did not hold.
    Conflict {
        /// The person's revision; none where there is no person.
        current: Option<Position>,
    },
    /// There was nobody to delete.
    NotFound,
}

/// A success kept under an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where the change stands.
    pub at: LogPosition,
    /// Whom it concerned.
    pub id: PersonId,
    /// When the person was saved first.
    pub created_at: Timestamp,
    /// When the write happened.
    pub time: Timestamp,
    /// The fields that were saved; none for a delete.
    pub save: Option<FieldsJson>,
    /// Whether the asking request has the recorded fingerprint.
    pub same_request: bool,
}

/// A range of people, read in one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The partition's head at that instant.
    pub head: Position,
    /// In id order; perhaps none, although more follow.
    pub people: Vec<Person>,
    /// Where the page ends: whoever has an id up to this one is on it, and more may follow after
    /// it. None where the partition ends with this page.
    pub next: Option<PersonId>,
}

/// The log's answer to "what came after?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// The log continues from there.
    Continues {
        /// The head at that instant.
        head: Position,
        /// In order, without gaps. Fewer than asked for reach the head, or end before an entry that
        /// cannot be read.
        changes: Vec<Change>,
    },
    /// It does not.
    Broken {
        /// Why.
        reason: Discontinuity,
        /// The head; none while a wiped log awaits its genesis.
        head: Option<Position>,
    },
}

/// Why a place in a log cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discontinuity {
    /// The entries after it are no longer kept.
    Trimmed,
    /// The log never had this entry: another history took its place.
    Forked,
    /// The log is of another epoch, or was wiped.
    Epoch,
    /// It is no place in any log of ours. No store says so: such a place is never asked for.
    Unknown,
}

impl Discontinuity {
    /// How it is counted.
    pub const fn label(self) -> BreakLabel {
        match self {
            Self::Trimmed => BreakLabel::Trimmed,
            Self::Forked => BreakLabel::Forked,
            Self::Epoch => BreakLabel::Epoch,
            Self::Unknown => BreakLabel::Unknown,
        }
    }

    /// The word by which clients, logs and metrics know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Forked => "forked",
            Self::Epoch => "epoch",
            Self::Unknown => "unknown",
        }
    }
}

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The head at that instant.
    pub head: Position,
    /// The last changes, oldest first, without gaps and ending at the head; empty in a fresh epoch,
    /// and where the last entry cannot be read.
    pub changes: Vec<Change>,
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or is not in a state to answer; nothing happened.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// More waits already than the queue takes; nothing happened.
    #[error("the store has more to do than its queue takes")]
    Overloaded,
    /// No memory or disk is left for this write; nothing happened. Where it was a save, deletes may
    /// still work.
    #[error("the store is full: {0}")]
    Full(String),
    /// The write was sent, but its answer never came.
    #[error("the outcome of the write is unknown: {0}")]
    OutcomeUnknown(String),
    /// What is stored cannot be read.
    #[error("the store holds what it should not: {0}")]
    Corrupt(String),
    /// One person's record cannot be read, or not be compared with what a write expects. A save or
    /// a delete mends it.
    #[error("the record of {id} is damaged: {why}")]
    Damaged {
        /// Whose record.
        id: PersonId,
        /// What is wrong with it.
        why: CorruptRecord,
    },
}

impl StoreError {
    /// How it is counted.
    pub const fn label(&self) -> StoreErrorLabel {
        match self {
            Self::Unavailable(_) => StoreErrorLabel::Unavailable,
            Self::Overloaded => StoreErrorLabel::Overloaded,
            Self::Full(_) => StoreErrorLabel::Full,
            Self::OutcomeUnknown(_) => StoreErrorLabel::OutcomeUnknown,
            Self::Corrupt(_) | Self::Damaged { .. } => StoreErrorLabel::Corrupt,
        }
    }
}

/// How a store keeps its log and its idempotency records.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Changes that a partition's log keeps.
    pub log_max: NonZeroUsize,
    /// How long an idempotency key is remembered after its last use.
    pub idempotency_ttl: Duration,
}
