//! The writing thread: it commits all waiting writes together, publishes their changes, and
//! answers.
//!
//! If the file fails, the thread opens it again, learns from the heads whether the last batch was
//! committed, and only then answers, so that every answer is true.
//!
//! If the file has no room for a batch, the thread refuses its saves and repeats its deletes one by
//! one. After enough deletes it compacts the file, so that the disk has room again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use people_core::sabotage::{Sabotage, planted};
use redb::{CompactionError, Durability};
use tokio::sync::oneshot;

use super::feeds::Feeds;
use super::file::marker::Marker;
use super::file::{FileError, OpenFile};
use super::group_commit::{CommitEffect, CommitRules, GroupCommit};
use super::handle::{FileHandle, Generation};
use super::reserve::{Admission, Reserve};
use super::tables::{FileFailure, LogHead};
use crate::store::{FeedEvent, Metrics, StoreError, Write, WriteOutcome};
use crate::telemetry::ErrorChain;
use crate::telemetry::clock::unix_millis;

/// Pauses between attempts to open a failed file: doubled from the first value up to the second.
const REOPEN_PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// How long a compaction waits for running reads. No new ones begin meanwhile.
const READS_END_WITHIN: Duration = Duration::from_secs(1);
/// Pause between two checks whether they ended.
const READS_POLL: Duration = Duration::from_millis(1);

/// A task of the thread.
pub(super) enum Task {
    /// Carry out a write.
    Write(Job),
    /// Open the file again: a reader found the handle of this generation dead.
    Reopen(Generation),
}

/// One write, and the way to its caller.
pub(super) struct Job {
    pub(super) write: Write,
    /// Set by the thread when it takes the job, and by the caller when it gives up. The first one
    /// decides.
    pub(super) claimed: Arc<AtomicBool>,
    pub(super) answer: oneshot::Sender<ApplyResult>,
}

pub(super) type ApplyResult = Result<WriteOutcome, StoreError>;

/// Opens the file again.
pub(super) type Reopener = Box<dyn Fn() -> Result<OpenFile, FileError> + Send>;

/// The state of the thread.
pub(super) struct FileWriter {
    pub(super) queue: Receiver<Task>,
    pub(super) handle: Arc<FileHandle>,
    pub(super) reopen: Reopener,
    pub(super) reserve: Reserve,
    pub(super) marker: Marker,
    pub(super) rules: CommitRules,
    /// The heads after the last commit.
    pub(super) heads: Vec<LogHead>,
    /// Writes of one commit at most.
    pub(super) batch: usize,
    pub(super) feeds: Arc<Feeds>,
    pub(super) metrics: Metrics,
}

/// A batch whose transaction failed.
struct FailedBatch {
    failure: FileFailure,
    /// The answers and the effect if the commit happened all the same; none if the commit was not
    /// reached.
    in_doubt: Option<(Vec<ApplyResult>, CommitEffect)>,
}

impl<E: Into<FileFailure>> From<E> for FailedBatch {
    fn from(error: E) -> Self {
        Self {
            failure: error.into(),
            in_doubt: None,
        }
    }
}

/// Writes that did not happen because the disk is full. They are not answered yet.
struct FullDisk {
    jobs: Vec<Job>,
    failure: FileFailure,
}

/// The store was dropped: the thread ends.
struct StoreDropped;

impl FileWriter {
    /// Runs until the store is dropped, then closes the file.
    pub(super) fn run(mut self) {
        while let Ok(task) = self.queue.recv() {
            let ended = match task {
                Task::Write(job) => self.write(job),
                Task::Reopen(dead) if self.handle.generation() == Some(dead) => self.open_again(),
                Task::Reopen(_) => Ok(()),
            };
            if ended.is_err() {
                break;
            }
        }
        self.handle.close();
    }

    /// Carries out a job, together with waiting ones while the disk has room.
    fn write(&mut self, first: Job) -> Result<(), StoreDropped> {
        if self.reserve.wants_compaction() {
            self.compact()?;
        }
        let admits = self.reserve.admits();
        let jobs = match admits {
            Admission::Everything => self.take(first, self.batch),
            Admission::Deletes => self.take(first, 1),
        };
        match self.commit(jobs, admits)? {
            Some(full) if admits == Admission::Everything => return self.one_by_one(full.jobs),
            Some(full) => refuse(full.jobs, &full.failure),
            None => {}
        }
        Ok(())
    }

    /// The jobs of one commit: the first one, and waiting ones, at most `most`.
    fn take(&self, first: Job, most: usize) -> Vec<Job> {
        let mut jobs: Vec<Job> = Vec::new();
        let mut next = Some(Task::Write(first));
        while let Some(task) = next {
            // A request to reopen is dropped: if it was right, this batch finds the dead handle
            // too.
            if let Task::Write(job) = task
                && !job.claimed.swap(true, Ordering::AcqRel)
            {
                jobs.push(job);
            }
            next = if jobs.len() < most {
                self.queue.try_recv().ok()
            } else {
                None
            };
        }
        jobs
    }

    /// Carries out the jobs that a full disk admits, one by one: each needs little room, and frees
    /// some for the next. A batch that does not fit would use up the room all the same, in pages
    /// that the next one does not find. After the first job that does not fit alone, the others are
    /// refused: each failure costs an opening of the file.
    fn one_by_one(&mut self, jobs: Vec<Job>) -> Result<(), StoreDropped> {
        let mut jobs = jobs.into_iter();
        while let Some(job) = jobs.next() {
            if let Some(full) = self.commit(vec![job], Admission::Deletes)? {
                refuse(full.jobs.into_iter().chain(jobs), &full.failure);
                break;
            }
        }
        Ok(())
    }

    /// Commits the jobs together and answers them, unless the disk is full.
    fn commit(
        &mut self,
        jobs: Vec<Job>,
        admits: Admission,
    ) -> Result<Option<FullDisk>, StoreDropped> {
        if jobs.is_empty() {
            return Ok(None);
        }
        let mut outcome = self.attempt(&jobs, admits);
        if matches!(
            &outcome,
            Err(FailedBatch {
                failure: FileFailure::Closed,
                in_doubt: None
            })
        ) {
            // The handle was dead before: nothing happened, and a new one may succeed.
            self.open_again()?;
            outcome = self.attempt(&jobs, admits);
        }
        match outcome {
            Ok((answers, effect)) => {
                self.finish(jobs, answers, effect);
                Ok(None)
            }
            Err(failed) => self.recover(jobs, failed),
        }
    }

    fn attempt(
        &self,
        jobs: &[Job],
        admits: Admission,
    ) -> Result<(Vec<ApplyResult>, CommitEffect), FailedBatch> {
        let mut transaction = self.handle.begin_write()?;
        if planted(Sabotage::CommitNotDurable) {
            transaction.set_durability(Durability::None)?;
        }
        let mut batch = GroupCommit::open(
            &transaction,
            self.rules,
            admits,
            self.heads.clone(),
            unix_millis(),
        )?;
        let answers = jobs
            .iter()
            .map(|job| batch.apply(&job.write))
            .collect::<Result<Vec<_>, _>>()?;
        let effect = batch.finish(jobs.len())?;
        if !effect.changed {
            transaction.abort()?;
            return Ok((answers, effect));
        }
        match transaction.commit() {
            Ok(()) => {
                self.metrics.store_batches.inc();
                Ok((answers, effect))
            }
            Err(error) => Err(FailedBatch {
                failure: error.into(),
                in_doubt: Some((answers, effect)),
            }),
        }
    }

    /// Publishes, then answers, so that an answered write is in every feed.
    fn finish(&mut self, jobs: Vec<Job>, answers: Vec<ApplyResult>, effect: CommitEffect) {
        self.heads = effect.heads;
        self.marker.note(&self.heads);
        self.reserve.freed(effect.freed);
        self.metrics.store_writes.inc_by(effect.frames.len() as u64);
        let events: Vec<_> = effect
            .frames
            .into_iter()
            .map(|(partition, frame)| FeedEvent::Frame(partition, frame))
            .collect();
        self.feeds.publish(&events);
        for (job, answer) in jobs.into_iter().zip(answers) {
            // The caller may be gone; the write stays.
            let _ = job.answer.send(answer);
        }
    }

    /// Learns whether a failed batch was committed, and answers it, unless the disk is full.
    fn recover(
        &mut self,
        jobs: Vec<Job>,
        failed: FailedBatch,
    ) -> Result<Option<FullDisk>, StoreDropped> {
        let FailedBatch { failure, in_doubt } = failed;
        tracing::error!(
            error = %failure,
            writes = jobs.len(),
            "a batch of writes failed; opening the file again"
        );
        if failure.is_full_disk() {
            self.reserve.release();
        }
        self.open_again()?;
        match in_doubt {
            Some((answers, effect)) if effect.heads == self.heads => {
                self.finish(jobs, answers, effect);
            }
            _ if matches!(failure.store_error(), StoreError::Full(_)) => {
                return Ok(Some(FullDisk { jobs, failure }));
            }
            _ => refuse(jobs, &failure),
        }
        Ok(None)
    }

    /// Returns freed pages of the file to the disk. Reads and writes wait meanwhile.
    fn compact(&mut self) -> Result<(), StoreDropped> {
        let next = self.handle.generation().unwrap_or(Generation::FIRST).next();
        let Some(mut database) = self.handle.take() else {
            return self.open_as(next);
        };
        tracing::info!("compacting the store's file, to return deleted bytes to the disk");
        let until = Instant::now() + READS_END_WITHIN;
        let compacted = loop {
            match database.compact() {
                Err(CompactionError::TransactionInProgress) if Instant::now() < until => {
                    thread::park_timeout(READS_POLL);
                }
                compacted => break compacted,
            }
        };
        self.reserve.compacted();
        match compacted {
            Ok(_) => tracing::info!("the store's file is compacted"),
            Err(CompactionError::TransactionInProgress) => {
                tracing::warn!("not compacted: a read takes too long");
            }
            Err(error) => {
                tracing::error!(
                    %error,
                    "the store's file could not be compacted; opening it again"
                );
                drop(database);
                return self.open_as(next);
            }
        }
        self.handle.reopen(database, next);
        Ok(())
    }

    /// Closes the file and opens it again, however long that takes. Tasks that arrive meanwhile are
    /// refused at once.
    fn open_again(&mut self) -> Result<(), StoreDropped> {
        let next = self.handle.generation().unwrap_or(Generation::FIRST).next();
        self.handle.close();
        self.open_as(next)
    }

    /// Opens the closed file.
    fn open_as(&mut self, next: Generation) -> Result<(), StoreDropped> {
        let [mut pause, longest] = REOPEN_PAUSE;
        loop {
            match (self.reopen)() {
                Ok((database, heads)) => {
                    tracing::info!("the store's file is open again");
                    self.heads = heads;
                    self.handle.reopen(database, next);
                    return Ok(());
                }
                Err(error) => {
                    let shown = ErrorChain(&error);
                    tracing::error!(error = %shown, "the store's file cannot be opened again yet");
                    if error.is_full_disk() {
                        self.reserve.release();
                    }
                    self.refuse_for(pause)?;
                    pause = longest.min(2 * pause);
                }
            }
        }
    }

    /// Refuses every write for the time of a pause.
    fn refuse_for(&self, pause: Duration) -> Result<(), StoreDropped> {
        let until = Instant::now() + pause;
        loop {
            match self
                .queue
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(Task::Write(job)) => {
                    let _ = job.answer.send(Err(FileFailure::Closed.store_error()));
                }
                Ok(Task::Reopen(_)) => {}
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(StoreDropped),
            }
        }
    }
}

/// Answers jobs that did not happen.
fn refuse(jobs: impl IntoIterator<Item = Job>, failure: &FileFailure) {
    for job in jobs {
        let _ = job.answer.send(Err(failure.store_error()));
    }
}
