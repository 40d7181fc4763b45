//! Gathers single commands to one server into pipelines, so that a connection is checked once a
//! batch.
//!
//! The queues of all servers have one bound, and refuse commands that do not fit. A few lanes drain
//! a queue; each holds one pooled connection at a time. The lanes end when the batcher is dropped.
//! Once the server is retired, what waits is given back to its callers, who know its successor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::redis::{Cmd, Pipeline, Value};
use deadpool_redis::Connection;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::confirmation;
use super::failure::CommandFailure;
use super::pool::Connections;
use crate::store::Metrics;
use crate::store::redis::options::{Durability, Options};

/// How long an answer proves that its connection is alive. A busy lane reuses its connection for
/// that long: the check of a pooled connection would cost a round trip in which Redis is idle.
const PROOF_LASTS: Duration = Duration::from_millis(20);

/// The way into the queue.
pub(super) struct Batcher {
    queue: mpsc::Sender<QueuedCommand>,
    waiting: Arc<Mutex<mpsc::Receiver<QueuedCommand>>>,
    room: Arc<Semaphore>,
    retired: CancellationToken,
}

/// What a command does, as far as its batch has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Effect {
    /// It reads.
    Read,
    /// It may write, so replicas may have to confirm it.
    Write,
}

struct QueuedCommand {
    command: Cmd,
    effect: Effect,
    claim: Claim,
    answer: oneshot::Sender<Result<Value, CommandFailure>>,
    /// Its place in the bound of all queues.
    _room: OwnedSemaphorePermit,
}

/// Decides once whether a command is sent: the lane claims it right before sending, the caller when
/// it gives up. The first one has it, so a command that the caller has given up never happens.
#[derive(Clone, Default)]
struct Claim(Arc<AtomicBool>);

/// A connection that a lane keeps for its next pipeline.
struct WarmConnection {
    connection: Connection,
    until: Instant,
}

struct PipelineLane {
    queue: Arc<Mutex<mpsc::Receiver<QueuedCommand>>>,
    connections: Arc<Connections>,
    retired: CancellationToken,
    most: usize,
    durability: Option<Durability>,
    metrics: Metrics,
}

impl Claim {
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

impl Batcher {
    /// Starts the lanes on the current runtime.
    pub(super) fn start(
        options: &Options,
        connections: &Arc<Connections>,
        room: &Arc<Semaphore>,
        metrics: &Metrics,
    ) -> Self {
        let retired = CancellationToken::new();
        let (queue, waiting) = mpsc::channel(options.queue.get());
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..options.lanes.get() {
            let lane = PipelineLane {
                queue: Arc::clone(&waiting),
                connections: Arc::clone(connections),
                retired: retired.clone(),
                most: options.batch.get(),
                durability: options.durability,
                metrics: metrics.clone(),
            };
            tokio::spawn(lane.run());
        }
        Self {
            queue,
            waiting,
            room: Arc::clone(room),
            retired,
        }
    }

    /// Queues one command, and waits for its answer until `deadline`.
    pub(super) async fn send(
        &self,
        command: Cmd,
        effect: Effect,
        deadline: Instant,
    ) -> Result<Value, CommandFailure> {
        if self.retired.is_cancelled() {
            return Err(retired());
        }
        let room = Arc::clone(&self.room).try_acquire_owned();
        let (answer, answered) = oneshot::channel();
        let claim = Claim::default();
        let queued = QueuedCommand {
            command,
            effect,
            claim: claim.clone(),
            answer,
            _room: room.map_err(|_| CommandFailure::Overloaded)?,
        };
        self.queue.try_send(queued).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommandFailure::Overloaded,
            mpsc::error::TrySendError::Closed(_) => CommandFailure::shutting_down(),
        })?;
        match timeout_at(deadline, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) if claim.take() => Err(CommandFailure::shutting_down()),
            Ok(Err(_)) => Err(CommandFailure::Lost("the runtime is shutting down".into())),
            Err(_) if claim.take() => Err(CommandFailure::NotNow(
                "it waited for a connection until its time was up".into(),
            )),
            Err(_) => Err(CommandFailure::Lost(
                "no answer within the time limit".into(),
            )),
        }
    }

    /// Gives back what waits; the server owns nothing any more. Lanes that wait for an answer go on
    /// to do so.
    pub(super) fn retire(&self) {
        self.retired.cancel();
        // Without the lock a lane is at the queue, and gives back what comes.
        if let Ok(mut waiting) = self.waiting.try_lock() {
            while let Ok(one) = waiting.try_recv() {
                let _ = one.answer.send(Err(retired()));
            }
        }
    }
}

impl PipelineLane {
    async fn run(self) {
        let mut queued = Vec::with_capacity(self.most);
        let mut warm = None;
        loop {
            if self.wait(&mut queued, &mut warm).await == 0 {
                return;
            }
            let connection = match self.connection(warm.take()).await {
                Ok(connection) => connection,
                Err(failure) => {
                    answer_all(&mut queued, &failure);
                    continue;
                }
            };
            self.top_up(&mut queued);
            queued.retain(|one| !one.answer.is_closed() && one.claim.take());
            if !queued.is_empty() {
                warm = self.exchange(connection, &mut queued).await;
            }
        }
    }

    /// The warm connection or another one, unless the server is retired: that ends the wait too.
    async fn connection(&self, warm: Option<WarmConnection>) -> Result<Connection, CommandFailure> {
        match warm {
            _ if self.retired.is_cancelled() => Err(retired()),
            Some(WarmConnection { connection, .. }) => Ok(connection),
            None => self
                .retired
                .run_until_cancelled(self.connections.take())
                .await
                .unwrap_or_else(|| Err(retired())),
        }
    }

    /// Sends what is queued in one pipeline, and answers it. Returns the connection for the next
    /// one.
    async fn exchange(
        &self,
        connection: Connection,
        queued: &mut Vec<QueuedCommand>,
    ) -> Option<WarmConnection> {
        let mut pipeline = Pipeline::with_capacity(queued.len() + 1);
        let writes = queued.iter().any(|one| one.effect == Effect::Write);
        for one in &mut *queued {
            pipeline.add_command(std::mem::take(&mut one.command));
        }
        let durability = self.durability.filter(|_| writes);
        if let Some(durability) = durability {
            pipeline.add_command(confirmation::wait(durability));
        }
        self.metrics.store_batches.inc();
        match self.connections.exchange(connection, &mut pipeline).await {
            Ok((mut answers, connection)) => {
                let confirmed = answers.split_off(queued.len()).pop();
                for (one, mut answer) in queued.drain(..).zip(answers) {
                    if let (Some(durability), Effect::Write) = (durability, one.effect) {
                        answer = confirmation::judge(durability, answer, confirmed.as_ref());
                        if matches!(answer, Err(CommandFailure::Unconfirmed { .. })) {
                            self.metrics.store_unconfirmed_writes.inc();
                        }
                    }
                    let _ = one.answer.send(answer);
                }
                let connection = connection.filter(|_| !self.connections.are_wanted());
                let until = Instant::now() + PROOF_LASTS;
                connection.map(|connection| WarmConnection { connection, until })
            }
            Err(failure) => {
                answer_all(queued, &failure);
                None
            }
        }
    }

    /// Waits for commands, and returns their number; none means that the batcher was dropped. Gives
    /// a warm connection back when its time is up.
    async fn wait(
        &self,
        queued: &mut Vec<QueuedCommand>,
        warm: &mut Option<WarmConnection>,
    ) -> usize {
        let next = async { self.queue.lock().await.recv_many(queued, self.most).await };
        tokio::pin!(next);
        if let Some(WarmConnection { until, .. }) = warm {
            // Cancel safe: the same future is polled again below.
            match timeout_at(*until, &mut next).await {
                Ok(count) => return count,
                Err(_) => *warm = None,
            }
        }
        next.await
    }

    /// Adds the commands that arrived while the connection was checked, unless another lane waits
    /// at the (empty) queue.
    fn top_up(&self, queued: &mut Vec<QueuedCommand>) {
        let Ok(mut queue) = self.queue.try_lock() else {
            return;
        };
        while queued.len() < self.most {
            let Ok(one) = queue.try_recv() else { return };
            queued.push(one);
        }
    }
}

fn retired() -> CommandFailure {
    CommandFailure::NotNow("the partition has another master now".into())
}

fn answer_all(queued: &mut Vec<QueuedCommand>, failure: &CommandFailure) {
    for one in queued.drain(..) {
        let _ = one.answer.send(Err(failure.clone()));
    }
}
