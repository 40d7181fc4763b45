//! The embedded store: one redb file, one process, and everything in it durable before it is
//! acknowledged.
//!
//! Writes go through one thread that commits what waits together (group commit); reads are
//! transactions of their own on blocking threads. The log protocol is that of the Redis scripts,
//! rule by rule.

mod audit;
mod batch;
mod feeds;
mod file;
mod handle;
mod options;
mod read;
mod reserve;
mod tables;
#[cfg(test)]
mod tests;
mod thread;
mod writer;

pub use file::OpenError;
pub use options::Options;

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use async_trait::async_trait;
use redb::ReadTransaction;
use tokio::sync::{Semaphore, oneshot};

use self::batch::Rules;
use self::feeds::Feeds;
use self::file::marker::{Marker, MarkerFile};
use self::file::{Location, Opened};
use self::handle::Handle;
use self::reserve::{Reserve, ReserveFile, Room};
use self::tables::Failure;
use self::thread::WriterThread;
use self::writer::{Job, Reopen, Task, Writer};
use super::damage::{note_flaw, note_person};
use super::{
    Applied, Feed, FeedEvent, FeedLimits, FeedQueue, IdempotencyKey, Page, PageLimits, Recorded,
    Since, Store, StoreError, Tail, Write,
};
use crate::domain::{Partition, Partitions, Person, PersonId, Position};
use crate::telemetry::{DamageAt, Damages};

/// Queries that are answered at the same time. Each keeps a processor busy, or waits for the disk.
const READERS: usize = 8;

/// A store in a folder of this machine.
pub struct EmbeddedStore {
    options: Options,
    handle: Arc<Handle>,
    feeds: Arc<Feeds>,
    writer: WriterThread,
    /// Turns to read, so that those who read at the same moment do not each hold a page of people.
    turns: Semaphore,
}

impl EmbeddedStore {
    /// Opens the store, and makes it where there is none. Blocks: all of the file is read and its
    /// checksums compared.
    pub fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        Self::open_by(options, Location::open_or_create)
    }

    /// The same where there is a store; nothing is made.
    pub fn open_existing(options: Options) -> Result<Arc<Self>, OpenError> {
        Self::open_by(options, Location::open)
    }

    fn open_by(
        options: Options,
        open: impl Fn(&Location) -> Result<Opened, OpenError>,
    ) -> Result<Arc<Self>, OpenError> {
        let location = Location::new(&options.directory, options.partitions, options.cache_bytes);
        let room = ReserveFile::new(&options.directory);
        let opened = match open(&location) {
            // A file that was not closed may need room to be opened.
            Err(error) if error.is_full_disk() && room.release().is_ok() => open(&location)?,
            opened => opened?,
        };
        let marker =
            MarkerFile::new(&options.directory).open(&opened.1, &options.metrics.store_damage);
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
        started.map_err(|error| location.failed(&redb::Error::Io(error).into()))
    }

    fn start(
        options: Options,
        opened: Opened,
        reopen: Reopen,
        reserve: Reserve,
        marker: Marker,
    ) -> io::Result<Arc<Self>> {
        let (database, heads) = opened;
        let (queue, tasks) = sync_channel(options.queue.get());
        let handle = Arc::new(Handle::new(database));
        let feeds = Arc::new(Feeds::default());
        let writer = Writer {
            queue: tasks,
            handle: Arc::clone(&handle),
            reopen,
            reserve,
            marker,
            rules: Rules {
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
            turns: Semaphore::new(READERS),
        }))
    }

    /// Answers from one instant of the file. When the handle turns out dead, waits for the writer
    /// to open the file again and asks once more.
    async fn read<T, Q>(&self, query: Q) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Q: Fn(&ReadTransaction) -> Result<T, Failure> + Send + Sync + 'static,
    {
        let query = Arc::new(query);
        let attempts = async {
            let mut dead = None;
            loop {
                let opening = self.handle.opened(dead).await;
                let _turn = self.turns.acquire().await.expect("it is never closed");
                let (handle, query) = (Arc::clone(&self.handle), Arc::clone(&query));
                let answer =
                    tokio::task::spawn_blocking(move || query(&handle.begin_read()?)).await;
                let failure = match answer {
                    Ok(Ok(answer)) => return Ok(answer),
                    Ok(Err(failure)) => failure,
                    Err(error) if error.is_panic() => {
                        return Err(StoreError::Corrupt(error.to_string()));
                    }
                    Err(error) => return Err(StoreError::Unavailable(error.to_string())),
                };
                if !matches!(failure, Failure::Corrupt(_)) {
                    // An I/O error poisons the handle. When the queue is full, the next write finds
                    // out as well.
                    let _ = self.writer.send(Task::Reopen(opening));
                }
                match failure {
                    Failure::Closed => dead = Some(opening),
                    failure => return Err(failure.told()),
                }
            }
        };
        let answer = tokio::time::timeout(self.options.answer_within, attempts).await;
        self.counted(answer.unwrap_or_else(|_| Err(Failure::Closed.told())))
    }

    async fn write(&self, write: Write) -> Result<Applied, StoreError> {
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

    fn damages(&self) -> &Damages {
        &self.options.metrics.store_damage
    }

    fn counted<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        answer.inspect_err(|error| {
            self.options.metrics.store_errors.at(error.label()).inc();
        })
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn partitions(&self) -> Partitions {
        self.options.partitions
    }

    async fn apply(&self, write: Write) -> Result<Applied, StoreError> {
        let id = write.id;
        let outcome = self.counted(self.write(write).await);
        if let Ok(Applied::Done { at, .. }) = outcome {
            self.damages().mended(DamageAt::Person(at.partition, id));
        }
        outcome
    }

    async fn recorded(
        &self,
        partition: Partition,
        key: &IdempotencyKey,
    ) -> Result<Option<Recorded>, StoreError> {
        let key = key.clone();
        self.read(move |transaction| read::recorded(transaction, partition, &key))
            .await
    }

    async fn get(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        let partition = self.options.partitions.of(id);
        let read = self
            .read(move |transaction| read::get(transaction, partition, id))
            .await?;
        note_person(self.damages(), partition, id, read.as_ref().err());
        self.counted(read.map_err(|why| StoreError::Damaged { id, why }))
    }

    async fn page(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        most: PageLimits,
    ) -> Result<Page, StoreError> {
        let read = self
            .read(move |transaction| read::page(transaction, partition, after, most))
            .await?;
        Ok(read.noted(self.damages(), partition, after))
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
    ) -> Result<Since, StoreError> {
        let (since, flaw) = self
            .read(move |transaction| read::since(transaction, partition, from, count))
            .await?;
        note_flaw(self.damages(), partition, flaw);
        Ok(since)
    }

    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError> {
        let (tail, flaw) = self
            .read(move |transaction| read::tail(transaction, partition, count))
            .await?;
        note_flaw(self.damages(), partition, flaw);
        Ok(tail)
    }

    /// The channel is this process; what it proves is that the file can be read and that the writer
    /// lives.
    async fn probe(&self) -> Result<Vec<Position>, StoreError> {
        if self.writer.has_ended() {
            return self.counted(Err(StoreError::Unavailable("its writer has ended".into())));
        }
        let (partitions, known) = (self.options.partitions, self.damages().known());
        let read = move |transaction: &_| {
            Ok((
                read::heads(transaction, partitions)?,
                read::mended(transaction, &known)?,
            ))
        };
        let (heads, mended) = self.read(read).await?;
        for at in mended {
            self.damages().mended(at);
        }
        self.feeds.publish(&[FeedEvent::Probe]);
        Ok(heads)
    }

    fn feed(&self, limits: FeedLimits) -> Feed {
        let queue = FeedQueue::new(limits);
        self.feeds.open(&queue);
        Feed::new(queue)
    }
}
