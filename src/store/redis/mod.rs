//! The store of gateways that share: people, log and publication in Redis, each write one script.
//!
//! `commands` says what is asked, `calls` how often, `batcher` and `connect` how it gets there,
//! `reply` what the answer means, `feed` what comes back by itself. `check` and `migrate` stand
//! before all of it.

mod audit;
mod batcher;
mod calls;
mod check;
mod commands;
mod connect;
mod failure;
mod feed;
mod heads;
mod keys;
mod migrate;
mod options;
mod reply;
mod scripts;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use ::redis::{Client, pipe};
use async_trait::async_trait;

use self::batcher::Batcher;
use self::commands::{Commands, fresh};
use self::connect::Connections;
use self::reply::RangeRead;
use super::damage::{note_flaw, note_person};
use super::{
    Applied, CorruptRecord, Feed, FeedLimits, FeedQueue, IdempotencyKey, Page, PageLimits,
    Recorded, Since, Store, StoreError, Tail, Write,
};
use crate::domain::{Partition, Partitions, Person, PersonId, Position};
use crate::telemetry::{DamageAt, Damages, Metrics};

pub use migrate::Report;
pub use options::{Options, redacted};
pub use scripts::save_script;

/// People in a Redis that several gateways share.
pub struct RedisStore {
    options: Options,
    commands: Commands,
    client: Client,
    connections: Arc<Connections>,
    batcher: Batcher,
    metrics: Metrics,
    /// Whether the last probe was refused, so that it is told once.
    probe_refused: AtomicBool,
    /// How many probes were published.
    probes: Arc<AtomicU64>,
    /// Whether the user may not count, so that it is told once.
    count_refused: AtomicBool,
    /// The partition that is counted next.
    counted_next: AtomicUsize,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It will not get better by itself; the sentence says what to change.
    #[error("{0}")]
    Fatal(String),
    /// It may answer later: try again.
    #[error("{0}")]
    Unreachable(String),
}

/// Brings the layout up to date, whatever [`Options::migrate`] says, and reports what that took.
pub async fn migrate(options: Options) -> Result<Report, OpenError> {
    let options = Options {
        migrate: true,
        ..options
    };
    let mut checked = check::check(&options, fresh()).await?;
    migrate::run(&options, &mut checked).await
}

impl RedisStore {
    /// Checks the server and its layout, and opens the store. Its tasks live on the runtime that
    /// this is called in, and end when the store is dropped.
    pub async fn open(options: Options, metrics: Metrics) -> Result<Arc<Self>, OpenError> {
        let mut checked = check::check(&options, fresh()).await?;
        migrate::run(&options, &mut checked).await?;
        let connections = Connections::new(checked.info.clone(), &options, &metrics)?;
        let batcher = Batcher::start(&options, &connections, &metrics);
        Ok(Arc::new(Self {
            commands: Commands {
                keys: checked.keys,
                partitions: options.partitions,
                retention: options.retention,
            },
            client: connect::client(checked.info)?,
            connections,
            batcher,
            metrics,
            probe_refused: AtomicBool::new(false),
            probes: Arc::default(),
            count_refused: AtomicBool::new(false),
            counted_next: AtomicUsize::new(0),
            options,
        }))
    }

    fn damages(&self) -> &Damages {
        &self.metrics.store_damage
    }

    /// The people of a partition from `from` on.
    async fn range(
        &self,
        partition: Partition,
        from: PersonId,
        most: PageLimits,
    ) -> Result<RangeRead, StoreError> {
        let command = self.commands.page(partition, from, most);
        let read = |answer| reply::page(self.commands.partitions, partition, answer);
        self.ask_with_head(command, read).await
    }

    fn counted<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        outcome.inspect_err(|error| {
            self.metrics.store_errors.at(error.label()).inc();
        })
    }
}

#[async_trait]
impl Store for RedisStore {
    fn partitions(&self) -> Partitions {
        self.commands.partitions
    }

    async fn apply(&self, write: Write) -> Result<Applied, StoreError> {
        let id = write.id;
        let outcome = self.counted(self.write(write).await);
        if let Ok(Applied::Done { at, .. }) = outcome {
            self.metrics.store_writes.inc();
            self.damages().mended(DamageAt::Person(at.partition, id));
        }
        outcome
    }

    async fn recorded(
        &self,
        partition: Partition,
        key: &IdempotencyKey,
    ) -> Result<Option<Recorded>, StoreError> {
        let answer = self.counted(self.ask(self.commands.recorded(partition, key)).await)?;
        self.counted(reply::recorded(
            partition,
            answer,
            &commands::fingerprint(key),
        ))
    }

    async fn get(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        let answer = self.counted(self.ask(self.commands.get(id)).await)?;
        let mut read = reply::person(id, &answer);
        if matches!(read, Ok(None)) && self.counted(self.is_listed(id).await)? {
            read = Err(CorruptRecord::Missing);
        }
        note_person(
            self.damages(),
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
    ) -> Result<Page, StoreError> {
        let Some(from) = keys::ids::first_after(after) else {
            // Behind the last of all ids; there still is a head.
            let tail = self.tail(partition, NonZeroUsize::MIN).await?;
            return Ok(Page {
                head: tail.head,
                people: Vec::new(),
                next: None,
            });
        };
        let mut range = self.counted(self.range(partition, from, most).await)?;
        if !range.is_even {
            self.counted(self.even(partition).await)?;
            range = self.counted(self.range(partition, from, most).await)?;
        }
        if let Some(member) = range.foreign {
            self.damages().found(
                DamageAt::Ids(partition),
                &format!("{member} is listed, and is no id of its people"),
            );
        }
        Ok(range.read.noted(self.damages(), partition, after))
    }

    async fn ids(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        count: NonZeroUsize,
    ) -> Result<Vec<PersonId>, StoreError> {
        let (mut found, mut after) = (Vec::new(), after);
        // What is listed and is no id of this partition takes up room in an answer.
        while let Some(missing) = NonZeroUsize::new(count.get() - found.len())
            && let Some(from) = keys::ids::first_after(after)
        {
            let answer =
                self.counted(self.ask(self.commands.ids(partition, from, missing)).await)?;
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
    ) -> Result<Since, StoreError> {
        let mut pipeline = pipe();
        pipeline.add_command(self.commands.since(partition, from, count));
        let answer = self.counted(self.first(&pipeline).await)?;
        let (since, flaw) = self.counted(reply::since(partition, from, answer))?;
        note_flaw(self.damages(), partition, flaw);
        Ok(since)
    }

    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError> {
        let command = self.commands.tail(partition, count);
        let (tail, flaw) = self.counted(
            self.ask_with_head(command, |answer| reply::tail(partition, answer))
                .await,
        )?;
        note_flaw(self.damages(), partition, flaw);
        Ok(tail)
    }

    async fn probe(&self) -> Result<Vec<Position>, StoreError> {
        self.counted(self.proved_heads().await)
    }

    fn feed(&self, limits: FeedLimits) -> Feed {
        let queue = FeedQueue::new(limits);
        let (client, probes) = (self.client.clone(), Arc::clone(&self.probes));
        let supervisor = feed::Supervisor::new(
            &self.options,
            client,
            &self.commands.keys,
            Arc::clone(&queue),
            probes,
        );
        Feed::supervised(queue, tokio::spawn(supervisor.run()).abort_handle())
    }
}

fn wiped_again() -> StoreError {
    StoreError::Unavailable("the database was wiped while it was laid out again".to_owned())
}
