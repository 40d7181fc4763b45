//! One session's part of a round of writing: its lock is taken, its bytes are sent with those of others, and what became
//! of them is noted.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, MutexGuard};

use bytes::Bytes;

use super::standing::{Attend, Course, Delivery, Standing};
use super::{Gone, Socket};
use super::{Outbox, State};
use crate::hub::{Burst, Options, Place};
use crate::protocol::close::CloseCode;

/// What one write brings to a session, shared by all that are brought the same.
#[derive(Debug)]
pub(in crate::hub) enum Parcel {
    /// Changes.
    Changes(Burst),
    /// Where it stands, for those that do not know.
    Position {
        /// Says so.
        frame: Bytes,
        /// What it says.
        place: Place,
    },
}

/// A session whose socket is about to be written to; nobody else writes to it meanwhile.
pub(in crate::hub) struct Sending<'a> {
    outbox: &'a Arc<Outbox>,
    state: MutexGuard<'a, State>,
    parcel: &'a Parcel,
    /// How many bytes the socket took.
    sent: Result<usize, Gone>,
}

impl Parcel {
    /// Its frames in one piece.
    fn bytes(&self) -> &Bytes {
        match self {
            Self::Changes(burst) => burst.bytes(),
            Self::Position { frame, .. } => frame,
        }
    }
}

impl Outbox {
    /// Prepares a write. Where something else waits for the socket the parcel waits behind it, or is not needed: what
    /// became of it is the error.
    pub(in crate::hub) fn begin<'a>(
        self: &'a Arc<Self>,
        parcel: &'a Parcel,
        options: &Options,
    ) -> Result<Sending<'a>, Delivery> {
        if let Parcel::Position { place, .. } = parcel
            && self.knows(place)
        {
            return Err(Delivery::Taken(Attend::Settled));
        }
        let mut guard = self.lock();
        let state = &mut *guard;
        match (&state.standing, parcel, &mut state.backlog) {
            (Standing::Live, _, None) => Ok(Sending { outbox: self, state: guard, parcel, sent: Ok(0) }),
            (Standing::Live, Parcel::Changes(burst), Some(backlog)) => {
                backlog.push(burst);
                self.note_told(parcel);
                Err(Delivery::waits(self.overflow(state, options), Attend::Settled))
            }
            (Standing::Live, Parcel::Position { frame, .. }, Some(backlog)) => {
                backlog.push_position(frame.clone());
                self.note_told(parcel);
                Err(Delivery::Taken(Attend::Settled))
            }
            _ => Err(Delivery::Gone),
        }
    }

    /// Takes a session out of the stream where too much waits for it.
    fn overflow(&self, state: &mut State, options: &Options) -> bool {
        let Some(backlog) = state.backlog.as_mut().filter(|backlog| backlog.overflows(options)) else { return false };
        let from = backlog.reached().expect("only changes make it overflow").clone();
        let drops_fresh = backlog.drop_changes();
        state.thinks_stale |= drops_fresh;
        self.told.store(from.offset, Relaxed);
        state.standing = Standing::Behind(Box::new(Course::Missed { from, owes_live: None }));
        true
    }

    /// A change tells where it stands in its own partition: the client knows the whole cursor after it where there is
    /// one partition, or where it was shown all that came since it last knew.
    fn note_told(&self, parcel: &Parcel) {
        match parcel {
            Parcel::Position { place, .. } => self.told.store(place.offset, Relaxed),
            Parcel::Changes(burst) => {
                let (last, known) = (burst.after(), self.told.load(Relaxed));
                if last.cursor.positions().len() == 1 || known + burst.shown().len() as u64 == last.offset {
                    self.told.store(last.offset, Relaxed);
                }
            }
        }
    }
}

impl<'a> Sending<'a> {
    /// Where the bytes go.
    pub(in crate::hub) fn socket(&self) -> &Socket {
        &self.outbox.socket
    }

    /// What is to be sent, in one non-blocking write.
    pub(in crate::hub) fn bytes(&self) -> &[u8] {
        self.parcel.bytes()
    }

    /// Notes how much of it the socket took.
    pub(in crate::hub) fn note_sent(&mut self, sent: Result<usize, Gone>) {
        self.sent = sent;
    }

    /// How many bytes the socket took.
    pub(in crate::hub) fn taken(&self) -> usize {
        self.sent.unwrap_or(0)
    }

    /// Lets wait what was not taken; says what became of the parcel.
    pub(in crate::hub) fn finish(mut self, options: &Options) -> (&'a Arc<Outbox>, &'a Parcel, Delivery) {
        let delivery = self.kept(options);
        (self.outbox, self.parcel, delivery)
    }

    fn kept(&mut self, options: &Options) -> Delivery {
        let state = &mut *self.state;
        let Ok(sent) = self.sent else {
            self.outbox.end_locked(state, CloseCode::ABNORMAL);
            return Delivery::Gone;
        };
        self.outbox.note_told(self.parcel);
        if sent == self.parcel.bytes().len() {
            return Delivery::Taken(Attend::Settled);
        }
        let backlog = state.backlog.insert(Box::default());
        match self.parcel {
            Parcel::Changes(burst) => backlog.push(burst),
            Parcel::Position { frame, .. } => backlog.push_position(frame.clone()),
        }
        backlog.advance(sent);
        Delivery::waits(self.outbox.overflow(state, options), Attend::Needed)
    }
}
