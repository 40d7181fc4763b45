//! The server's messages, for any format.

use super::problem::Problem;
use crate::domain::{Change, Cursor, Person, PersonId, Position};
use crate::filter::Verdict;

/// A message that is neither a change nor a page of a snapshot.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// From here on the view is live; the cursor is where it begins.
    Live(&'a Cursor),
    /// The cursor moved without a change for this view.
    Position(&'a Cursor),
    /// What a view that fell behind missed, composed per person: apply all, then this cursor
    /// replaces the client's.
    Batch {
        /// The cursor after the stretch.
        cursor: &'a Cursor,
        /// At most one for each person.
        changes: &'a [Composed],
    },
    /// The client's cursor cannot be continued: `trimmed`, `forked` or `epoch`. Pages and live
    /// follow.
    Reset(&'a str),
    /// The stream has not been proved continuous for this long.
    Stale {
        /// How long.
        seconds: u64,
    },
    /// The stream is proved continuous again.
    Fresh,
    /// The filter was replaced.
    Filtered {
        /// The client's own name for its request.
        reference: Option<&'a str>,
        /// Up to where the old filter judged; none where a snapshot follows.
        cursor: Option<&'a Cursor>,
    },
    /// A message of the client was refused; nothing changed.
    Error {
        /// The client's own name for its message, where that could be read.
        reference: Option<&'a str>,
        /// Why, and what to send instead.
        problem: &'a Problem,
    },
    /// The client's token expires in this time.
    Expiring {
        /// How long.
        seconds: u64,
    },
    /// A new token of the client was accepted.
    Token {
        /// The client's own name for its request.
        reference: Option<&'a str>,
        /// How long the token is valid.
        seconds: u64,
    },
    /// The answer to a client's ping.
    Pong {
        /// The client's own name for its ping.
        reference: Option<&'a str>,
        /// The client's cursor; none between the start of a snapshot and `live`.
        cursor: Option<&'a Cursor>,
    },
}

/// One person's part of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Composed {
    /// Create, enter or update: the person is in the view, like this.
    Shown(Verdict, Person),
    /// Leave or delete: the person is not in the view any more. The position is that of the change
    /// that took it out.
    Gone(Verdict, PersonId, Position),
}

impl Message<'_> {
    /// The message's `type` in people.v1.json.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Live(_) => "live",
            Self::Position(_) => "position",
            Self::Batch { .. } => "batch",
            Self::Reset(_) => "reset",
            Self::Stale { .. } => "stale",
            Self::Fresh => "fresh",
            Self::Filtered { .. } => "filtered",
            Self::Error { .. } => "error",
            Self::Expiring { .. } => "expiring",
            Self::Token { .. } => "token",
            Self::Pong { .. } => "pong",
        }
    }

    /// The cursor that a client may resume with from here on; none where the message does not move
    /// it.
    pub(super) const fn resumable(&self) -> Option<&Cursor> {
        match self {
            Self::Live(cursor) | Self::Position(cursor) | Self::Batch { cursor, .. } => {
                Some(cursor)
            }
            _ => None,
        }
    }
}

impl Composed {
    /// What a view with this verdict gets of `change`; none if that is nothing.
    pub fn of(verdict: Verdict, change: &Change) -> Option<Self> {
        match verdict {
            Verdict::Create | Verdict::Enter | Verdict::Update => {
                change.person().map(|person| Self::Shown(verdict, person))
            }
            Verdict::Leave | Verdict::Delete => {
                Some(Self::Gone(verdict, change.id, change.at.position))
            }
            Verdict::Outside => None,
        }
    }

    /// The verdict that it was composed with.
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Shown(verdict, _) | Self::Gone(verdict, ..) => *verdict,
        }
    }

    /// The person's id.
    pub const fn id(&self) -> PersonId {
        match self {
            Self::Shown(_, person) => person.id,
            Self::Gone(_, id, _) => *id,
        }
    }
}
