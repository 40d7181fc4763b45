//! The Redis store: the commands, the executor that sends them, and the reading of their answers,
//! put together to the calls of [`Store`].

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use ::redis::pipe;
use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::commands::{self, Commands};
use super::connection::Endpoint;
use super::error::OpenError;
use super::opening::{Opened, open};
use super::options::Options;
use super::reply::StoredRange;
use super::router::Router;
use super::topology::{Home, Keeper};
use super::{feed, reply};
use crate::domain::{Partition, Partitions, Person, PersonId, Position};
use crate::store::damage::{note_flaw, note_person};
use crate::store::{
    CorruptRecord, DamageLocation, Feed, FeedLimits, FeedQueue, Heads, IdempotencyRecord,
    KnownDamage, LogAnswer, Metrics, PageLimits, PartitionPage, RequestKey, Store, StoreError,
    Tail, Write, WriteOutcome,
};

/// A store in a Redis that several gateways share.
pub struct RedisStore {
    options: Options,
    pub(super) commands: Commands,
    endpoint: Arc<Endpoint>,
    pub(super) router: Router,
    metrics: Metrics,
    /// Whether the last probe was refused, so that a refusal is logged once.
    pub(super) probe_refused: AtomicBool,
    /// Whether the user lacks the permission to count, so that this is logged once.
    pub(super) count_refused: AtomicBool,
    /// The partition whose keys the next probe compares first.
    pub(super) counted_next: AtomicUsize,
}

impl RedisStore {
    /// Checks the server and its layout, and opens the store. Its tasks run on the runtime of the
    /// caller, and end when the store is dropped.
    pub async fn open(options: Options, metrics: Metrics) -> Result<Arc<Self>, OpenError> {
        let opened = open(&options).await?;
        let Opened {
            endpoint,
            map,
            keys,
            partitions,
            ..
        } = opened;
        let slots = keys.slots();
        let owners = Keeper::start(Arc::clone(&endpoint), map, slots, &options, &metrics)?;
        Ok(Arc::new(Self {
            router: Router::new(owners, options.retry_limit, &metrics),
            commands: Commands {
                keys,
                partitions,
                retention: options.retention,
            },
            endpoint,
            metrics,
            probe_refused: AtomicBool::new(false),
            count_refused: AtomicBool::new(false),
            counted_next: AtomicUsize::new(0),
            options,
        }))
    }

    pub(super) fn damage(&self) -> &KnownDamage {
        &self.metrics.store_damage
    }

    /// Where the keys of a person lie.
    fn home(&self, id: PersonId) -> Home {
        Home::Partition(self.commands.partitions.of(id))
    }

    /// People of a partition from the id `from` on.
    async fn range(
        &self,
        partition: Partition,
        from: PersonId,
        most: PageLimits,
    ) -> Result<StoredRange, StoreError> {
        let command = self.commands.page(partition, from, most);
        let read = |answer| reply::page(self.commands.partitions, partition, answer);
        self.ask_with_head(partition, command, read).await
    }

    /// Counts an error.
    pub(super) fn counted<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        outcome.inspect_err(|error| {
            self.metrics.store_errors.at(error.kind()).inc();
        })
    }
}

#[async_trait]
impl Store for RedisStore {
    fn partitions(&self) -> Partitions {
        self.commands.partitions
    }

    async fn apply(&self, write: Write) -> Result<WriteOutcome, StoreError> {
        let id = write.id;
        // Tag and epoch are fresh in each attempt.
        let is_keyed = write.idempotency.is_some();
        let write = || self.commands.apply(&write);
        let answer = self.counted(self.router.write(self.home(id), is_keyed, write).await)?;
        let outcome = self.counted(reply::outcome(self.commands.partitions.of(id), id, answer));
        if let Ok(WriteOutcome::Done { at, .. }) = outcome {
            self.metrics.store_writes.inc();
            self.damage()
                .mended(DamageLocation::Person(at.partition, id));
        }
        outcome
    }

    async fn recorded(
        &self,
        partition: Partition,
        key: &RequestKey,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        let command = self.commands.recorded(partition, key);
        let answer = self.counted(self.router.ask(Home::Partition(partition), command).await)?;
        self.counted(reply::recorded(
            partition,
            answer,
            &commands::fingerprint(key),
        ))
    }

    async fn get(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        let command = self.commands.get(id);
        let answer = self.counted(self.router.ask(self.home(id), command).await)?;
        let mut read = reply::person(id, &answer);
        if matches!(read, Ok(None)) && self.counted(self.is_listed(id).await)? {
            read = Err(CorruptRecord::Missing);
        }
        note_person(
            self.damage(),
            self.commands.partitions.of(id),
            id,
            read.as_ref().err(),
        );
        self.counted(read.map_err(|why| StoreError::Damaged { id, why }))
    }

    async fn page(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        most: PageLimits,
    ) -> Result<PartitionPage, StoreError> {
        let Some(from) = commands::ids::first_after(after) else {
            // After the last of all ids; the head is still needed.
            let tail = self.tail(partition, NonZeroUsize::MIN).await?;
            return Ok(PartitionPage::empty(tail.head));
        };
        let mut range = self.counted(self.range(partition, from, most).await)?;
        if !range.is_even {
            self.counted(self.even(partition).await)?;
            range = self.counted(self.range(partition, from, most).await)?;
        }
        if let Some(member) = range.foreign {
            self.damage().found(
                DamageLocation::Ids(partition),
                &format!("{member} is listed, and is no id of its people"),
            );
        }
        Ok(range.page.noted(self.damage(), partition, after))
    }

    async fn ids(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        count: NonZeroUsize,
    ) -> Result<Vec<PersonId>, StoreError> {
        let (mut found, mut after) = (Vec::new(), after);
        // Members that are no ids of this partition use up the count of an answer.
        while let Some(missing) = NonZeroUsize::new(count.get() - found.len())
            && let Some(from) = commands::ids::first_after(after)
        {
            let command = self.commands.ids(partition, from, missing);
            let answer =
                self.counted(self.router.ask(Home::Partition(partition), command).await)?;
            let (ids, next) = self.counted(reply::ids(
                self.commands.partitions,
                partition,
                missing,
                answer,
            ))?;
            found.extend(ids);
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok(found)
    }

    async fn since(
        &self,
        partition: Partition,
        from: Position,
        count: NonZeroUsize,
    ) -> Result<LogAnswer, StoreError> {
        let mut pipeline = pipe();
        pipeline.add_command(self.commands.since(partition, from, count));
        let home = Home::Partition(partition);
        let answer = self.counted(self.router.first(home, &pipeline).await)?;
        let (since, flaw) = self.counted(reply::since(partition, from, answer))?;
        note_flaw(self.damage(), partition, flaw);
        Ok(since)
    }

    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError> {
        let command = self.commands.tail(partition, count);
        let (tail, flaw) = self.counted(
            self.ask_with_head(partition, command, |answer| reply::tail(partition, answer))
                .await,
        )?;
        note_flaw(self.damage(), partition, flaw);
        Ok(tail)
    }

    fn probe(&self, partitions: &[Partition]) -> BoxStream<'_, Heads> {
        self.probe_owners(partitions)
    }

    fn feed(&self, limits: FeedLimits) -> Feed {
        let queue = FeedQueue::new(limits);
        let supervisor = feed::Supervisor::new(
            &self.endpoint,
            &self.router.owners,
            &self.commands.keys,
            Arc::clone(&queue),
            &self.options,
            &self.metrics,
        );
        Feed::supervised(queue, tokio::spawn(supervisor.run()).abort_handle())
    }
}
