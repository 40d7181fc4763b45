//! The words in which a session's sending half speaks: how it stands, what became of a burst, what to do next.

use std::sync::Arc;

use crate::filter::Kinds;
use crate::hub::{Place, Subscription, Tick};
use crate::protocol::close::CloseCode;
use crate::protocol::request::{Refused, Request};
use crate::store::Break;

/// How a session stands to the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The dispatcher serves it.
    Live,
    /// It has to be sent something of its own first; its attendant is about to.
    Behind(Box<Course>),
    /// It has caught up to this place, and the dispatcher is to take over from there.
    Joining(Box<Place>),
    /// A close frame is the last that it is sent; when the peer sent its own already, nothing is waited for after it.
    Closing {
        /// What was sent, or answered.
        code: CloseCode,
        /// Whether the peer's close frame came.
        answered: bool,
        /// When the socket last took something of what is left; the close timeout counts from here.
        since: Tick,
    },
    /// Nothing more is sent.
    Ended(CloseCode),
}

/// What a session that the dispatcher does not serve is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Course {
    /// What came after a place.
    Missed {
        /// Everything up to here was judged for it. In some partitions it may be further than the hub's own order was
        /// at this offset: a cursor need not come from this gateway.
        from: Place,
        /// The offset behind which it is to be told that it is live, where that is still owed.
        owes_live: Option<u64>,
    },
    /// Everyone in its view, what happened meanwhile, and that it is live.
    Snapshot {
        /// Why its cursor cannot be continued, where it had one.
        reset: Option<Break>,
    },
}

impl Standing {
    /// Whether nothing more is to be said.
    pub(super) const fn is_closing(&self) -> bool {
        matches!(self, Self::Closing { .. } | Self::Ended(_))
    }
}

impl Wish {
    /// About how many bytes it keeps in memory.
    pub(in crate::hub) fn bytes(&self) -> usize {
        let text = match self {
            Self::Request(Request::Filter { filter_text, .. }) => filter_text.len(),
            Self::Kinds(_) | Self::Request(_) | Self::Refused(_) => 0,
        };
        size_of::<Self>() + text
    }
}

/// What a client said that its own stream answers, in its order.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Other kinds; the filter stays. A word of the text dress.
    Kinds(Kinds),
    /// A message of a JSON dress.
    Request(Request),
    /// One that could not be understood.
    Refused(Refused),
}

/// Class and slot in the registry.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Seat(pub(super) u64);

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
pub(in crate::hub) enum Delivery {
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
    /// All is sent: carry out the wish if there is one, else go on with the course.
    Behind(Course, Arc<Subscription>, Option<Wish>),
    /// Nothing: the session does without an attendant from here on.
    Done,
}

impl Delivery {
    /// What became of a burst that has to wait.
    pub(in crate::hub) const fn waits(overflowed: bool, attend: Attend) -> Self {
        if overflowed { Self::Overflowed(attend) } else { Self::Taken(attend) }
    }
}

impl Seat {
    pub(in crate::hub) const NONE: u64 = u64::MAX;

    pub(in crate::hub) fn new(class: usize, slot: usize) -> Self {
        let half = |n: usize| {
            u64::from(u32::try_from(n).expect("sessions are counted in 32 bits: each has a file descriptor"))
        };
        Self(half(class) << 32 | half(slot))
    }

    pub(in crate::hub) const fn class(self) -> usize {
        (self.0 >> 32) as usize
    }

    pub(in crate::hub) const fn slot(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }
}
