//! What is told to every session and is no change: where the cursor is, and whether continuity is proved (docs/adr/0014).
//!
//! Both go over the roster group by group, positions evenly over their interval, words on continuity at a pace that
//! leaves room for others. Changes come first: a step is made when no change waits, or when the step has waited too long,
//! and then it is no longer than a step of changes. A session is first written what it has not been handed yet, so that
//! nothing that is told is ahead of what was sent.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::sweep::Sweep;
use super::writes::Writes;
use super::{Dispatcher, ROUND_STEP};
use crate::hub::Outbox;
use crate::hub::roster::{GROUPS, group_number};

/// Sessions that are told something in one step, unless a group has more.
const STEP: usize = 16;
/// The pace of words on continuity: ten thousand sessions in half a second.
const WORD: Duration = Duration::from_micros(50);
/// How long a step waits while changes come without a pause.
const PATIENCE: Duration = Duration::from_millis(500);

/// What is still to be told, and when.
#[derive(Debug)]
pub(super) struct Announcements {
    positions: Sweep,
    continuity: Sweep,
    /// From one group's positions to the next one's.
    pause: Duration,
    patience: Duration,
    /// Since when continuity is unproved, where clients are told so.
    unproved: Option<Instant>,
}

impl Announcements {
    /// Nothing yet. A session whose cursor moved is told within `interval`: its turn comes every four fifths of that, and
    /// the rest is for what comes first.
    pub(super) fn new(interval: Duration) -> Self {
        let groups = u32::try_from(GROUPS).expect("there are about a thousand");
        Self {
            positions: Sweep::resting(),
            continuity: Sweep::resting(),
            pause: interval * 4 / 5 / groups,
            patience: PATIENCE.min(interval / 20),
            unproved: None,
        }
    }

    /// The cursor moved, or somebody came who may not know where it is.
    pub(super) fn moved(&mut self) {
        self.positions.extend(self.pause);
    }

    /// Whether a session is to be told of continuity by the sweep that is under way.
    fn will_tell(&self, outbox: &Arc<Outbox>) -> bool {
        self.continuity.will_visit(group_number(outbox))
    }

    /// When there is something to tell next.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.positions.due(), self.continuity.due()].into_iter().flatten().min()
    }

    /// Whether something could have been told so long ago that it does not wait for changes any more.
    fn is_late(&self, now: Instant) -> bool {
        self.due().is_some_and(|due| due + self.patience < now)
    }
}

impl Dispatcher {
    /// Tells from when on continuity is unproved. Sessions that become live before it is proved again are told then.
    pub fn tell_stale(&mut self, since: Instant) {
        self.announcements.unproved = Some(since);
        self.announcements.continuity.restart();
    }

    /// Tells the sessions that heard otherwise that continuity is proved.
    pub fn tell_fresh(&mut self) {
        self.announcements.unproved = None;
        self.announcements.continuity.restart();
    }

    /// Tells a session that has just become live what the others know.
    pub(super) fn welcome(&mut self, outbox: &Arc<Outbox>) {
        self.announcements.moved();
        if !self.announcements.will_tell(outbox) {
            let (unproved, sent) = (self.announcements.unproved, &self.hub.metrics.session_sent_bytes);
            self.hub.attend_if(outbox.catch_up_on_continuity(unproved, sent), outbox);
        }
    }

    /// Makes one step of what is to be told. `waiting`: changes wait for it.
    pub(super) fn announce(&mut self, waiting: bool) {
        let now = Instant::now();
        if waiting && !self.announcements.is_late(now) {
            return;
        }
        let most = if waiting { ROUND_STEP } else { STEP };
        let mut told = 0;
        while told < most {
            let Announcements { positions, continuity, pause, .. } = &mut self.announcements;
            let turn = *pause * u32::try_from(GROUPS).unwrap_or(u32::MAX);
            if let Some(group) = continuity.next_group(now) {
                let sessions = self.hub.roster.group(group);
                let count = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
                self.announcements.continuity.pause(now, WORD.saturating_mul(count), PATIENCE);
                for outbox in &sessions {
                    self.tell_continuity(outbox);
                }
                told += sessions.len();
            } else if let Some(group) = positions.next_group(now) {
                positions.pause(now, *pause, turn);
                told += self.tell_positions(group);
            } else {
                return;
            }
        }
    }

    fn tell_continuity(&mut self, outbox: &Arc<Outbox>) {
        let sent = self.hub.metrics.session_sent_bytes.clone();
        let attend = if let Some(since) = self.announcements.unproved {
            outbox.tell_stale(since, &sent)
        } else {
            self.serve_one(outbox);
            outbox.tell_fresh(&sent)
        };
        self.hub.attend_if(attend, outbox);
    }

    /// Tells the sessions of a group that do not know it where the cursor is; returns how many.
    fn tell_positions(&mut self, group: usize) -> usize {
        let Some(place) = self.hub.place() else { return 0 };
        let mut owed = Vec::new();
        for outbox in self.hub.roster.group(group) {
            let Some(seat) = outbox.seat() else { continue };
            let dress = self.registry.class(seat.class()).subscription.dress;
            if dress.has_cursor() && !outbox.knows(&place) {
                self.serve_one(&outbox);
                owed.push((outbox, dress));
            }
        }
        let count = owed.len();
        let mut writes = Writes::new(place);
        for (outbox, dress) in owed {
            writes.add_position(outbox, dress);
        }
        self.write(&writes);
        count
    }
}
