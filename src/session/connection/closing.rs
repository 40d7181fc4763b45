//! How a session ends: the last frame, the peer's answer, and what a peer that takes nothing still
//! learns.

use std::sync::Arc;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;

use super::send_queue::SendQueue;
use super::wire::{Connection, ConnectionState, DrainHandle};
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::frame;
use crate::session::state::{WireEffect, WireInput};
use crate::session::tick::Tick;

/// The kernel is asked to take this much more than the rest of a half-written frame when a stalled
/// session is closed.
const CLOSE_ROOM: usize = 16 * 1024;

/// A closing that has just begun, and the drainer that it needs.
#[derive(Debug)]
pub(in crate::session) struct Begun(pub(in crate::session) Option<DrainHandle>);

impl Connection {
    /// Closes from our side; the peer's answer is awaited. None where the session is closing or
    /// ended already.
    pub(in crate::session) fn close(
        self: &Arc<Self>,
        close: &Close,
        now: Tick,
        sent: &Counter,
    ) -> Option<Begun> {
        let mut state = self.lock();
        // Only WebSocket has a close frame, and an answer to it.
        let last = state.view.format().close(close);
        let input = WireInput::Close {
            code: close.code,
            awaits_answer: !last.is_empty(),
        };
        if self.apply_to_wire(&mut state, input) != WireEffect::SendClose {
            return None;
        }
        self.note_closing(now);
        if let (Some(queue), false) = (&mut state.queue, close.code.is_orderly()) {
            queue.drop_waiting();
        }
        let drain = self.last_frame(&mut state, last, sent);
        if matches!(close.code, CloseCode::STALLED | CloseCode::UNAUTHORIZED) {
            self.push_through(&mut state, sent);
        }
        Some(Begun(drain))
    }

    /// Answers the peer's close frame, or ends the session where that was the answer to ours. None
    /// where the session is closing or ended already.
    pub(in crate::session) fn peer_closed(
        self: &Arc<Self>,
        code: Option<CloseCode>,
        now: Tick,
        sent: &Counter,
    ) -> Option<Begun> {
        let mut state = self.lock();
        let input = WireInput::PeerClose(code.unwrap_or(CloseCode::NO_STATUS));
        match self.apply_to_wire(&mut state, input) {
            WireEffect::AnswerClose => {}
            WireEffect::CheckSent => {
                if state.queue.is_none() {
                    self.apply_to_wire(&mut state, WireInput::Sent);
                }
                return None;
            }
            _ => return None,
        }
        self.note_closing(now);
        if let Some(queue) = &mut state.queue {
            queue.drop_waiting();
        }
        Some(Begun(self.last_frame(&mut state, frame::echo(code), sent)))
    }

    fn last_frame(
        self: &Arc<Self>,
        state: &mut ConnectionState,
        frame: Bytes,
        sent: &Counter,
    ) -> Option<DrainHandle> {
        if state.queue.is_some() && frame.is_empty() {
            return None;
        }
        let drain = self.send_or_queue(state, sent, frame, SendQueue::push_close);
        if state.queue.is_none() {
            self.apply_to_wire(state, WireInput::Sent);
        }
        drain
    }

    /// Lets the kernel take what little is left for a peer that takes nothing: it learns why when
    /// it reads again, long after the session is gone here.
    fn push_through(&self, state: &mut ConnectionState, sent: &Counter) {
        let Some(queue) = &mut state.queue else {
            return;
        };
        let socket = socket2::SockRef::from(&self.socket);
        let slices = queue.slices();
        let room = slices.iter().map(|slice| slice.len()).sum::<usize>() + CLOSE_ROOM;
        drop(slices);
        // Best effort: without it the close frame waits like any other, until the close timeout.
        let _ = socket
            .send_buffer_size()
            .and_then(|size| socket.set_send_buffer_size(size + room));
        self.fill(queue, sent);
        if queue.is_empty() {
            self.apply_to_wire(state, WireInput::Sent);
        }
    }
}
