//! Sessions with one subscription, and what they are being shown.
//!
//! What a class is shown is one stream; each member stands somewhere in it. A round goes over the members and hands each
//! what it has not had yet, in one piece. Changes that come while a round is under way go to the members that it has
//! still to reach together with what it brings them, and to the others in the next round: the longer the writing takes,
//! the more frames one write carries.
//!
//! A long round is followed by a rest: what comes meanwhile is handed out in one round, where otherwise a round would
//! begin for the first of it (docs/adr/0013).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Outbox;
use super::burst::{Burst, Shown};
use super::outbox::Seat;
use super::registry::Subscription;

/// A round that took this long is followed by a rest.
const LONG_ROUND: Duration = Duration::from_millis(1);
/// A rest is this part of the round before it.
const REST_PART: u32 = 4;
/// But no longer than this: a process that was stopped in the middle of a round would rest for its stop, too.
const LONGEST_REST: Duration = Duration::from_millis(10);
/// So many changes need no rest: with more of them a write saves little more.
const ENOUGH: usize = 8;

/// One class.
pub(super) struct Class {
    pub(super) subscription: Arc<Subscription>,
    members: Vec<Member>,
    /// What some member may not have been handed yet.
    stream: Vec<Shown>,
    /// How many were in the stream before the first that is left.
    dropped: u64,
    phase: Phase,
}

/// What is going on.
enum Phase {
    /// Nothing: every member was handed everything.
    Idle,
    /// A round.
    Round(Round),
    /// The rest after one.
    Rest,
}

struct Member {
    outbox: Arc<Outbox>,
    /// How much of the stream it was handed, from the class's beginning.
    handed: u64,
}

/// A way over all members.
struct Round {
    began: Instant,
    /// The next member to be looked at.
    hand: usize,
    /// Where the stream ended when the round began: at its end all have been handed this much.
    goal: u64,
}

/// What follows a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing, until something comes.
    Idle,
    /// Another: something came meanwhile.
    Round,
    /// A rest until then.
    Rest(Instant),
}

impl Class {
    pub(super) fn new(subscription: Arc<Subscription>) -> Self {
        Self { subscription, members: Vec::new(), stream: Vec::new(), dropped: 0, phase: Phase::Idle }
    }

    /// Whether it has members.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The sessions, in no particular order.
    pub(super) fn members(&self) -> impl ExactSizeIterator<Item = &Arc<Outbox>> {
        self.members.iter().map(|member| &member.outbox)
    }

    /// Seats a session, which has had all that the class was shown. `number` is the class's own.
    pub(super) fn add(&mut self, outbox: Arc<Outbox>, number: usize) {
        outbox.share(&self.subscription);
        outbox.take_seat(Some(Seat::new(number, self.members.len())));
        let handed = self.end();
        self.members.push(Member { outbox, handed });
    }

    /// Takes out who sits there. Members before the round's hand stay before it, and members behind it behind.
    pub(super) fn remove(&mut self, seat: Seat) {
        let mut slot = seat.slot();
        if let Phase::Round(round) = &mut self.phase
            && slot < round.hand
        {
            round.hand -= 1;
            self.members.swap(slot, round.hand);
            self.members[slot].outbox.take_seat(Some(seat));
            slot = round.hand;
        }
        self.members.swap_remove(slot).outbox.take_seat(None);
        if let Some(moved) = self.members.get(slot) {
            moved.outbox.take_seat(Some(Seat::new(seat.class(), slot)));
        }
    }

    /// How many changes wait for some member.
    pub(super) fn waiting(&self) -> usize {
        self.stream.len()
    }

    /// Adds to the stream; returns whether a round begins with it.
    pub(super) fn push(&mut self, shown: Shown) -> bool {
        self.stream.push(shown);
        let begins = match self.phase {
            Phase::Idle => true,
            Phase::Round(_) => false,
            Phase::Rest => self.stream.len() >= ENOUGH,
        };
        if begins {
            self.begin();
        }
        begins
    }

    /// Ends the rest, if there is one; returns whether a round begins.
    pub(super) fn wake(&mut self) -> bool {
        if !matches!(self.phase, Phase::Rest) {
            return false;
        }
        self.phase = Phase::Idle;
        let begins = !self.stream.is_empty();
        if begins {
            self.begin();
        }
        begins
    }

    fn begin(&mut self) {
        self.phase = Phase::Round(Round { began: Instant::now(), hand: 0, goal: self.end() });
    }

    /// The next member of the round, and from where on it is handed the stream, if there is something that it was not
    /// handed yet. None when the round has been with all of them: [`Class::finish`] it when all is written.
    pub(super) fn next_member(&mut self) -> Option<(&Arc<Outbox>, Option<u64>)> {
        let end = self.end();
        let Phase::Round(round) = &mut self.phase else { return None };
        let member = self.members.get_mut(round.hand)?;
        round.hand += 1;
        let handed = std::mem::replace(&mut member.handed, end);
        Some((&member.outbox, (handed < end).then_some(handed)))
    }

    /// Ends a round that has been with everyone; returns what follows. Does nothing to one that has not.
    pub(super) fn finish(&mut self, now: Instant) -> Next {
        let Phase::Round(round) = &self.phase else { return Next::Idle };
        if round.hand < self.members.len() {
            return Next::Idle;
        }
        let (goal, took) = (round.goal, now.saturating_duration_since(round.began));
        let done = usize::try_from(goal - self.dropped).expect("no more than was in the stream");
        self.stream.drain(..done);
        self.dropped = goal;
        self.phase = Phase::Idle;
        if took >= LONG_ROUND && self.stream.len() < ENOUGH {
            self.phase = Phase::Rest;
            return Next::Rest(now + LONGEST_REST.min(took / REST_PART));
        }
        if self.stream.is_empty() {
            return Next::Idle;
        }
        self.begin();
        Next::Round
    }

    /// What one member was not handed yet, which is not handed to it by the round any more.
    pub(super) fn take_rest(&mut self, seat: Seat) -> Option<Burst> {
        let end = self.end();
        let handed = std::mem::replace(&mut self.members[seat.slot()].handed, end);
        self.burst(handed)
    }

    /// The stream from here on.
    pub(super) fn burst(&self, from: u64) -> Option<Burst> {
        let skip = usize::try_from(from - self.dropped).expect("no more than was in the stream");
        Burst::new(&self.stream[skip..])
    }

    /// How long the stream is, from the class's beginning.
    fn end(&self) -> u64 {
        self.dropped + self.stream.len() as u64
    }
}
