//! The dispatching thread's operations on a connection: it takes the connection over, sends it to
//! catch up, and announces whether continuity is proved.
//!
//! Before `live` a client gets no continuity messages: its view is not complete anyway. A client
//! that is catching up when continuity is proved again gets `fresh` when the dispatcher takes over.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use super::catch_up::CatchUp;
use super::member_slot::MemberSlot;
use super::send_queue::{ClientRequest, SendQueue, TooManyRequests};
use super::wire::{Connection, ConnectionState, DrainHandle};
use crate::history::Checkpoint;
use crate::protocol::message::Message;
use crate::session::state::{ViewEffect, ViewInput, ViewState};
use crate::session::subscription::Subscription;

/// The right of the dispatching thread to serve a connection; no other thread holds one for longer
/// than it takes to hand it over.
#[derive(Clone, Debug)]
pub struct ServeHandle(Arc<Connection>);

impl ServeHandle {
    pub(in crate::session) const fn new(connection: Arc<Connection>) -> Self {
        Self(connection)
    }

    /// A handle, for a test that takes the part of the dispatching thread.
    #[cfg(test)]
    pub(crate) fn of(connection: &Arc<Connection>) -> Self {
        Self::new(Arc::clone(connection))
    }

    /// Whose right it is.
    pub fn connection(&self) -> &Arc<Connection> {
        &self.0
    }

    /// Makes a joining session live; returns the checkpoint from which it is to be served.
    pub fn join(&self) -> Option<Checkpoint> {
        let mut state = self.lock();
        if state.session.apply_to_view(ViewInput::Join) != ViewEffect::Serve {
            return None;
        }
        match state.view.catch_up.take().map(|catch_up| *catch_up) {
            Some(CatchUp::Replay { from, .. }) => Some(from),
            _ => unreachable!("only a replay is handed over"),
        }
    }

    /// Sends a live session to catch up.
    pub fn leave(&self, catch_up: CatchUp) -> Option<DrainHandle> {
        let mut state = self.lock();
        if state.session.apply_to_view(ViewInput::Leave) != ViewEffect::CatchUp {
            return None;
        }
        state.view.catch_up = Some(Box::new(catch_up));
        self.queue_for_drainer(&mut state).1
    }

    /// Keeps a request until nothing else waits, and takes the session out of the stream until
    /// then. `checkpoint` is the newest one. Called between two batches.
    pub fn ask(
        &self,
        request: ClientRequest,
        checkpoint: &Checkpoint,
    ) -> Result<Option<DrainHandle>, TooManyRequests> {
        let mut state = self.lock();
        match state.session.apply_to_view(ViewInput::Request) {
            ViewEffect::Nothing => return Ok(None),
            ViewEffect::CatchUp => {
                let catch_up = CatchUp::replay(checkpoint.clone());
                state.view.catch_up = Some(Box::new(catch_up));
            }
            // Its catch-up is still the one with which it was handed over.
            _ => {}
        }
        let (queue, drain) = self.queue_for_drainer(&mut state);
        queue.push_request(request)?;
        Ok(drain)
    }

    fn queue_for_drainer<'a>(
        &self,
        state: &'a mut ConnectionState,
    ) -> (&'a mut SendQueue, Option<DrainHandle>) {
        let drain = state.queue.is_none().then(|| DrainHandle::new(&self.0));
        (state.queue.get_or_insert_default(), drain)
    }

    /// Replaces the subscription by an equal one that others hold too.
    pub fn share(&self, equal: &Arc<Subscription>) {
        self.lock().view.subscription = Arc::clone(equal);
    }

    /// Whether the client knows its position at this checkpoint.
    pub fn knows(&self, checkpoint: &Checkpoint) -> bool {
        self.marks.announced.load(Relaxed) >= checkpoint.offset
    }

    /// Its slot in a group.
    pub fn slot(&self) -> Option<MemberSlot> {
        MemberSlot::from_bits(self.marks.slot.load(Relaxed))
    }

    /// Moves it to a slot, or takes it out.
    pub fn set_slot(&self, slot: Option<MemberSlot>) {
        self.marks.slot.store(MemberSlot::to_bits(slot), Relaxed);
    }

    /// Sends a live client since when continuity is unproved.
    pub fn tell_stale(&self, since: Instant, sent: &Counter) -> Option<DrainHandle> {
        let mut state = self.lock();
        let is_live = match state.session.view() {
            ViewState::Live | ViewState::Joining => true,
            ViewState::CatchingUp => state.view.catch_up.as_deref().is_some_and(CatchUp::is_live),
        };
        if !is_live || state.session.is_closing() {
            return None;
        }
        let seconds = since.elapsed().as_secs();
        self.tell(&mut state, &Message::Stale { seconds }, true, sent)
    }

    /// Sends `fresh` to a client that got `stale` and lacks no change but those in its queue.
    pub fn tell_fresh(&self, sent: &Counter) -> Option<DrainHandle> {
        let mut state = self.lock();
        if !state.believes_stale || !state.session.is_live() {
            return None;
        }
        self.tell(&mut state, &Message::Fresh, false, sent)
    }

    /// Brings a session that has just become live up to date on continuity; `None` means that it
    /// is proved.
    pub fn update_on_continuity(
        &self,
        unproved: Option<Instant>,
        sent: &Counter,
    ) -> Option<DrainHandle> {
        let believes_stale = self.lock().believes_stale;
        match unproved {
            Some(since) if !believes_stale => self.tell_stale(since, sent),
            Some(_) => None,
            None => self.tell_fresh(sent),
        }
    }

    fn tell(
        &self,
        state: &mut ConnectionState,
        message: &Message<'_>,
        is_stale: bool,
        sent: &Counter,
    ) -> Option<DrainHandle> {
        let frame = state.view.message(message)?;
        state.believes_stale = is_stale;
        let wait = if is_stale {
            SendQueue::push_stale
        } else {
            SendQueue::push_fresh
        };
        self.0.send_or_queue(state, sent, frame, wait)
    }
}

impl Deref for ServeHandle {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}
