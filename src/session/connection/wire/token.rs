//! The token that a connection holds, under the connection's lock.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use super::{Connection, DrainHandle};
use crate::protocol::close::Close;
use crate::protocol::message::Message;
use crate::session::connection::send_queue::SendQueue;
use crate::session::tick::Tick;
use crate::session::token::{HeldToken, TokenVisit};

/// What follows from a visit to a connection's token.
#[derive(Debug)]
pub(in crate::session) enum TokenStep {
    /// There is nothing to visit any more.
    Over,
    /// The next visit, and the drainer that a message needs.
    Wait(Tick, Option<DrainHandle>),
    /// The session is closed so.
    Ended(Close),
}

impl Connection {
    /// Begins to hold a token; returns its number and its first visit.
    pub(in crate::session) fn hold(&self, token: HeldToken) -> (u8, Tick) {
        let first = (token.generation(), token.due());
        self.lock().token = Some(Box::new(token));
        first
    }

    /// Whether the client came with a token, which it may replace.
    pub(in crate::session) fn holds_token(&self) -> bool {
        self.lock().token.is_some()
    }

    /// Lets a function replace the token; none where there is no token.
    pub(in crate::session) fn with_token<T>(
        &self,
        renew: impl FnOnce(&mut HeldToken) -> T,
    ) -> Option<T> {
        self.lock().token.as_deref_mut().map(renew)
    }

    /// Does what is due for the token of this number.
    pub(in crate::session) fn visit_token(
        self: &Arc<Self>,
        generation: u8,
        now: Tick,
        sent: &Counter,
    ) -> TokenStep {
        let mut state = self.lock();
        let is_closing = state.session.is_closing();
        let Some(token) = state.token.as_deref_mut() else {
            return TokenStep::Over;
        };
        if is_closing || token.generation() != generation {
            return TokenStep::Over;
        }
        match token.visit(now) {
            TokenVisit::End(close) => TokenStep::Ended(close),
            TokenVisit::Wait(due) => TokenStep::Wait(due, None),
            TokenVisit::Warn(seconds, due) => {
                let frame = state.view.message(&Message::Expiring { seconds });
                let drain = frame.and_then(|frame| {
                    self.send_or_queue(&mut state, sent, frame, SendQueue::push_message)
                });
                TokenStep::Wait(due, drain)
            }
        }
    }
}
