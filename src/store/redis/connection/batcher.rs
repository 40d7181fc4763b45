//! Gathers single commands into pipelines, so that a connection is checked once a batch.
//!
//! The queue is bounded and refuses commands that do not fit. A few lanes drain it; each holds one
//! pooled connection at a time. The lanes end when the batcher is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::redis::{Cmd, Pipeline, Value};
use deadpool_redis::Connection;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::failure::CommandFailure;
use super::pool::Connections;
use crate::store::Metrics;
use crate::store::redis::options::Options;

/// How long an answer proves that its connection is alive. A busy lane reuses its connection for
/// that long: the check of a pooled connection would cost a round trip in which Redis is idle.
const PROOF_LASTS: Duration = Duration::from_millis(20);

/// The way into the queue.
pub(super) struct Batcher {
    queue: mpsc::Sender<QueuedCommand>,
}

struct QueuedCommand {
    command: Cmd,
    claim: Claim,
    answer: oneshot::Sender<Result<Value, CommandFailure>>,
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
    most: usize,
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
        metrics: &Metrics,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(options.queue.get());
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..options.lanes.get() {
            let lane = PipelineLane {
                queue: Arc::clone(&waiting),
                connections: Arc::clone(connections),
                most: options.batch.get(),
                metrics: metrics.clone(),
            };
            tokio::spawn(lane.run());
        }
        Self { queue }
    }

    /// Queues one command, and waits for its answer until `deadline`.
    pub(super) async fn send(
        &self,
        command: Cmd,
        deadline: Instant,
    ) -> Result<Value, CommandFailure> {
        let (answer, answered) = oneshot::channel();
        let claim = Claim::default();
        let queued = QueuedCommand {
            command,
            claim: claim.clone(),
            answer,
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
}

impl PipelineLane {
    async fn run(self) {
        let mut queued = Vec::with_capacity(self.most);
        let mut warm = None;
        loop {
            if self.wait(&mut queued, &mut warm).await == 0 {
                return;
            }
            let connection = match warm.take() {
                Some(WarmConnection { connection, .. }) => Ok(connection),
                None => self.connections.take().await,
            };
            let connection = match connection {
                Ok(connection) => connection,
                Err(failure) => {
                    answer_all(&mut queued, &failure);
                    continue;
                }
            };
            self.top_up(&mut queued);
            queued.retain(|one| !one.answer.is_closed() && one.claim.take());
            if queued.is_empty() {
                continue;
            }
            let mut pipeline = Pipeline::with_capacity(queued.len());
            for one in &mut queued {
                pipeline.add_command(std::mem::take(&mut one.command));
            }
            self.metrics.store_batches.inc();
            match self.connections.exchange(connection, &mut pipeline).await {
                Ok((answers, connection)) => {
                    let connection = connection.filter(|_| !self.connections.are_wanted());
                    let until = Instant::now() + PROOF_LASTS;
                    warm = connection.map(|connection| WarmConnection { connection, until });
                    for (one, answer) in queued.drain(..).zip(answers) {
                        let _ = one.answer.send(answer);
                    }
                }
                Err(failure) => answer_all(&mut queued, &failure),
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

fn answer_all(queued: &mut Vec<QueuedCommand>, failure: &CommandFailure) {
    for one in queued.drain(..) {
        let _ = one.answer.send(Err(failure.clone()));
    }
}
