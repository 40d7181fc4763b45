//! The sessions' commands to the dispatcher: applied between two steps of writes, in slices.

use std::time::Duration;

use people_core::sabotage::{Sabotage, planted};
use tokio::time::Instant;

use super::dispatcher::Dispatcher;
use super::evaluation::Evaluation;
use super::writes::Writes;
use crate::filter::offload::INLINE_STEPS_MAX;
use crate::history::with_checkpoints;
use crate::protocol::close::Close;
use crate::session::{CatchUp, ServeHandle, SessionCommand, TooManyRequests, WriteBatch};

/// A joining session may be this many entries behind; further behind it catches up by itself first.
const JOIN_ENTRIES_MAX: usize = 256;
/// Commands that are received at once.
const COMMANDS_MAX: usize = 256;
const COMMANDS_PAUSE: Duration = Duration::from_millis(1);
/// How long commands are applied in a row before the feed gets its turn. One of them may take
/// longer: a large filter takes some milliseconds to be put into the index.
const COMMANDS_SLICE: Duration = Duration::from_millis(1);

impl Dispatcher {
    /// Waits for commands, and takes those that are there. They come together at most every
    /// millisecond: none of them is urgent, and ten thousand clients that connect at once need not
    /// wake this thread ten thousand times. Cancel safe: nothing is taken before it returns.
    pub(super) async fn receive_commands(&mut self) {
        if !self.received.is_empty() {
            return;
        }
        let pause = COMMANDS_PAUSE.saturating_sub(self.received_at.elapsed());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let mut received = Vec::new();
        self.commands.recv_many(&mut received, COMMANDS_MAX).await;
        self.received.extend(received);
        self.received_at = Instant::now();
    }

    /// Applies the received commands, or as many of them as there is time for.
    pub(super) fn apply_commands(&mut self) {
        let began = Instant::now();
        while let Some(command) = self.received.pop_front() {
            self.apply(command);
            if began.elapsed() >= COMMANDS_SLICE {
                return;
            }
        }
    }

    pub(super) fn apply(&mut self, command: SessionCommand) {
        match command {
            SessionCommand::Join(session) => self.join(session),
            SessionCommand::Dismiss(session, close) => {
                self.serve_one(&session);
                self.sessions.close(&session, &close);
            }
            SessionCommand::Leave(session) => {
                self.groups.remove(&session);
                self.sessions.remove(&session);
            }
            SessionCommand::Ask(session, request) => {
                // Earlier changes go by the old subscription, later ones by the new.
                self.serve_one(&session);
                let Some(newest) = self.history.checkpoint() else {
                    return;
                };
                self.groups.remove(&session);
                match session.ask(request, &newest) {
                    Ok(drain) => self.sessions.drain(drain),
                    Err(TooManyRequests) => self.sessions.close(&session, &Close::ASKED_TOO_MUCH),
                }
            }
        }
    }

    fn join(&mut self, session: ServeHandle) {
        let Some(from) = session.join() else {
            return;
        };
        let subscription = session.subscription();
        let missed = self
            .history
            .after(from.offset, JOIN_ENTRIES_MAX + 1)
            .filter(|missed| {
                missed.len() <= JOIN_ENTRIES_MAX && subscription.steps(missed) <= INLINE_STEPS_MAX
            });
        let Some(missed) = missed else {
            self.sessions.drain(session.leave(CatchUp::replay(from)));
            return;
        };
        let broken = missed.iter().find_map(|entry| entry.event.broken());
        let has_reset = subscription.format.has_reset();
        let notifications: Vec<_> = with_checkpoints(&from, &missed)
            .take_while(|(_, entry)| !has_reset || entry.event.broken().is_none())
            .filter(|_| !planted(Sabotage::HandOverGap))
            .filter_map(|(before, entry)| {
                Evaluation::new(before, entry)?.notification(&subscription)
            })
            .collect();
        self.groups.add(session.clone());
        if let Some(batch) = WriteBatch::new(&notifications) {
            self.write(&Writes::one(session.clone(), batch));
        }
        match broken {
            Some(reason) if has_reset => {
                self.groups.remove(&session);
                self.begin_anew(&session, reason);
                return;
            }
            // The session goes on from the new head.
            Some(reason) => {
                self.sessions.metrics().session_new_heads.at(reason).inc();
            }
            None => {}
        }
        self.welcome(&session);
    }
}
