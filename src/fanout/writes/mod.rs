//! The writes of one step of the dispatcher; equal payloads are made once.

mod tally;

pub(super) use tally::Tally;

use std::collections::HashMap;

use super::groups::SubscriptionGroup;
use crate::domain::Fingerprint;
use crate::history::Checkpoint;
use crate::protocol::format::WireFormat;
use crate::protocol::message::Message;
use crate::session::{Payload, ServeHandle, Subscription, WriteBatch};

/// Payloads and the sessions that are sent them, each session once.
pub(super) struct Writes {
    /// Where this gateway is.
    newest: Checkpoint,
    payloads: Vec<Payload>,
    /// Each with the number of its payload.
    to: Vec<(ServeHandle, usize)>,
    /// The last payload of changes: its group, from where on in that group's stream, and its
    /// number.
    last: Option<(usize, u64, usize)>,
    /// Payloads that name the position, by format and rights.
    positions: HashMap<(WireFormat, Option<Fingerprint>), usize>,
}

/// Whether a group's round has another member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepResult {
    /// The round goes on.
    GoesOn,
    /// The round is over.
    Over,
}

impl Writes {
    /// None yet.
    pub(super) fn new(newest: Checkpoint) -> Self {
        Self {
            newest,
            payloads: Vec::new(),
            to: Vec::new(),
            last: None,
            positions: HashMap::new(),
        }
    }

    /// One batch for one session.
    pub(super) fn one(session: ServeHandle, batch: WriteBatch) -> Self {
        let after = batch.after().clone();
        Self {
            payloads: vec![Payload::Changes(batch)],
            to: vec![(session, 0)],
            ..Self::new(after)
        }
    }

    /// Adds what the next member of a group's round is due.
    pub(super) fn add_next_member(
        &mut self,
        group: &mut SubscriptionGroup,
        number: usize,
    ) -> StepResult {
        let Some((session, from)) = group.next_member() else {
            return StepResult::Over;
        };
        let session = session.clone();
        let payload = from.and_then(|from| self.changes(group, number, from));
        self.to.extend(payload.map(|payload| (session, payload)));
        StepResult::GoesOn
    }

    /// Adds the position for one session, unless its format has no frame for it.
    pub(super) fn add_position(&mut self, session: ServeHandle, of: &Subscription) {
        let payload = self.position(of);
        self.to.extend(payload.map(|payload| (session, payload)));
    }

    /// The sessions, each with its payload.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&ServeHandle, &Payload)> {
        self.to
            .iter()
            .map(|(session, payload)| (session, &self.payloads[*payload]))
    }

    fn changes(&mut self, group: &SubscriptionGroup, number: usize, from: u64) -> Option<usize> {
        if let Some((_, _, payload)) = self.last.filter(|last| (last.0, last.1) == (number, from)) {
            return Some(payload);
        }
        let payload = self.add(Payload::Changes(group.batch(from)?));
        self.last = Some((number, from, payload));
        Some(payload)
    }

    fn position(&mut self, of: &Subscription) -> Option<usize> {
        let key = (of.format, of.scope.fingerprint());
        if let Some(payload) = self.positions.get(&key) {
            return Some(*payload);
        }
        let frame = of.message(&Message::Position(&self.newest.cursor))?;
        let payload = self.add(Payload::Position {
            frame,
            checkpoint: self.newest.clone(),
        });
        self.positions.insert(key, payload);
        Some(payload)
    }

    fn add(&mut self, payload: Payload) -> usize {
        self.payloads.push(payload);
        self.payloads.len() - 1
    }
}
