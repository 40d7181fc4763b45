//! One call, from its first attempt to its last: what may be tried again, what must not, and what
//! is then said.

mod attempts;

use ::redis::{Cmd, Pipeline, Value, pipe};

use self::attempts::Attempts;
use super::failure::Failure;
use super::{RedisStore, reply, wiped_again};
use crate::store::{Applied, StoreError, Write};

impl RedisStore {
    fn attempts(&self) -> Attempts {
        Attempts::within(self.options.retry_limit)
    }

    /// Tries a write until it was sent; an answer that never comes leaves its outcome unknown.
    pub(super) async fn write(&self, write: Write) -> Result<Applied, StoreError> {
        let partition = self.commands.partitions.of(write.id);
        let mut attempts = self.attempts();
        loop {
            // Tag and epoch are fresh in each attempt.
            let failure = match self
                .batcher
                .send(self.commands.apply(&write), attempts.deadline())
                .await
            {
                Ok(answer) => return reply::applied(partition, write.id, answer),
                Err(Failure::Lost(why)) => return Err(StoreError::OutcomeUnknown(why)),
                Err(failure) => failure,
            };
            if !attempts.again(&failure).await {
                return Err(failure.into());
            }
        }
    }

    /// Tries a question of the batched kind until it is answered.
    pub(super) async fn ask(&self, command: Cmd) -> Result<Value, StoreError> {
        let mut attempts = self.attempts();
        loop {
            let failure = match self
                .batcher
                .send(command.clone(), attempts.deadline())
                .await
            {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !attempts.again(&failure).await {
                return Err(failure.into());
            }
        }
    }

    /// Tries a pipeline on a connection of its own until each of its first `needed` commands is
    /// answered.
    pub(super) async fn ask_alone(
        &self,
        pipeline: &Pipeline,
        needed: usize,
    ) -> Result<Vec<Result<Value, Failure>>, StoreError> {
        let mut attempts = self.attempts();
        loop {
            let answers = tokio::time::timeout_at(
                attempts.deadline(),
                self.connections.run(pipeline.clone()),
            )
            .await;
            let failure = match answers {
                Ok(Ok(answers)) => match answers
                    .iter()
                    .take(needed)
                    .find_map(|answer| answer.as_ref().err())
                {
                    None => return Ok(answers),
                    Some(failure) => failure.clone(),
                },
                Ok(Err(failure)) => failure,
                Err(_) => Failure::NotNow("no answer within the time limit".to_owned()),
            };
            if !attempts.again(&failure).await {
                return Err(failure.into());
            }
        }
    }

    /// Asks a script that reads a head; where the log has no beginning, gives it one and asks
    /// again.
    pub(super) async fn ask_with_head<T>(
        &self,
        command: Cmd,
        read: impl Fn(Value) -> Result<Option<T>, StoreError> + Send + Sync,
    ) -> Result<T, StoreError> {
        let mut pipeline = pipe();
        pipeline.add_command(command);
        if let Some(answer) = read(self.first(&pipeline).await?)? {
            return Ok(answer);
        }
        self.restore().await?;
        read(self.first(&pipeline).await?)?.ok_or_else(wiped_again)
    }

    pub(super) async fn first(&self, pipeline: &Pipeline) -> Result<Value, StoreError> {
        let answer = self.ask_alone(pipeline, 1).await?.into_iter().next();
        answer
            .unwrap_or_else(|| Err(Failure::Lost("no answer".to_owned())))
            .map_err(StoreError::from)
    }
}
