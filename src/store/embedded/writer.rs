//! The one thread that writes: it takes what waits, commits it together, publishes, and answers.
//!
//! When the file fails, the thread opens it again, sees by the heads whether the last batch was
//! committed after all, and only then answers: nobody is told that a write happened when it did
//! not, or the other way round.
//!
//! When the file has no room for a batch, its saves are refused and its deletes are tried again,
//! one by one. When enough was deleted, the file is compacted, so that the disk has room again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use redb::CompactionError;
use tokio::sync::oneshot;

use super::batch::{Batch, Effect, Rules};
use super::feeds::Feeds;
use super::file::marker::Marker;
use super::file::{OpenError, Opened};
use super::handle::{Handle, Opening};
use super::reserve::{Admits, Reserve};
use super::tables::{Failure, Head};
use crate::store::{Applied, FeedEvent, StoreError, Write};
use crate::telemetry::Metrics;
use crate::telemetry::clock::unix_millis;

/// Pauses between attempts to open a failed file again: doubled from the first up to the last.
const REOPEN_PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// How long a compaction waits for the end of what is being read: each takes a moment, and no other
/// begins.
const READERS: Duration = Duration::from_secs(1);
/// How often it looks whether they ended.
const LOOK: Duration = Duration::from_millis(1);

/// What the thread is asked to do.
pub(super) enum Task {
    /// To write.
    Write(Job),
    /// To open the file again, because a reader met a dead handle of this opening.
    Reopen(Opening),
}

/// One write and who waits for it.
pub(super) struct Job {
    pub(super) write: Write,
    /// Set by the thread when it takes the job, and by the caller when it gives up; whoever is
    /// second yields.
    pub(super) claimed: Arc<AtomicBool>,
    pub(super) answer: oneshot::Sender<Answer>,
}

pub(super) type Answer = Result<Applied, StoreError>;

/// Opens the store's file once more.
pub(super) type Reopen = Box<dyn Fn() -> Result<Opened, OpenError> + Send>;

/// The thread's own state.
pub(super) struct Writer {
    pub(super) queue: Receiver<Task>,
    pub(super) handle: Arc<Handle>,
    pub(super) reopen: Reopen,
    pub(super) reserve: Reserve,
    pub(super) marker: Marker,
    pub(super) rules: Rules,
    /// As the last commit left them.
    pub(super) heads: Vec<Head>,
    /// Writes that one commit takes at most.
    pub(super) batch: usize,
    pub(super) feeds: Arc<Feeds>,
    pub(super) metrics: Metrics,
}

/// A batch that did not go through.
struct Failed {
    failure: Failure,
    /// The answers and effect that hold if the commit happened all the same; none when it was not
    /// reached.
    in_doubt: Option<(Vec<Answer>, Effect)>,
}

impl<E: Into<Failure>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self {
            failure: error.into(),
            in_doubt: None,
        }
    }
}

/// Writes that wait for an answer, and did not happen because the file has no room for them.
struct Full {
    jobs: Vec<Job>,
    failure: Failure,
}

/// The store is being dropped.
struct Ended;

impl Writer {
    /// Works until the store is dropped, then closes the file.
    pub(super) fn run(mut self) {
        while let Ok(task) = self.queue.recv() {
            let ended = match task {
                Task::Write(job) => self.write(job),
                Task::Reopen(dead) if self.handle.opening() == Some(dead) => self.open_again(),
                Task::Reopen(_) => Ok(()),
            };
            if ended.is_err() {
                break;
            }
        }
        self.handle.close();
    }

    /// Carries out a job, with those that wait behind it while there is room.
    fn write(&mut self, first: Job) -> Result<(), Ended> {
        if self.reserve.wants_compaction() {
            self.compact()?;
        }
        let admits = self.reserve.admits();
        let jobs = match admits {
            Admits::Everything => self.take(first, self.batch),
            Admits::Deletes => self.take(first, 1),
        };
        match self.commit(jobs, admits)? {
            Some(full) if admits == Admits::Everything => return self.one_by_one(full.jobs),
            Some(full) => refuse(full.jobs, &full.failure),
            None => {}
        }
        Ok(())
    }

    /// What one commit takes: the first job, and others as far as they are there.
    fn take(&self, first: Job, most: usize) -> Vec<Job> {
        let mut jobs: Vec<Job> = Vec::new();
        let mut next = Some(Task::Write(first));
        while let Some(task) = next {
            // A request to reopen needs no care here: if it was right, this batch will meet the
            // dead handle too.
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

    /// Carries out what a full disk admits, each alone: it needs little room, and makes some for
    /// the next. A batch that does not fit would use up the room all the same, in places of the
    /// file that the next one does not look for. Behind the first that does not fit alone, none is
    /// tried: for each that fails, the file has to be opened again.
    fn one_by_one(&mut self, jobs: Vec<Job>) -> Result<(), Ended> {
        let mut jobs = jobs.into_iter();
        while let Some(job) = jobs.next() {
            if let Some(full) = self.commit(vec![job], Admits::Deletes)? {
                refuse(full.jobs.into_iter().chain(jobs), &full.failure);
                break;
            }
        }
        Ok(())
    }

    /// Commits the jobs together and answers them, unless the file has no room for them.
    fn commit(&mut self, jobs: Vec<Job>, admits: Admits) -> Result<Option<Full>, Ended> {
        if jobs.is_empty() {
            return Ok(None);
        }
        let mut outcome = self.attempt(&jobs, admits);
        if matches!(
            &outcome,
            Err(Failed {
                failure: Failure::Closed,
                in_doubt: None
            })
        ) {
            // The handle was dead before: nothing happened, and a new one may well do it.
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

    fn attempt(&self, jobs: &[Job], admits: Admits) -> Result<(Vec<Answer>, Effect), Failed> {
        let transaction = self.handle.begin_write()?;
        let mut batch = Batch::open(
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
            Err(error) => Err(Failed {
                failure: error.into(),
                in_doubt: Some((answers, effect)),
            }),
        }
    }

    /// Publishes, then answers: whoever knows of a write finds it in every feed.
    fn finish(&mut self, jobs: Vec<Job>, answers: Vec<Answer>, effect: Effect) {
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
            // The caller may have gone; the write stands.
            let _ = job.answer.send(answer);
        }
    }

    /// Finds out what became of a batch that failed, and answers it, unless there is another way to
    /// try.
    fn recover(&mut self, jobs: Vec<Job>, failed: Failed) -> Result<Option<Full>, Ended> {
        let Failed { failure, in_doubt } = failed;
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
            _ if matches!(failure.told(), StoreError::Full(_)) => {
                return Ok(Some(Full { jobs, failure }));
            }
            _ => refuse(jobs, &failure),
        }
        Ok(None)
    }

    /// Gives the disk what deletes have freed in the file. Nobody reads or writes meanwhile.
    fn compact(&mut self) -> Result<(), Ended> {
        let next = self.handle.opening().unwrap_or(Opening::FIRST).next();
        let Some(mut database) = self.handle.take() else {
            return self.open_as(next);
        };
        tracing::info!("compacting the store's file, for what was deleted to be room on the disk");
        let until = Instant::now() + READERS;
        let compacted = loop {
            match database.compact() {
                Err(CompactionError::TransactionInProgress) if Instant::now() < until => {
                    thread::park_timeout(LOOK);
                }
                compacted => break compacted,
            }
        };
        self.reserve.compacted();
        match compacted {
            Ok(_) => tracing::info!("the store's file is compacted"),
            Err(CompactionError::TransactionInProgress) => {
                tracing::warn!("not compacted: somebody reads for too long");
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

    /// Closes the file and opens it, for as long as it takes. What is asked meanwhile is answered
    /// at once.
    fn open_again(&mut self) -> Result<(), Ended> {
        let next = self.handle.opening().unwrap_or(Opening::FIRST).next();
        self.handle.close();
        self.open_as(next)
    }

    /// Opens the file, which is closed.
    fn open_as(&mut self, next: Opening) -> Result<(), Ended> {
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
                    tracing::error!(%error, "the store's file cannot be opened again yet");
                    if error.is_full_disk() {
                        self.reserve.release();
                    }
                    self.refuse_for(pause)?;
                    pause = longest.min(2 * pause);
                }
            }
        }
    }

    fn refuse_for(&self, pause: Duration) -> Result<(), Ended> {
        let until = Instant::now() + pause;
        loop {
            match self
                .queue
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(Task::Write(job)) => {
                    let _ = job.answer.send(Err(Failure::Closed.told()));
                }
                Ok(Task::Reopen(_)) => {}
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Ended),
            }
        }
    }
}

/// Nothing happened, and this is why.
fn refuse(jobs: impl IntoIterator<Item = Job>, failure: &Failure) {
    for job in jobs {
        let _ = job.answer.send(Err(failure.told()));
    }
}
