//! The words in which a session's sending half speaks: how it stands, what became of a burst, what to do next.

use std::sync::Arc;

use super::{Place, Subscription};
use crate::protocol::close::CloseCode;

/// How a session stands to the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The dispatcher serves it.
    Live,
    /// It has to catch up from this place; its attendant is about to.
    Behind(Box<Place>),
    /// It has caught up to this place, and the dispatcher is to take over from there.
    Joining(Box<Place>),
    /// A close frame is the last that it is sent; when the peer sent its own already, nothing is waited for after it.
    Closing {
        /// What was sent, or answered.
        code: CloseCode,
        /// Whether the peer's close frame came.
        answered: bool,
    },
    /// Nothing more is sent.
    Ended(CloseCode),
}

/// Class and slot in the registry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat(pub(super) u64);

/// Whether the session needs an attendant that it does not have yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Attend {
    /// Call one.
    Needed,
    /// None is needed, or one is there.
    Settled,
}

/// What became of a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It was sent, or waits.
    Taken(Attend),
    /// Too much waited already: the session has left the stream and has to catch up.
    Overflowed(Attend),
    /// The session is not to be served any more.
    Gone,
}

/// What an attendant does next.
#[derive(Debug)]
pub enum Flush {
    /// Wait until the socket takes more, then flush again.
    Blocked,
    /// All is sent, and the session must be shown what came after this place.
    Behind(Place, Arc<Subscription>),
    /// Nothing: the session does without an attendant from here on.
    Done,
}

impl Seat {
    pub(super) const NONE: u64 = u64::MAX;

    pub(super) fn new(class: usize, slot: usize) -> Self {
        let half = |n: usize| {
            u64::from(u32::try_from(n).expect("sessions are counted in 32 bits: each has a file descriptor"))
        };
        Self(half(class) << 32 | half(slot))
    }

    pub(super) const fn class(self) -> usize {
        (self.0 >> 32) as usize
    }

    pub(super) const fn slot(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }
}
