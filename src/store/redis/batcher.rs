//! Single commands become pipelines: what waits goes out together, so a connection's check is paid
//! once a batch.
//!
//! The queue is bounded and refuses what does not fit. A few lanes drain it; each holds one pooled
//! connection at a time. The lanes end when the batcher is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::redis::{Cmd, Pipeline, Value};
use deadpool_redis::Connection;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::connect::Connections;
use super::failure::Failure;
use super::options::Options;
use crate::telemetry::Metrics;

/// How long an answer proves that its connection is alive. A lane that is at work goes on with it;
/// the check of a pooled connection would cost a round trip, in which Redis has nothing to do.
const PROOF_LASTS: Duration = Duration::from_millis(20);

/// The way into the queue.
pub(super) struct Batcher {
    queue: mpsc::Sender<Item>,
}

struct Item {
    command: Cmd,
    claim: Claim,
    answer: oneshot::Sender<Result<Value, Failure>>,
}

/// Decides once and for all whether a command was sent: the lane claims it right before sending,
/// the caller when it gives up. Whoever comes first has it, so a caller knows for sure that what it
/// gave up never happened.
#[derive(Clone, Default)]
struct Claim(Arc<AtomicBool>);

/// A connection that a lane keeps for its next pipeline.
struct Kept {
    connection: Connection,
    until: Instant,
}

struct Lane {
    queue: Arc<Mutex<mpsc::Receiver<Item>>>,
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
            let lane = Lane {
                queue: Arc::clone(&waiting),
                connections: Arc::clone(connections),
                most: options.batch.get(),
                metrics: metrics.clone(),
            };
            tokio::spawn(lane.run());
        }
        Self { queue }
    }

    /// One command's answer, at the latest at `deadline`.
    pub(super) async fn send(&self, command: Cmd, deadline: Instant) -> Result<Value, Failure> {
        let (answer, answered) = oneshot::channel();
        let claim = Claim::default();
        let item = Item {
            command,
            claim: claim.clone(),
            answer,
        };
        self.queue.try_send(item).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::Overloaded,
            mpsc::error::TrySendError::Closed(_) => {
                Failure::NotNow("the runtime is shutting down".to_owned())
            }
        })?;
        match tokio::time::timeout_at(deadline, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) if claim.take() => {
                Err(Failure::NotNow("the runtime is shutting down".to_owned()))
            }
            Ok(Err(_)) => Err(Failure::Lost("the runtime is shutting down".to_owned())),
            Err(_) if claim.take() => Err(Failure::NotNow(
                "it waited for a connection until its time was up".to_owned(),
            )),
            Err(_) => Err(Failure::Lost("no answer within the time limit".to_owned())),
        }
    }
}

impl Lane {
    async fn run(self) {
        let mut items = Vec::with_capacity(self.most);
        let mut kept = None;
        loop {
            if self.wait(&mut items, &mut kept).await == 0 {
                return;
            }
            let connection = match kept.take() {
                Some(Kept { connection, .. }) => Ok(connection),
                None => self.connections.take().await,
            };
            let connection = match connection {
                Ok(connection) => connection,
                Err(failure) => {
                    answer_all(&mut items, &failure);
                    continue;
                }
            };
            self.top_up(&mut items);
            items.retain(|item| !item.answer.is_closed() && item.claim.take());
            if items.is_empty() {
                continue;
            }
            let mut pipeline = Pipeline::with_capacity(items.len());
            for item in &mut items {
                pipeline.add_command(std::mem::take(&mut item.command));
            }
            self.metrics.store_batches.inc();
            match self.connections.exchange(connection, &mut pipeline).await {
                Ok((answers, connection)) => {
                    let connection = connection.filter(|_| !self.connections.are_wanted());
                    let until = Instant::now() + PROOF_LASTS;
                    kept = connection.map(|connection| Kept { connection, until });
                    for (item, answer) in items.drain(..).zip(answers) {
                        let _ = item.answer.send(answer);
                    }
                }
                Err(failure) => answer_all(&mut items, &failure),
            }
        }
    }

    /// Waits for something to do; how much there is. Gives a kept connection back when it waits for
    /// too long.
    async fn wait(&self, items: &mut Vec<Item>, kept: &mut Option<Kept>) -> usize {
        let next = async { self.queue.lock().await.recv_many(items, self.most).await };
        tokio::pin!(next);
        if let Some(Kept { until, .. }) = kept {
            // Cancel safe: the same future is waited for again.
            match timeout_at(*until, &mut next).await {
                Ok(count) => return count,
                Err(_) => *kept = None,
            }
        }
        next.await
    }

    /// Takes along what arrived while the connection was checked, unless another lane stands at the
    /// (empty) queue.
    fn top_up(&self, items: &mut Vec<Item>) {
        let Ok(mut queue) = self.queue.try_lock() else {
            return;
        };
        while items.len() < self.most {
            let Ok(item) = queue.try_recv() else { return };
            items.push(item);
        }
    }
}

fn answer_all(items: &mut Vec<Item>, failure: &Failure) {
    for item in items.drain(..) {
        let _ = item.answer.send(Err(failure.clone()));
    }
}
