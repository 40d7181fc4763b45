//! One session's part of a step of writes: its lock is taken, its bytes are sent with those of
//! others, and what became of them is noted.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering::Relaxed;

use super::catch_up::CatchUp;
use super::serve::ServeHandle;
use super::socket::{Gone, Socket};
use super::wire::{ConnectionState, DrainHandle};
use crate::protocol::close::CloseCode;
use crate::session::notification::Payload;
use crate::session::options::Options;
use crate::session::state::{ViewEffect, ViewInput};

/// A session whose socket is about to be written to; no other task writes to it meanwhile.
pub struct PendingWrite<'a> {
    to: &'a ServeHandle,
    state: MutexGuard<'a, ConnectionState>,
    payload: &'a Payload,
    /// How many bytes the socket took.
    sent: Result<usize, Gone>,
}

/// What became of a payload, and the drainer that its session needs.
#[derive(Debug)]
pub struct Delivery {
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// For a drainer.
    pub drain: Option<DrainHandle>,
}

/// What became of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It was sent, or waits, or was not needed.
    Accepted,
    /// Too much waited already: the session has left the stream and catches up.
    Overflowed,
    /// The session is not to be served any more.
    Gone,
}

impl DeliveryOutcome {
    const fn with(self, drain: Option<DrainHandle>) -> Delivery {
        Delivery {
            outcome: self,
            drain,
        }
    }
}

impl ServeHandle {
    /// Prepares a write. Where something else waits for the socket the payload waits behind it, or
    /// is not needed: what became of it is the error.
    pub fn begin_write<'a>(
        &'a self,
        payload: &'a Payload,
        options: &Options,
    ) -> Result<PendingWrite<'a>, Delivery> {
        if let Payload::Position { checkpoint, .. } = payload
            && self.knows(checkpoint)
        {
            return Err(DeliveryOutcome::Accepted.with(None));
        }
        let mut guard = self.lock();
        let state = &mut *guard;
        if !state.session.is_live() {
            return Err(DeliveryOutcome::Gone.with(None));
        }
        let Some(queue) = &mut state.queue else {
            return Ok(PendingWrite {
                to: self,
                state: guard,
                payload,
                sent: Ok(0),
            });
        };
        match payload {
            Payload::Changes(batch) => queue.push(batch),
            Payload::Position { frame, .. } => queue.push_position(frame.clone()),
        }
        self.note_announced(payload);
        Err(self.check_overflow(state, options).with(None))
    }

    /// Sends a session to catch up where too much waits for it.
    fn check_overflow(&self, state: &mut ConnectionState, options: &Options) -> DeliveryOutcome {
        let Some(queue) = &mut state.queue else {
            return DeliveryOutcome::Accepted;
        };
        if !queue.overflows(options) {
            return DeliveryOutcome::Accepted;
        }
        let from = queue
            .reached()
            .expect("only changes make it overflow")
            .clone();
        let drops_fresh = queue.drop_changes();
        state.believes_stale |= drops_fresh;
        self.marks.announced.store(from.offset, Relaxed);
        let effect = state.session.apply_to_view(ViewInput::Overflow);
        debug_assert_eq!(
            effect,
            ViewEffect::CatchUp,
            "only what is live is written to"
        );
        state.view.catch_up = Some(Box::new(CatchUp::replay(from)));
        DeliveryOutcome::Overflowed
    }

    /// A change names its position in its own partition: the client knows the whole cursor after it
    /// where there is one partition, or where it was sent all that came since it last knew.
    fn note_announced(&self, payload: &Payload) {
        let announced = &self.marks.announced;
        match payload {
            Payload::Position { checkpoint, .. } => announced.store(checkpoint.offset, Relaxed),
            Payload::Changes(batch) => {
                let (last, known) = (batch.after(), announced.load(Relaxed));
                if last.cursor.positions().len() == 1
                    || known + batch.notifications().len() as u64 == last.offset
                {
                    announced.store(last.offset, Relaxed);
                }
            }
        }
    }
}

impl<'a> PendingWrite<'a> {
    /// Where the bytes go.
    pub fn socket(&self) -> &Socket {
        self.to.socket()
    }

    /// The bytes of the one non-blocking write.
    pub fn bytes(&self) -> &[u8] {
        self.payload.bytes()
    }

    /// Notes how much of it the socket took.
    pub(crate) fn note_sent(&mut self, sent: Result<usize, Gone>) {
        self.sent = sent;
    }

    /// How many bytes the socket took.
    pub fn taken(&self) -> usize {
        self.sent.unwrap_or(0)
    }

    /// Queues the bytes that the socket did not take; returns the payload's outcome.
    pub fn finish(mut self, options: &Options) -> (&'a ServeHandle, &'a Payload, Delivery) {
        let delivery = self.keep_rest(options);
        (self.to, self.payload, delivery)
    }

    fn keep_rest(&mut self, options: &Options) -> Delivery {
        let state = &mut *self.state;
        let Ok(sent) = self.sent else {
            self.to.end_locked(state, CloseCode::ABNORMAL);
            return DeliveryOutcome::Gone.with(None);
        };
        self.to.note_announced(self.payload);
        if sent == self.payload.bytes().len() {
            return DeliveryOutcome::Accepted.with(None);
        }
        let queue = state.queue.insert(Box::default());
        match self.payload {
            Payload::Changes(batch) => queue.push(batch),
            Payload::Position { frame, .. } => queue.push_position(frame.clone()),
        }
        queue.advance(sent);
        let drain = DrainHandle::new(self.to.connection());
        self.to.check_overflow(state, options).with(Some(drain))
    }
}
