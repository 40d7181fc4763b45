//! The store of gateways that share: people, log and publication in Redis, each write one script.
//!
//! `commands` says what is asked, `calls` how often, `batcher` and `connect` how it gets there, `reply` what the answer
//! means, `feed` what comes back by itself. `check` and `migrate` stand before all of it.

mod attempts;
mod batcher;
mod calls;
mod check;
mod commands;
mod connect;
mod failure;
mod feed;
mod keys;
mod migrate;
mod options;
mod reply;
mod scripts;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ::redis::{Client, Value, pipe};
use async_trait::async_trait;

use self::batcher::Batcher;
use self::commands::{Commands, fresh};
use self::connect::Connections;
use self::failure::Failure;
use super::{
    Applied, Feed, FeedLimits, FeedQueue, IdempotencyKey, Page, Recorded, Since, Store, StoreError, Tail, Write,
};
use crate::domain::{Partition, Partitions, Person, PersonId, Position};
use crate::telemetry::Metrics;

pub use attempts::Backoff;
pub use migrate::Report;
pub use options::{Options, redacted};

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
    let options = Options { migrate: true, ..options };
    let mut checked = check::check(&options, fresh()).await?;
    migrate::run(&options, &mut checked).await
}

impl RedisStore {
    /// Checks the server and its layout, and opens the store. Its tasks live on the runtime that this is called in, and
    /// end when the store is dropped.
    pub async fn open(options: Options, metrics: Metrics) -> Result<Arc<Self>, OpenError> {
        let mut checked = check::check(&options, fresh()).await?;
        migrate::run(&options, &mut checked).await?;
        let connections = Connections::new(checked.info.clone(), &options, &metrics)?;
        let batcher = Batcher::start(&options, &connections, &metrics);
        Ok(Arc::new(Self {
            commands: Commands { keys: checked.keys, partitions: options.partitions, retention: options.retention },
            client: connect::client(checked.info)?,
            connections,
            batcher,
            metrics,
            probe_refused: AtomicBool::new(false),
            probes: Arc::default(),
            options,
        }))
    }

    async fn restore(&self) -> Result<(), StoreError> {
        tracing::warn!("layout or log heads are missing; writing them again");
        let pipeline = migrate::restore(&self.commands.keys, self.commands.partitions);
        self.ask_alone(&pipeline, pipeline.len()).await.map(drop)
    }

    /// Heads in partition order; none where one of them, or the layout, is missing.
    async fn heads(&self) -> Result<Option<Vec<Position>>, StoreError> {
        let keys = &self.commands.keys;
        let mut pipeline = pipe();
        for partition in keys.partitions() {
            pipeline.cmd("HMGET").arg(&partition.meta).arg("e").arg("s").arg("t");
        }
        pipeline.cmd("HGET").arg(&keys.layout).arg("partitions");
        pipeline.cmd("INFO").arg("replication");
        let needed = pipeline.len();
        pipeline.cmd("PUBLISH").arg(&keys.probe).arg("");
        // Counted before it can arrive, and taken back where it was not published.
        self.probes.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.ask_alone(&pipeline, needed).await.inspect_err(|_| {
            self.probes.fetch_sub(1, Ordering::Relaxed);
        })?;
        self.note_probe(answers.pop().and_then(Result::err));
        self.check_role(&answers.pop().transpose()?.unwrap_or(Value::Nil))?;
        let layout = answers.pop().transpose()?.unwrap_or(Value::Nil);
        self.check_layout(&layout)?;
        let heads = answers.into_iter().map(|answer| reply::head_of(answer?)).collect::<Result<Option<Vec<_>>, _>>()?;
        Ok(heads.filter(|_| layout != Value::Nil))
    }

    /// A server that was made a replica serves what it last heard, perhaps for ever: its heads prove nothing, and whoever
    /// is connected to it has to look for the master again.
    fn check_role(&self, replication: &Value) -> Result<(), StoreError> {
        if reply::is_replica(replication) {
            self.connections.renew();
            return Err(StoreError::Unavailable("the server has become a replica".to_owned()));
        }
        Ok(())
    }

    /// A deployment that was wiped and laid out anew with another number of partitions is not ours any more.
    fn check_layout(&self, partitions: &Value) -> Result<(), StoreError> {
        let ours = self.commands.partitions.get();
        match partitions {
            Value::Nil => Ok(()),
            Value::BulkString(there) if there == ours.to_string().as_bytes() => Ok(()),
            _ => {
                Err(StoreError::Corrupt(format!("the layout no longer has the {ours} partitions of store.partitions")))
            }
        }
    }

    fn note_probe(&self, refused: Option<Failure>) {
        if refused.is_some() {
            self.probes.fetch_sub(1, Ordering::Relaxed);
        }
        let was_refused = self.probe_refused.swap(refused.is_some(), Ordering::Relaxed);
        if let Some(why) = refused
            && !was_refused
        {
            tracing::warn!(?why, "the probe could not be published: this gateway will not get ready");
        }
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
        let outcome = self.counted(self.write(write).await);
        if let Ok(Applied::Done { .. }) = outcome {
            self.metrics.store_writes.inc();
        }
        outcome
    }

    async fn recorded(&self, partition: Partition, key: &IdempotencyKey) -> Result<Option<Recorded>, StoreError> {
        let answer = self.counted(self.ask(self.commands.recorded(partition, key)).await)?;
        self.counted(reply::recorded(partition, answer, &commands::fingerprint(key)))
    }

    async fn get(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        let answer = self.counted(self.ask(self.commands.get(id)).await)?;
        self.counted(reply::person(id, answer))
    }

    async fn page(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        count: NonZeroUsize,
    ) -> Result<Page, StoreError> {
        let command = self.commands.page(partition, after, count);
        self.counted(self.ask_with_head(command, reply::page).await)
    }

    async fn since(&self, partition: Partition, from: Position, count: NonZeroUsize) -> Result<Since, StoreError> {
        let mut pipeline = pipe();
        pipeline.add_command(self.commands.since(partition, from, count));
        let answer = self.counted(self.first(&pipeline).await)?;
        self.counted(reply::since(partition, answer))
    }

    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError> {
        let command = self.commands.tail(partition, count);
        self.counted(self.ask_with_head(command, |answer| reply::tail(partition, answer)).await)
    }

    async fn probe(&self) -> Result<Vec<Position>, StoreError> {
        let heads = async {
            if let Some(heads) = self.heads().await? {
                return Ok(heads);
            }
            self.restore().await?;
            self.heads().await?.ok_or_else(wiped_again)
        };
        self.counted(heads.await)
    }

    fn feed(&self, limits: FeedLimits) -> Feed {
        let queue = FeedQueue::new(limits);
        let (client, probes) = (self.client.clone(), Arc::clone(&self.probes));
        let supervisor = feed::Supervisor::new(&self.options, client, &self.commands.keys, Arc::clone(&queue), probes);
        Feed::supervised(queue, tokio::spawn(supervisor.run()).abort_handle())
    }
}

fn wiped_again() -> StoreError {
    StoreError::Unavailable("the database was wiped while it was laid out again".to_owned())
}
