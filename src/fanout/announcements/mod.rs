//! The announcements that are still due to every session, and when.

mod sweep;

use std::time::Duration;

use tokio::time::Instant;

use crate::session::{ServeHandle, Sessions};
use sweep::Sweep;

/// How long a step waits while changes come without a pause.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
/// The pace of continuity messages: ten thousand sessions in half a second.
const WORD: Duration = Duration::from_micros(50);

/// Two sweeps over the roster: one for positions, one for continuity.
#[derive(Debug)]
pub(super) struct Announcements {
    positions: Sweep,
    continuity: Sweep,
    /// From one shard's positions to the next one's.
    pause: Duration,
    patience: Duration,
    /// Since when continuity is unproved, if that is announced.
    unproved: Option<Instant>,
}

/// An announcement that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announcement {
    /// Continuity messages to the sessions of a shard.
    Continuity(usize),
    /// Positions to the sessions of a shard.
    Positions(usize),
}

impl Announcements {
    /// None yet. A session whose cursor moved is sent its position within `interval`: it is visited
    /// every four fifths of that, and the rest is for what comes first.
    pub(super) fn new(interval: Duration) -> Self {
        let shards = u32::try_from(Sessions::SHARDS).expect("there are about a thousand");
        Self {
            positions: Sweep::resting(),
            continuity: Sweep::resting(),
            pause: interval * 4 / 5 / shards,
            patience: PATIENCE.min(interval / 20),
            unproved: None,
        }
    }

    /// The cursor moved, or a session came that may not know where it is.
    pub(super) fn moved(&mut self) {
        self.positions.extend(self.pause);
    }

    /// Continuity is unproved since then, or proved.
    pub(super) fn set_unproved(&mut self, since: Option<Instant>) {
        self.unproved = since;
        self.continuity.restart();
    }

    /// Since when continuity is unproved.
    pub(super) const fn unproved(&self) -> Option<Instant> {
        self.unproved
    }

    /// Whether the current sweep will still visit a session to announce continuity.
    pub(super) fn will_tell(&self, session: &ServeHandle) -> bool {
        self.continuity.will_visit(Sessions::shard_of(session))
    }

    /// When an announcement is due next.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.positions.due(), self.continuity.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether an announcement was due so long ago that it does not wait for changes any more.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.due().is_some_and(|due| due + self.patience < now)
    }

    /// Takes the next announcement, if one is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Announcement> {
        if let Some(shard) = self.continuity.next_shard(now) {
            return Some(Announcement::Continuity(shard));
        }
        let shard = self.positions.next_shard(now)?;
        let turn = self.pause * u32::try_from(Sessions::SHARDS).unwrap_or(u32::MAX);
        self.positions.pause(now, self.pause, turn);
        Some(Announcement::Positions(shard))
    }

    /// This many sessions got a continuity message at once: the next are due later.
    pub(super) fn told(&mut self, count: usize, now: Instant) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.continuity
            .pause(now, WORD.saturating_mul(count), PATIENCE);
    }
}
