//! Announces to every session where the cursor is, and whether continuity is proved
//! (docs/adr/0014).
//!
//! Both go over the roster shard by shard: positions evenly over their interval, continuity at a
//! pace that leaves room for others. Changes come first: the dispatcher makes a step of
//! announcements when no change waits, or when the step has waited too long, and then it is no
//! longer than a step of changes. A session gets its pending changes first, so that no announcement
//! is ahead of them.

use std::sync::Arc;

use tokio::time::Instant;

use super::announcements::Announcement;
use super::dispatcher::{Dispatcher, STEP_MEMBERS};
use super::writes::Writes;
use crate::session::ServeHandle;

/// Sessions that are sent an announcement in one step, unless a shard has more.
pub(super) const STEP_SESSIONS: usize = 16;

impl Dispatcher {
    /// Announces since when continuity is unproved. Sessions that become live before it is proved
    /// again get the announcement then.
    pub(super) fn tell_stale(&mut self, since: Instant) {
        self.announcements.set_unproved(Some(since));
    }

    /// Announces that continuity is proved, to sessions that got the opposite.
    pub(super) fn tell_fresh(&mut self) {
        self.announcements.set_unproved(None);
    }

    /// Brings a session that has just become live up to date on continuity.
    pub(super) fn welcome(&mut self, session: &ServeHandle) {
        self.announcements.moved();
        if !self.announcements.will_tell(session) {
            let sent = &self.sessions.metrics().session_sent_bytes;
            let drain = session.update_on_continuity(self.announcements.unproved(), sent);
            self.sessions.drain(drain);
        }
    }

    /// Makes one step of the announcements. `waiting`: changes wait for it.
    pub(super) fn announce(&mut self, waiting: bool) {
        let now = Instant::now();
        if waiting && !self.announcements.is_late(now) {
            return;
        }
        let max = if waiting { STEP_MEMBERS } else { STEP_SESSIONS };
        let mut count = 0;
        while count < max {
            count += match self.announcements.take(now) {
                Some(Announcement::Continuity(shard)) => {
                    let sessions = self.sessions.shard(shard);
                    self.announcements.told(sessions.len(), now);
                    for session in &sessions {
                        self.tell_continuity(session);
                    }
                    sessions.len()
                }
                Some(Announcement::Positions(shard)) => self.send_positions(shard),
                None => return,
            };
        }
    }

    fn tell_continuity(&mut self, session: &ServeHandle) {
        let drain = if let Some(since) = self.announcements.unproved() {
            session.tell_stale(since, &self.sessions.metrics().session_sent_bytes)
        } else {
            self.serve_one(session);
            session.tell_fresh(&self.sessions.metrics().session_sent_bytes)
        };
        self.sessions.drain(drain);
    }

    /// Sends their position to the sessions of a shard that do not know it; returns how many.
    fn send_positions(&mut self, shard: usize) -> usize {
        let Some(newest) = self.history.checkpoint() else {
            return 0;
        };
        let mut owed = Vec::new();
        for session in self.sessions.shard(shard) {
            let Some(slot) = session.slot() else { continue };
            let subscription = Arc::clone(&self.groups.group(slot.group()).subscription);
            if subscription.format.has_positions() && !session.knows(&newest) {
                self.serve_one(&session);
                owed.push((session, subscription));
            }
        }
        let count = owed.len();
        let mut writes = Writes::new(newest);
        for (session, subscription) in owed {
            writes.add_position(session, &subscription);
        }
        self.write(&writes);
        count
    }
}
