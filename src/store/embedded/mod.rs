//! The embedded store: one redb file of one process. A write is answered after the disk has it.
//!
//! Writes go through one thread, which commits all waiting writes together (group commit). Reads
//! are transactions of their own on blocking threads. The rules of the log are those of the Redis
//! scripts.

mod audit;
mod feeds;
mod file;
mod group_commit;
mod handle;
mod options;
mod read;
mod reserve;
mod tables;
#[cfg(test)]
mod tests;
mod thread;
mod writer;

pub use file::FileError;
pub use options::Options;

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use redb::ReadTransaction;
use tokio::sync::{Semaphore, oneshot};

use self::feeds::Feeds;
use self::file::marker::{Marker, MarkerFile};
use self::file::{FileLocation, OpenFile};
use self::group_commit::CommitRules;
use self::handle::FileHandle;
use self::reserve::{Reserve, ReserveFile, Room};
use self::tables::FileFailure;
use self::thread::WriterThread;
use self::writer::{FileWriter, Job, Reopener, Task};
use super::damage::{note_flaw, note_person};
use super::{
    Cause, DamageLocation, Feed, FeedLimits, FeedQueue, Heads, IdempotencyRecord, KnownDamage,
    LogAnswer, PageLimits, PartitionPage, RequestKey, Store, StoreError, Tail, Write, WriteOutcome,
};
use crate::domain::{Partition, Partitions, Person, PersonId, Position};

/// Reads at the same time. Each keeps a processor busy, or waits for the disk.
const READERS: usize = 8;

/// A store in a folder of this machine.
pub struct EmbeddedStore {
    options: Options,
    handle: Arc<FileHandle>,
    feeds: Arc<Feeds>,
    writer: WriterThread,
    /// Bounds the number of reads, so that many readers do not each hold a page of people.
    reads: Semaphore,
}

impl EmbeddedStore {
    /// Opens the store, and creates it if it is missing. Blocks: it reads the whole file and
    /// compares its checksums.
    pub fn open(options: Options) -> Result<Arc<Self>, FileError> {
        Self::open_by(options, FileLocation::open_or_create)
    }

    /// Opens an existing store.
    pub fn open_existing(options: Options) -> Result<Arc<Self>, FileError> {
        Self::open_by(options, FileLocation::open)
    }

    fn open_by(
        options: Options,
        open: impl Fn(&FileLocation) -> Result<OpenFile, FileError>,
    ) -> Result<Arc<Self>, FileError> {
        let location =
            FileLocation::new(&options.directory, options.partitions, options.cache_bytes);
        let room = ReserveFile::new(&options.directory);
        let opened = match open(&location) {
            // Opening a file that was not closed may need room.
            Err(error) if error.is_full_disk() && room.release().is_ok() => open(&location)?,
            opened => opened?,
        };
        let marker = MarkerFile::new(&options.directory).open(
            &opened.1,
            |partition, seq| tables::tag(&opened.0, partition, seq).ok().flatten(),
            &options.metrics.store_damage,
        );
        let reopen = {
            let location = location.clone();
            move || location.open()
        };
        let started = Self::start(
            options,
            opened,
            Box::new(reopen),
            Reserve::new(room, reserve::RETRY),
            marker,
        );
        started.map_err(|error| location.failed(redb::Error::Io(error).into()))
    }

    fn start(
        options: Options,
        opened: OpenFile,
        reopen: Reopener,
        reserve: Reserve,
        marker: Marker,
    ) -> io::Result<Arc<Self>> {
        let (database, heads) = opened;
        let (queue, tasks) = sync_channel(options.queue.get());
        let handle = Arc::new(FileHandle::new(database));
        let feeds = Arc::new(Feeds::new(options.partitions));
        let writer = FileWriter {
            queue: tasks,
            handle: Arc::clone(&handle),
            reopen,
            reserve,
            marker,
            rules: CommitRules {
                partitions: options.partitions,
                retention: options.retention,
            },
            heads,
            batch: options.batch.get(),
            feeds: Arc::clone(&feeds),
            metrics: options.metrics.clone(),
        };
        let writer = WriterThread::start(writer, queue)?;
        Ok(Arc::new(Self {
            options,
            handle,
            feeds,
            writer,
            reads: Semaphore::new(READERS),
        }))
    }

    /// Reads one instant of the file. If the handle is dead, waits until the writer has opened the
    /// file again, and repeats the query.
    async fn read<T, Q>(&self, query: Q) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Q: Fn(&ReadTransaction) -> Result<T, FileFailure> + Send + Sync + 'static,
    {
        let query = Arc::new(query);
        let attempts = async {
            let mut dead = None;
            loop {
                let opening = self.handle.opened(dead).await;
                let _read = self.reads.acquire().await.expect("it is never closed");
                let (handle, query) = (Arc::clone(&self.handle), Arc::clone(&query));
                let answer =
                    tokio::task::spawn_blocking(move || query(&handle.begin_read()?)).await;
                let failure = match answer {
                    Ok(Ok(answer)) => return Ok(answer),
                    Ok(Err(failure)) => failure,
                    Err(error) if error.is_panic() => {
                        return Err(StoreError::Corrupt(Cause::of(error)));
                    }
                    Err(error) => return Err(StoreError::Unavailable(Cause::of(error))),
                };
                if !matches!(failure, FileFailure::Corrupt(_)) {
                    // An I/O error poisons the handle. If the queue is full, the next write notices
                    // that too.
                    let _ = self.writer.send(Task::Reopen(opening));
                }
                match failure {
                    FileFailure::Closed => dead = Some(opening),
                    failure => return Err(failure.store_error()),
                }
            }
        };
        let answer = tokio::time::timeout(self.options.answer_within, attempts).await;
        self.counted(answer.unwrap_or_else(|_| Err(FileFailure::Closed.store_error())))
    }

    /// Hands a write to the writer, and waits for its answer.
    async fn write(&self, write: Write) -> Result<WriteOutcome, StoreError> {
        let claimed = Arc::new(AtomicBool::new(false));
        let (answer, answered) = oneshot::channel();
        self.writer.send(Task::Write(Job {
            write,
            claimed: Arc::clone(&claimed),
            answer,
        }))?;
        match tokio::time::timeout(self.options.answer_within, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::OutcomeUnknown(
                "the writer ended before it answered".into(),
            )),
            Err(_) if claimed.swap(true, Ordering::AcqRel) => {
                Err(StoreError::OutcomeUnknown("the file takes too long".into()))
            }
            Err(_) => Err(StoreError::Unavailable(
                "the write waited too long for its turn, and was withdrawn".into(),
            )),
        }
    }

    fn damage(&self) -> &KnownDamage {
        &self.options.metrics.store_damage
    }

    /// Counts an error.
    fn counted<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        answer.inspect_err(|error| {
            self.options.metrics.store_errors.at(error.kind()).inc();
        })
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn partitions(&self) -> Partitions {
        self.options.partitions
    }

    async fn apply(&self, write: Write) -> Result<WriteOutcome, StoreError> {
        let id = write.id;
        let outcome = self.counted(self.write(write).await);
        if let Ok(WriteOutcome::Done { at, .. }) = outcome {
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
        let key = key.clone();
        self.read(move |transaction| read::recorded(transaction, partition, &key))
            .await
    }

    async fn get(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        let partition = self.options.partitions.of(id);
        let read = self
            .read(move |transaction| read::get(transaction, partition, id))
            .await?;
        note_person(self.damage(), partition, id, read.as_ref().err());
        self.counted(read.map_err(|why| StoreError::Damaged { id, why }))
    }

    async fn page(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        most: PageLimits,
    ) -> Result<PartitionPage, StoreError> {
        let read = self
            .read(move |transaction| read::page(transaction, partition, after, most))
            .await?;
        Ok(read.noted(self.damage(), partition, after))
    }

    async fn ids(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        count: NonZeroUsize,
    ) -> Result<Vec<PersonId>, StoreError> {
        self.read(move |transaction| read::ids(transaction, partition, after, count))
            .await
    }

    async fn since(
        &self,
        partition: Partition,
        from: Position,
        count: NonZeroUsize,
    ) -> Result<LogAnswer, StoreError> {
        let (since, flaw) = self
            .read(move |transaction| read::since(transaction, partition, from, count))
            .await?;
        note_flaw(self.damage(), partition, flaw);
        Ok(since)
    }

    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError> {
        let (tail, flaw) = self
            .read(move |transaction| read::tail(transaction, partition, count))
            .await?;
        note_flaw(self.damage(), partition, flaw);
        Ok(tail)
    }

    /// The channel is inside this process. A probe proves that the file can be read and that the
    /// writer runs.
    fn probe(&self, partitions: &[Partition]) -> BoxStream<'_, Heads> {
        let partitions = partitions.to_vec();
        let probe = async {
            let heads = self.proved_heads().await.map(|heads| {
                let asked = partitions.iter().map(|partition| heads[partition.index()]);
                asked.collect()
            });
            Heads { partitions, heads }
        };
        stream::once(probe).boxed()
    }

    fn feed(&self, limits: FeedLimits) -> Feed {
        let queue = FeedQueue::new(limits);
        self.feeds.open(&queue);
        Feed::new(queue)
    }
}

impl EmbeddedStore {
    /// The heads of all partitions; publishes a probe.
    async fn proved_heads(&self) -> Result<Vec<Position>, StoreError> {
        if self.writer.has_ended() {
            return self.counted(Err(StoreError::Unavailable("its writer has ended".into())));
        }
        let (partitions, known) = (self.options.partitions, self.damage().known());
        let read = move |transaction: &_| {
            Ok((
                read::heads(transaction, partitions)?,
                read::mended(transaction, &known)?,
            ))
        };
        let (heads, mended) = self.read(read).await?;
        for at in mended {
            self.damage().mended(at);
        }
        self.feeds.probe();
        Ok(heads)
    }
}
