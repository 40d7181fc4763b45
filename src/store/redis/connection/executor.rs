//! Sends commands, and repeats those that certainly had no effect, within one time limit a call.

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, ConnectionInfo, Pipeline, Value};
use tokio::time::timeout_at;

use super::attempts::Attempts;
use super::batcher::Batcher;
use super::failure::CommandFailure;
use super::pool::Connections;
use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;
use crate::store::{Metrics, StoreError};

/// Sends commands over pooled connections.
pub(in crate::store::redis) struct Executor {
    connections: Arc<Connections>,
    batcher: Batcher,
    /// Time of one call, repeats included.
    limit: Duration,
}

impl Executor {
    /// Starts the batcher's lanes on the current runtime; they end when the executor is dropped.
    pub(in crate::store::redis) fn start(
        info: ConnectionInfo,
        options: &Options,
        metrics: &Metrics,
    ) -> Result<Self, OpenError> {
        let connections = Connections::new(info, options, metrics)?;
        Ok(Self {
            batcher: Batcher::start(options, &connections, metrics),
            connections,
            limit: options.retry_limit,
        })
    }

    fn attempts(&self) -> Attempts {
        Attempts::within(self.limit)
    }

    /// Repeats a write until it was sent. If its answer never comes, the outcome is unknown.
    /// `command` makes the command of each attempt.
    pub(in crate::store::redis) async fn write(
        &self,
        command: impl Fn() -> Cmd + Send + Sync,
    ) -> Result<Value, StoreError> {
        let mut attempts = self.attempts();
        loop {
            let failure = match self.batcher.send(command(), attempts.deadline()).await {
                Ok(answer) => return Ok(answer),
                Err(CommandFailure::Lost(why)) => return Err(StoreError::OutcomeUnknown(why)),
                Err(failure) => failure,
            };
            if !attempts.again(&failure).await {
                return Err(failure.into());
            }
        }
    }

    /// Repeats a single read, which travels with others, until it is answered.
    pub(in crate::store::redis) async fn ask(&self, command: Cmd) -> Result<Value, StoreError> {
        let mut attempts = self.attempts();
        loop {
            let sent = self.batcher.send(command.clone(), attempts.deadline());
            let failure = match sent.await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !attempts.again(&failure).await {
                return Err(failure.into());
            }
        }
    }

    /// Repeats a pipeline, on a connection of its own, until each of its first `needed` commands is
    /// answered.
    pub(in crate::store::redis) async fn ask_alone(
        &self,
        pipeline: &Pipeline,
        needed: usize,
    ) -> Result<Vec<Result<Value, CommandFailure>>, StoreError> {
        let mut attempts = self.attempts();
        loop {
            let run = self.connections.run(pipeline.clone());
            let failure = match timeout_at(attempts.deadline(), run).await {
                Ok(Ok(answers)) => match answers
                    .iter()
                    .take(needed)
                    .find_map(|answer| answer.as_ref().err())
                {
                    None => return Ok(answers),
                    Some(failure) => failure.clone(),
                },
                Ok(Err(failure)) => failure,
                Err(_) => CommandFailure::NotNow("no answer within the time limit".into()),
            };
            if !attempts.again(&failure).await {
                return Err(failure.into());
            }
        }
    }

    /// The first answer of a pipeline.
    pub(in crate::store::redis) async fn first(
        &self,
        pipeline: &Pipeline,
    ) -> Result<Value, StoreError> {
        let answer = self.ask_alone(pipeline, 1).await?.into_iter().next();
        answer
            .unwrap_or_else(|| Err(CommandFailure::Lost("no answer".into())))
            .map_err(StoreError::from)
    }

    /// Drops all idle connections, so that the next commands find the current master.
    pub(in crate::store::redis) fn renew(&self) {
        self.connections.renew();
    }
}
