//! How a session ends: the last frame, the peer's answer, and what a peer that takes nothing still learns.

use std::net::Shutdown;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;

use super::backlog::Backlog;
use super::standing::{Attend, Standing};
use super::{Outbox, State};
use crate::hub::Tick;
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::frame;

/// The kernel is asked to take this much more than the rest of a half-written frame when a stalled session is closed.
const CLOSE_ROOM: usize = 16 * 1024;

impl Outbox {
    /// Closes from our side; the peer's answer is awaited. None where the session is closing or ended already.
    pub(in crate::hub) fn close(&self, close: &Close, now: Tick, sent: &Counter) -> Option<Attend> {
        let mut state = self.lock();
        if state.standing.is_closing() {
            return None;
        }
        if let (Some(backlog), false) = (&mut state.backlog, close.code.is_orderly()) {
            backlog.drop_waiting();
        }
        // Only WebSocket has a close frame, and an answer to it.
        let last = state.subscription.dress.close(close);
        state.standing = Standing::Closing { code: close.code, answered: last.is_empty(), since: now };
        let attend = self.last_frame(&mut state, last, sent);
        if close.code == CloseCode::STALLED {
            self.push_through(&mut state, sent);
        }
        Some(attend)
    }

    /// Answers the peer's close frame, or ends the session where that was the answer to ours. None where the session is
    /// closing or ended already.
    pub(in crate::hub) fn peer_closed(&self, code: Option<CloseCode>, now: Tick, sent: &Counter) -> Option<Attend> {
        let mut state = self.lock();
        match &mut state.standing {
            Standing::Ended(_) => return None,
            Standing::Closing { answered, .. } => {
                *answered = true;
                if state.backlog.is_none() {
                    self.sent_all(&mut state);
                }
                return None;
            }
            _ => {}
        }
        if let Some(backlog) = &mut state.backlog {
            backlog.drop_waiting();
        }
        let frame = frame::echo(code);
        let code = code.unwrap_or(CloseCode::NO_STATUS);
        state.standing = Standing::Closing { code, answered: true, since: now };
        Some(self.last_frame(&mut state, frame, sent))
    }

    fn last_frame(&self, state: &mut State, frame: Bytes, sent: &Counter) -> Attend {
        if let Some(backlog) = &mut state.backlog {
            if !frame.is_empty() {
                backlog.push_close(frame);
            }
            return Attend::Settled;
        }
        let attend = self.send_or_keep(state, sent, frame, Backlog::push_close);
        if state.backlog.is_none() {
            self.sent_all(state);
        }
        attend
    }

    /// Does what follows the last frame: where the peer has answered already, the end. Where it broke the rules, it is
    /// told that nothing more comes and its answer is not read (RFC 6455, section 7.1.7), but what it still sends is,
    /// because closing a socket with unread bytes in it may destroy the close frame on its way.
    pub(super) fn sent_all(&self, state: &mut State) {
        match state.standing {
            Standing::Closing { code, answered: true, .. } => drop(self.end_locked(state, code)),
            Standing::Closing { code, .. } if !code.is_orderly() => {
                self.socket.shutdown(Shutdown::Write);
            }
            _ => {}
        }
    }

    /// Lets the kernel take what little is left for a peer that takes nothing: it learns why when it reads again, long
    /// after the session is gone here.
    fn push_through(&self, state: &mut State, sent: &Counter) {
        let Some(backlog) = &mut state.backlog else { return };
        let socket = socket2::SockRef::from(&self.socket);
        let room = backlog.slices().iter().map(|slice| slice.len()).sum::<usize>() + CLOSE_ROOM;
        // Best effort: without it the close frame waits like any other, until the close timeout.
        let _ = socket.send_buffer_size().and_then(|size| socket.set_send_buffer_size(size + room));
        self.fill(backlog, sent);
        if backlog.is_empty() {
            self.sent_all(state);
        }
    }

    /// Ends the session now; the reader notices and cleans up. Returns the code with which it ended: a session that
    /// had one keeps it.
    pub fn end(&self, code: CloseCode) -> CloseCode {
        self.end_locked(&mut self.lock(), code)
    }

    pub(super) fn end_locked(&self, state: &mut State, code: CloseCode) -> CloseCode {
        let code = match state.standing {
            Standing::Ended(code) => return code,
            Standing::Closing { code, .. } => code,
            _ => code,
        };
        state.standing = Standing::Ended(code);
        self.socket.shutdown(Shutdown::Both);
        code
    }
}
