//! The contradictions between a server's messages and its earlier ones.

use people_core::{LogPosition, PersonId, Position};

/// A message that contradicts the view, so the server broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// A create or an enter of a person in the view, or a page that repeats a person.
    #[error("{0} comes into the view and is in it already")]
    AlreadyIn(PersonId),
    /// An update, a leave or a delete of a person outside the view.
    #[error("{0} changes in the view or goes from it, and is not in it")]
    NotIn(PersonId),
    /// A change that is not after the last one of its partition.
    #[error("the change at {at} follows {last}")]
    NotAfter {
        /// The position of the change.
        at: LogPosition,
        /// The last position of the partition.
        last: Position,
    },
    /// A cursor that is before the last position of a partition.
    #[error("the cursor has {at:?} in the partition of {last}")]
    CursorBack {
        /// The cursor's position in that partition, if it has one.
        at: Option<LogPosition>,
        /// The last position of the partition.
        last: LogPosition,
    },
    /// A person whose revision differs from the position of its change.
    #[error("{id} has the revision {revision} at {at}")]
    OtherRevision {
        /// The person.
        id: PersonId,
        /// The revision.
        revision: Position,
        /// The position of the change.
        at: LogPosition,
    },
    /// A change that is not newer than the person in the view.
    #[error("{id} has the revision {held} in the view and changes at {revision}")]
    NotNewer {
        /// The person.
        id: PersonId,
        /// The revision in the view.
        held: Position,
        /// The revision of the change.
        revision: Position,
    },
    /// Two changes of one person in one batch, which is composed per person.
    #[error("{0} is in a batch twice")]
    TwiceInBatch(PersonId),
    /// A page outside a snapshot.
    #[error("a page arrived outside a snapshot")]
    UnexpectedPage,
    /// A snapshot without a page.
    #[error("the snapshot ended without a page")]
    NoPage,
    /// A second `live` after one start.
    #[error("a second live arrived after one start")]
    LiveTwice,
}
