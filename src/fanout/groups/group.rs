//! Sessions with one subscription, and the stream that they are sent.
//!
//! A group has one stream; each member was handed some of it. A round goes over the
//! members and hands each what it has not had yet, in one piece. Changes that come while a round is
//! under way go to the members that it has still to reach together with what it brings them, and to
//! the others in the next round: the longer the writing takes, the more frames one write carries.
//!
//! A long round is followed by a cooldown: what comes meanwhile is handed out in one round, where
//! otherwise a round would begin for the first of it (docs/adr/0013).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::session::{MemberSlot, Notification, ServeHandle, Subscription, WriteBatch};

/// A round that took this long is followed by a cooldown.
const LONG_ROUND: Duration = Duration::from_millis(1);
/// A cooldown is this part of the round before it.
const COOLDOWN_PART: u32 = 4;
/// But no longer than this: a process that was stopped in the middle of a round would cool down
/// for its stop, too.
const COOLDOWN_MAX: Duration = Duration::from_millis(10);
/// So many changes need no cooldown: with more of them a write saves little more.
const ENOUGH: usize = 8;

/// One group.
pub(in crate::fanout) struct SubscriptionGroup {
    pub(in crate::fanout) subscription: Arc<Subscription>,
    members: Vec<Member>,
    /// What some member may not have been handed yet.
    stream: Vec<Notification>,
    /// How many were in the stream before the first that is left.
    dropped: u64,
    phase: Phase,
}

/// What the group does now.
enum Phase {
    /// Nothing: every member was handed everything.
    Idle,
    /// A round.
    Round(Round),
    /// The cooldown after one.
    Cooldown,
}

struct Member {
    session: ServeHandle,
    /// How much of the stream it was handed, from the group's beginning.
    handed: u64,
}

/// A walk over all members.
struct Round {
    began: Instant,
    /// The next member to be visited.
    hand: usize,
    /// Where the stream ended when the round began: at its end all have been handed this much.
    goal: u64,
}

/// What follows a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fanout) enum Next {
    /// Nothing, until something comes.
    Idle,
    /// Another: something came meanwhile.
    Round,
    /// A cooldown until then.
    Cooldown(Instant),
}

impl SubscriptionGroup {
    pub(in crate::fanout) fn new(subscription: Arc<Subscription>) -> Self {
        Self {
            subscription,
            members: Vec::new(),
            stream: Vec::new(),
            dropped: 0,
            phase: Phase::Idle,
        }
    }

    /// Whether it has members.
    pub(in crate::fanout) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The sessions, in no particular order.
    pub(in crate::fanout) fn members(&self) -> impl ExactSizeIterator<Item = &ServeHandle> {
        self.members.iter().map(|member| &member.session)
    }

    /// Adds a session, which was sent all that came before. `number` is the group's own.
    pub(in crate::fanout) fn add(&mut self, session: ServeHandle, number: usize) {
        session.share(&self.subscription);
        session.set_slot(Some(MemberSlot::new(number, self.members.len())));
        let handed = self.end();
        self.members.push(Member { session, handed });
    }

    /// Takes a member out. Members before the round's hand stay before it, and members behind
    /// it behind.
    pub(in crate::fanout) fn remove(&mut self, at: MemberSlot) {
        let mut slot = at.slot();
        if let Phase::Round(round) = &mut self.phase
            && slot < round.hand
        {
            round.hand -= 1;
            self.members.swap(slot, round.hand);
            self.members[slot].session.set_slot(Some(at));
            slot = round.hand;
        }
        self.members.swap_remove(slot).session.set_slot(None);
        if let Some(moved) = self.members.get(slot) {
            moved
                .session
                .set_slot(Some(MemberSlot::new(at.group(), slot)));
        }
    }

    /// How many changes wait for some member.
    pub(in crate::fanout) fn waiting(&self) -> usize {
        self.stream.len()
    }

    /// Adds to the stream; returns whether a round begins with it.
    pub(in crate::fanout) fn push(&mut self, notification: Notification) -> bool {
        self.stream.push(notification);
        let begins = match self.phase {
            Phase::Idle => true,
            Phase::Round(_) => false,
            Phase::Cooldown => self.stream.len() >= ENOUGH,
        };
        if begins {
            self.begin();
        }
        begins
    }

    /// Ends the cooldown, if there is one; returns whether a round begins.
    pub(in crate::fanout) fn wake(&mut self) -> bool {
        if !matches!(self.phase, Phase::Cooldown) {
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
        self.phase = Phase::Round(Round {
            began: Instant::now(),
            hand: 0,
            goal: self.end(),
        });
    }

    /// The next member of the round, and from where on it is handed the stream, if there is
    /// something that it was not handed yet. None when the round has been with all of them:
    /// [`SubscriptionGroup::finish`] it when all is written.
    pub(in crate::fanout) fn next_member(&mut self) -> Option<(&ServeHandle, Option<u64>)> {
        let end = self.end();
        let Phase::Round(round) = &mut self.phase else {
            return None;
        };
        let member = self.members.get_mut(round.hand)?;
        round.hand += 1;
        let handed = std::mem::replace(&mut member.handed, end);
        Some((&member.session, (handed < end).then_some(handed)))
    }

    /// Ends a round that has been with everyone; returns what follows. Does nothing to one that has
    /// not.
    pub(in crate::fanout) fn finish(&mut self, now: Instant) -> Next {
        let Phase::Round(round) = &self.phase else {
            return Next::Idle;
        };
        if round.hand < self.members.len() {
            return Next::Idle;
        }
        let (goal, took) = (round.goal, now.saturating_duration_since(round.began));
        let done = usize::try_from(goal - self.dropped).expect("no more than was in the stream");
        self.stream.drain(..done);
        self.dropped = goal;
        self.phase = Phase::Idle;
        if took >= LONG_ROUND && self.stream.len() < ENOUGH {
            self.phase = Phase::Cooldown;
            return Next::Cooldown(now + COOLDOWN_MAX.min(took / COOLDOWN_PART));
        }
        if self.stream.is_empty() {
            return Next::Idle;
        }
        self.begin();
        Next::Round
    }

    /// What one member was not handed yet, which is not handed to it by the round any more.
    pub(in crate::fanout) fn take_remaining(&mut self, at: MemberSlot) -> Option<WriteBatch> {
        let end = self.end();
        let handed = std::mem::replace(&mut self.members[at.slot()].handed, end);
        self.batch(handed)
    }

    /// The stream from here on.
    pub(in crate::fanout) fn batch(&self, from: u64) -> Option<WriteBatch> {
        let skip = usize::try_from(from - self.dropped).expect("no more than was in the stream");
        WriteBatch::new(&self.stream[skip..])
    }

    /// How long the stream is, from the group's beginning.
    fn end(&self) -> u64 {
        self.dropped + self.stream.len() as u64
    }
}
