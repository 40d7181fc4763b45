//! Sends commands to the owners of their keys, and repeats those that certainly had no effect,
//! within one time limit a call.

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, Pipeline, Value};
use people_core::sabotage::{Sabotage, planted};
use tokio::time::timeout_at;

use super::connection::{Attempts, CommandFailure, Effect, Redirect, Server};
use super::reply;
use super::topology::{Hint, Home, Owners};
use crate::store::{Cause, Metrics, RedirectKind, StoreError};

/// Sends commands.
pub(super) struct Router {
    pub(super) owners: Owners,
    metrics: Metrics,
    /// Time of one call, repeats included.
    limit: Duration,
}

/// The answers to a pipeline.
pub(super) type Answers = Vec<Result<Value, CommandFailure>>;

impl Router {
    /// A router to these owners.
    pub(super) fn new(owners: Owners, limit: Duration, metrics: &Metrics) -> Self {
        Self {
            owners,
            metrics: metrics.clone(),
            limit,
        }
    }

    /// The attempts of one call.
    pub(super) fn attempts(&self) -> Attempts {
        Attempts::within(self.limit)
    }

    fn owner(&self, home: Home) -> Result<Arc<Server>, CommandFailure> {
        self.owners.of(home).ok_or_else(CommandFailure::no_owner)
    }

    /// Repeats a write until it was sent. If its answer never comes, the outcome is unknown.
    /// `command` makes the command of each attempt. One that is recognised when it is `repeatable`
    /// is repeated also until replicas confirm it.
    pub(super) async fn write(
        &self,
        home: Home,
        repeatable: bool,
        command: impl Fn() -> Cmd + Send + Sync,
    ) -> Result<Value, StoreError> {
        let (mut attempts, mut unconfirmed) = (self.attempts(), None);
        loop {
            let failure = match self.send(home, command(), Effect::Write, &attempts).await {
                // The repeat tells what the first attempt did.
                Ok(answer) if reply::is_replay(&answer) => {
                    return Ok(unconfirmed.unwrap_or(answer));
                }
                Ok(answer) => return Ok(answer),
                Err(CommandFailure::Lost(why)) if !planted(Sabotage::LostWriteRepeated) => {
                    return Err(StoreError::OutcomeUnknown(why));
                }
                Err(failure) => failure,
            };
            if let CommandFailure::Unconfirmed { answer, .. } = &failure {
                unconfirmed.get_or_insert_with(|| answer.clone());
            }
            let may_repeat = repeatable || unconfirmed.is_none();
            if !(may_repeat && attempts.again(&failure).await) {
                return Err(match unconfirmed {
                    Some(_) => StoreError::OutcomeUnknown(Cause::of(failure)),
                    None => failure.into(),
                });
            }
        }
    }

    /// Repeats a single read, which travels with others, until it is answered.
    pub(super) async fn ask(&self, home: Home, command: Cmd) -> Result<Value, StoreError> {
        let mut attempts = self.attempts();
        loop {
            let sent = self.send(home, command.clone(), Effect::Read, &attempts);
            let failure = match sent.await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !attempts.again(&failure).await {
                return Err(failure.into());
            }
        }
    }

    async fn send(
        &self,
        home: Home,
        command: Cmd,
        effect: Effect,
        attempts: &Attempts,
    ) -> Result<Value, CommandFailure> {
        let server = self.owner(home)?;
        let answer = server.send(command, effect, attempts.deadline()).await;
        answer.inspect_err(|failure| self.met(home, &server, failure))
    }

    /// Repeats a pipeline, on a connection of its own, until each of its first `needed` commands is
    /// answered.
    pub(super) async fn ask_alone(
        &self,
        home: Home,
        pipeline: &Pipeline,
        needed: usize,
    ) -> Result<Answers, StoreError> {
        let (mut attempts, homes) = (self.attempts(), vec![home; needed]);
        loop {
            let attempt = async {
                let server = self.owner(home)?;
                let run = self.run(&homes, &server, pipeline, &attempts);
                run.await.map_err(|(_, failure)| failure)
            };
            let failure = match attempt.await {
                Ok(answers) => return Ok(answers),
                Err(failure) => failure,
            };
            if !attempts.again(&failure).await {
                return Err(failure.into());
            }
        }
    }

    /// Sends a pipeline to this server, once. `homes` are those of its first commands, which have
    /// to be answered. A failure comes with the home of its command.
    pub(super) async fn run(
        &self,
        homes: &[Home],
        server: &Server,
        pipeline: &Pipeline,
        attempts: &Attempts,
    ) -> Result<Answers, (Home, CommandFailure)> {
        let answered = match timeout_at(attempts.deadline(), server.run(pipeline.clone())).await {
            Ok(answered) => answered,
            Err(_) => Err(CommandFailure::NotNow(
                "no answer within the time limit".into(),
            )),
        };
        let failed = match answered {
            Ok(answers) => {
                let mut needed = homes.iter().zip(&answers);
                let failed = needed.find_map(|(home, answer)| Some((*home, answer.clone().err()?)));
                match failed {
                    None => return Ok(answers),
                    Some(failed) => failed,
                }
            }
            Err(failure) => (homes[0], failure),
        };
        self.met(failed.0, server, &failed.1);
        Err(failed)
    }

    /// The first answer of a pipeline.
    pub(super) async fn first(&self, home: Home, pipeline: &Pipeline) -> Result<Value, StoreError> {
        let answer = self.ask_alone(home, pipeline, 1).await?.into_iter().next();
        answer
            .unwrap_or_else(|| Err(CommandFailure::Lost("no answer".into())))
            .map_err(StoreError::from)
    }

    /// Counts what a command met, and tells the keeper of the topology.
    fn met(&self, home: Home, server: &Server, failure: &CommandFailure) {
        let address = || server.address.clone();
        match failure {
            CommandFailure::Redirected(redirect, _) => {
                let kind = match redirect {
                    Redirect::Moved(_) => RedirectKind::Moved,
                    Redirect::Ask => RedirectKind::Ask,
                    Redirect::TryAgain => RedirectKind::TryAgain,
                    Redirect::Down => RedirectKind::Down,
                    Redirect::ReadOnly => RedirectKind::ReadOnly,
                };
                self.metrics.store_redirects.at(kind).inc();
                self.owners
                    .hint(Hint::Redirected(home, address(), redirect.clone()));
            }
            CommandFailure::NotNow(_) | CommandFailure::Lost(_) => {
                self.owners.hint(Hint::Silent(address()));
            }
            _ => {}
        }
    }
}
