//! What a client is told of continuity: that it is unproved as soon as it is live, that it is proved again once it was
//! shown all that came before.
//!
//! Before `live` nothing is said: who is not live does not take what it has for the view. Who is behind when continuity
//! is proved again learns it when the dispatcher takes over.

use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use super::backlog::Backlog;
use super::standing::{Attend, Course, Standing};
use super::{Outbox, State};
use crate::protocol::message::Message;

impl Outbox {
    /// Says to who is live since when continuity is unproved.
    pub(in crate::hub) fn tell_stale(&self, since: Instant, sent: &Counter) -> Attend {
        let mut state = self.lock();
        let is_live = match &state.standing {
            Standing::Live | Standing::Joining(_) => true,
            Standing::Behind(course) => matches!(**course, Course::Missed { owes_live: None, .. }),
            Standing::Closing { .. } | Standing::Ended(_) => false,
        };
        if !is_live {
            return Attend::Settled;
        }
        self.say(&mut state, &Message::Stale { seconds: since.elapsed().as_secs() }, true, sent)
    }

    /// Says to who was told otherwise, and is behind in nothing but its queue, that continuity is proved.
    pub(in crate::hub) fn tell_fresh(&self, sent: &Counter) -> Attend {
        let mut state = self.lock();
        if !state.thinks_stale || state.standing != Standing::Live {
            return Attend::Settled;
        }
        self.say(&mut state, &Message::Fresh, false, sent)
    }

    /// Says what a session that was just made live was not told yet. None: continuity is proved.
    pub(in crate::hub) fn catch_up_on_continuity(&self, unproved: Option<Instant>, sent: &Counter) -> Attend {
        let thinks_stale = self.lock().thinks_stale;
        match unproved {
            Some(since) if !thinks_stale => self.tell_stale(since, sent),
            Some(_) => Attend::Settled,
            None => self.tell_fresh(sent),
        }
    }

    fn say(&self, state: &mut State, word: &Message<'_>, is_stale: bool, sent: &Counter) -> Attend {
        let Some(frame) = state.subscription.dress.message(word) else { return Attend::Settled };
        state.thinks_stale = is_stale;
        let wait = if is_stale { Backlog::push_stale } else { Backlog::push_fresh };
        if let Some(backlog) = &mut state.backlog {
            wait(backlog, frame);
            return Attend::Settled;
        }
        self.send_or_keep(state, sent, frame, wait)
    }
}
