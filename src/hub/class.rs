//! Sessions with one subscription, and what they are being shown.
//!
//! What a class is shown is one stream; each member stands somewhere in it. A round goes over the members and hands each
//! what it has not had yet, in one piece. Changes that come while a round is under way go to the members that it has
//! still to reach together with what it brings them, and to the others in the next round: the longer the writing takes,
//! the more frames one write carries.

use std::sync::Arc;

use super::Outbox;
use super::burst::{Burst, Shown};
use super::outbox::Seat;
use super::registry::Subscription;

/// One class.
pub(super) struct Class {
    pub(super) subscription: Arc<Subscription>,
    members: Vec<Member>,
    /// What some member may not have been handed yet.
    stream: Vec<Shown>,
    /// How many were in the stream before the first that is left.
    dropped: u64,
    /// None when every member was handed everything.
    round: Option<Round>,
}

struct Member {
    outbox: Arc<Outbox>,
    /// How much of the stream it was handed, from the class's beginning.
    handed: u64,
}

/// A way over all members.
struct Round {
    /// The next member to be looked at.
    hand: usize,
    /// Where the stream ended when the round began: at its end all have been handed this much.
    goal: u64,
    /// Whether those that are handed no change are to be told of their position.
    tells: bool,
}

/// What a member is due.
pub(super) enum Due {
    /// What it was not handed yet, from here on.
    Changes(u64),
    /// To be told of its position, unless it knows.
    Position,
    /// Nothing.
    Nothing,
}

impl Class {
    pub(super) fn new(subscription: Arc<Subscription>) -> Self {
        Self { subscription, members: Vec::new(), stream: Vec::new(), dropped: 0, round: None }
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
        if let Some(round) = self.round.as_mut().filter(|round| slot < round.hand) {
            round.hand -= 1;
            self.members.swap(slot, round.hand);
            self.members[slot].outbox.take_seat(Some(seat));
            slot = round.hand;
        }
        self.members.swap_remove(slot);
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
        let begins = self.round.is_none();
        if begins {
            self.round = Some(Round { hand: 0, goal: self.end(), tells: false });
        }
        begins
    }

    /// Has every member told of its position that is shown nothing meanwhile; returns whether a round begins with it.
    pub(super) fn tell_positions(&mut self) -> bool {
        let round = Round { hand: 0, goal: self.end(), tells: true };
        self.round.replace(round).is_none()
    }

    /// The next member of the round, and what it is due. None when the round is over, and nothing came meanwhile.
    pub(super) fn next_due(&mut self) -> Option<(&Arc<Outbox>, Due)> {
        let end = self.end();
        let round = self.round.as_mut()?;
        if round.hand == self.members.len() {
            let done = usize::try_from(round.goal - self.dropped).expect("no more than was in the stream");
            self.stream.drain(..done);
            self.dropped = round.goal;
            if self.stream.is_empty() || self.members.is_empty() {
                self.round = None;
                return None;
            }
            *round = Round { hand: 0, goal: end, tells: false };
        }
        let member = &mut self.members[round.hand];
        round.hand += 1;
        let handed = std::mem::replace(&mut member.handed, end);
        let due = match handed {
            handed if handed < end => Due::Changes(handed),
            _ if round.tells => Due::Position,
            _ => Due::Nothing,
        };
        Some((&member.outbox, due))
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
