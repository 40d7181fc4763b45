//! The store of people, of their log, and of its publication: the trait, its arguments and its
//! answers.
//!
//! One write is one atomic step: checks, log entry, state, idempotency record, publication. Two
//! stores implement it: Redis for several gateways, redb for a single one. One conformance suite
//! tests both.

pub mod audit;
mod damage;
pub mod embedded;
mod error;
mod feed;
mod log;
mod metrics;
mod page;
mod record;
pub mod redis;
mod slot;
mod write;

pub use damage::{DamageKind, DamageLocation, KnownDamage};
pub use error::{Cause, StoreError, StoreErrorKind};
pub use feed::{Feed, FeedEvent, FeedLimits, FeedQueue, PartitionSet};
#[cfg(test)]
pub(crate) use log::ModelEntries;
pub use log::{Discontinuity, InvalidFrame, LogAnswer, Tail, decode_frame, encode_frame};
pub use metrics::{Metrics, RedirectKind, RedisCommand, RedisErrorKind, RefreshOutcome};
pub use page::{PageLimits, PartitionPage};
pub use record::{CorruptRecord, StoredPerson};
pub use slot::StoreSlot;
pub use write::{Expectation, IdempotencyRecord, RequestKey, Write, WriteOutcome};

use std::num::NonZeroUsize;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use crate::domain::{Partition, Partitions, Person, PersonId, Position};

/// People and their changes. The store's own settings bound the time of every call.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The number of logs.
    fn partitions(&self) -> Partitions;

    /// Carries out one write, or answers why not. Within the time limit it repeats attempts that
    /// certainly had no effect; an attempt whose effect is unknown is
    /// [`StoreError::OutcomeUnknown`].
    async fn apply(&self, write: Write) -> Result<WriteOutcome, StoreError>;

    /// The recorded success of an earlier write with this key's name, if there is one.
    async fn recorded(
        &self,
        partition: Partition,
        key: &RequestKey,
    ) -> Result<Option<IdempotencyRecord>, StoreError>;

    /// The person with this id; [`StoreError::Damaged`] if the record cannot be read.
    async fn get(&self, id: PersonId) -> Result<Option<Person>, StoreError>;

    /// People of one partition in id order after the id `after`, and the head, both of one instant.
    /// A person with a damaged record is left out, and noted as damage of the store.
    async fn page(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        most: PageLimits,
    ) -> Result<PartitionPage, StoreError>;

    /// The first `count` ids of one partition after the id `after`, whatever their records are;
    /// fewer only at the partition's end.
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
    ) -> Result<LogAnswer, StoreError>;

    /// The last changes of the log, at most `count`, oldest first.
    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError>;

    /// Sends a probe through the channels of these partitions, which comes back as
    /// [`FeedEvent::Probe`] on every feed of this store object, and reads their heads. First
    /// restores layout and genesis where they are missing. What one server has is answered
    /// together, as soon as that server answers or the time limit of a call is over.
    fn probe(&self, partitions: &[Partition]) -> BoxStream<'_, Heads>;

    /// The heads of all partitions, in order.
    async fn heads(&self) -> Result<Vec<Position>, StoreError> {
        let partitions: Vec<_> = self.partitions().iter().collect();
        let mut heads = vec![None; partitions.len()];
        let mut answers = self.probe(&partitions);
        while let Some(Heads {
            partitions,
            heads: answer,
        }) = answers.next().await
        {
            for (partition, head) in partitions.into_iter().zip(answer?) {
                heads[partition.index()] = Some(head);
            }
        }
        Ok(heads.into_iter().flatten().collect())
    }

    /// Opens the stream of published frames. As long as it is held, it connects, subscribes, and
    /// tries again for ever. Must be called inside the runtime that will read it.
    fn feed(&self, limits: FeedLimits) -> Feed;
}

/// An answer to [`Store::probe`].
#[derive(Debug)]
pub struct Heads {
    /// The partitions of one server.
    pub partitions: Vec<Partition>,
    /// Their heads, in this order.
    pub heads: Result<Vec<Position>, StoreError>,
}

/// How long a store keeps its log and its idempotency records.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Changes that a partition's log keeps.
    pub log_max: NonZeroUsize,
    /// How long an idempotency record lives after its last use.
    pub idempotency_ttl: Duration,
}
