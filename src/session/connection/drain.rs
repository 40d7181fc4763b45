//! What a drainer does to its connection: sends what waits, and lets wait what is missed.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;

use super::catch_up::CatchUp;
use super::send_queue::ClientRequest;
use super::serve::ServeHandle;
use super::wire::{ConnectionState, DrainHandle};
use crate::protocol::close::CloseCode;
use crate::session::state::{ViewEffect, ViewInput, ViewState, WireInput, WireState};
use crate::session::subscription::Subscription;
use crate::session::tick::Tick;

/// What a drainer does next.
#[derive(Debug)]
pub enum DrainStep {
    /// Wait until the socket takes more, then go on.
    Blocked,
    /// All is sent: carry out the request if there is one, else go on catching up.
    CatchUp(CatchUp, Arc<Subscription>, Option<ClientRequest>),
    /// Nothing: the session does without a drainer from here on.
    Done,
}

impl DrainHandle {
    /// Sends what waits, as far as the socket takes it.
    pub fn next_step(&self, now: Tick, sent: &Counter) -> DrainStep {
        let connection = self.connection();
        let mut state = connection.lock();
        let state = &mut *state;
        loop {
            if matches!(state.session.wire(), WireState::Closed(_)) {
                state.queue = None;
            }
            let Some(queue) = &mut state.queue else {
                return DrainStep::Done;
            };
            if queue.is_empty() {
                break;
            }
            match connection.socket.try_write_vectored(&queue.slices()) {
                Ok(0) => drop(connection.end_locked(state, CloseCode::ABNORMAL)),
                Ok(taken) => {
                    sent.inc_by(taken as u64);
                    queue.advance(taken);
                    connection.note_taken(state, now);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return DrainStep::Blocked;
                }
                Err(_) => drop(connection.end_locked(state, CloseCode::ABNORMAL)),
            }
        }
        if let Some((queue, catch_up)) = catching_up(state) {
            let request = queue.next_request();
            let subscription = Arc::clone(&state.view.subscription);
            return DrainStep::CatchUp(catch_up, subscription, request);
        }
        connection.apply_to_wire(state, WireInput::Sent);
        state.queue = None;
        DrainStep::Done
    }

    /// Sends what waits without waiting for the kernel to announce room: it does so only when a
    /// third of its buffer is free, and a slow peer that is taking byte after byte must not seem
    /// silent until then.
    pub fn flush(&self, now: Tick, sent: &Counter) {
        let connection = self.connection();
        let mut state = connection.lock();
        if state
            .queue
            .as_mut()
            .is_some_and(|queue| connection.fill(queue, sent))
        {
            connection.note_taken(&mut state, now);
        }
    }

    /// Lets frames of the catch-up wait, and says how it goes on from there. `announced` is the
    /// offset up to which the client then knows its position, where that changes. A session that
    /// is not catching up any more takes nothing.
    pub fn send(
        &self,
        frames: impl IntoIterator<Item = Bytes>,
        catch_up: CatchUp,
        announced: Option<u64>,
    ) {
        let mut state = self.connection().lock();
        let state = &mut *state;
        if !is_catching_up(state) {
            return;
        }
        let Some(queue) = &mut state.queue else {
            return;
        };
        queue.push_steps(frames);
        state.view.catch_up = Some(Box::new(catch_up));
        if let Some(announced) = announced {
            let marks = &self.connection().marks;
            marks.announced.store(announced, Relaxed);
        }
    }

    /// Changes the subscription.
    pub fn subscribe(&self, subscription: Subscription) {
        self.connection().lock().view.subscription = Arc::new(subscription);
    }

    /// Hands the session over to the dispatcher once nothing is left to send or to carry out; else
    /// gives the handle back.
    pub fn hand_over(self) -> Result<ServeHandle, Self> {
        let mut state = self.connection().lock();
        let is_ready = state.queue.as_ref().is_some_and(|queue| queue.is_idle())
            && state.view.catch_up.as_deref().is_some_and(CatchUp::is_live);
        if !is_ready || state.session.apply_to_view(ViewInput::CaughtUp) != ViewEffect::HandOver {
            drop(state);
            return Err(self);
        }
        state.queue = None;
        drop(state);
        Ok(ServeHandle::new(Arc::clone(self.connection())))
    }
}

fn is_catching_up(state: &ConnectionState) -> bool {
    !state.session.is_closing() && state.session.view() == ViewState::CatchingUp
}

fn catching_up(
    state: &mut ConnectionState,
) -> Option<(&mut super::send_queue::SendQueue, CatchUp)> {
    if !is_catching_up(state) {
        return None;
    }
    let catch_up = state.view.catch_up.as_deref()?.clone();
    Some((state.queue.as_deref_mut()?, catch_up))
}
