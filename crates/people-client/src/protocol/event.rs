//! The events of a client: the server's messages, and the state of the connection.

use std::time::Duration;

use people_core::{Cursor, Kinds, LogPosition, PersonId, Position};
use serde_json::{Map, Value};

use crate::disconnect::Disconnect;
use crate::problem::ProblemDetails;
use crate::subscription::StartPoint;

/// One event. Events apply in the order in which the client returns them.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveEvent {
    /// The server accepted the connection. A start at a snapshot replaces all held people.
    Connected {
        /// The start of this connection's stream.
        from: StartPoint,
    },
    /// The connection ended, or could not be opened.
    Disconnected {
        /// The reason.
        why: Disconnect,
        /// The wait before the next attempt; `None` if the client makes none.
        retry: Option<Duration>,
    },
    /// A page of people who match. The snapshot is complete at [`LiveEvent::Live`].
    Snapshot {
        /// The people.
        people: Vec<PersonRecord>,
    },
    /// Everything up to the start of live updates was sent.
    Live {
        /// The client's cursor from here.
        cursor: Cursor,
    },
    /// One person changed.
    Change {
        /// The position of the change.
        at: LogPosition,
        /// The change.
        change: ViewChange,
    },
    /// The changes that a slow view missed, composed per person. Apply all of them at once.
    Batch {
        /// The client's cursor after the batch.
        cursor: Cursor,
        /// The changes.
        changes: Vec<ViewChange>,
    },
    /// The cursor moved past changes outside this view.
    Position {
        /// The client's cursor from here.
        cursor: Cursor,
    },
    /// The server cannot continue from the cursor. Drop all held people; a snapshot and
    /// [`LiveEvent::Live`] follow.
    Reset {
        /// The reason.
        reason: ResetReason,
    },
    /// The gateway cannot prove at present that no change is missing.
    Stale {
        /// The age of the last proof, in seconds.
        seconds: u64,
    },
    /// The gateway can prove it again.
    Fresh,
    /// The new filter applies from here. Drop the people held under the old filter.
    Filtered {
        /// The command's reference.
        reference: String,
        /// The last position under the old filter; `None` if a snapshot follows.
        cursor: Option<Cursor>,
        /// The kinds of change from here.
        kinds: Kinds,
    },
    /// The server refused a command. Nothing changed.
    Error {
        /// The command's reference, if the server could read it.
        reference: Option<String>,
        /// The reason.
        problem: ProblemDetails,
    },
    /// The answer to a ping.
    Pong {
        /// The command's reference.
        reference: Option<String>,
        /// The client's cursor; `None` during a snapshot.
        cursor: Option<Cursor>,
    },
    /// A message that needs no answer of this client, such as `expiring`, or one of an unknown
    /// type, from a newer server. It changes nothing.
    Unknown,
}

/// A change of one person, as this view sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum ViewChange {
    /// A new person matches.
    Create(PersonRecord),
    /// A person did not match before, and matches now.
    Enter(PersonRecord),
    /// A person matched before, and still matches.
    Update(PersonRecord),
    /// A person no longer matches.
    Leave(Removal),
    /// A person who matched was deleted.
    Delete(Removal),
}

/// A person as the server sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonRecord {
    /// The person's id.
    pub id: PersonId,
    /// The position of the person's last change.
    pub revision: Position,
    /// The whole JSON object, `id` and `revision` included.
    pub object: Map<String, Value>,
}

/// The removal of a person from the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The person's id.
    pub id: PersonId,
    /// The position of the change that removed the person.
    pub revision: Position,
}

/// Why the server cannot continue from a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResetReason {
    /// The log no longer has the changes after the cursor.
    Trimmed,
    /// The store lost changes that the client had received.
    Forked,
    /// The store lost its history and began a new one.
    Epoch,
    /// The client's rights are not those under which the cursor was made.
    Rights,
    /// An unknown reason, from a newer server.
    #[serde(other)]
    Other,
}

impl ViewChange {
    /// The person's id.
    pub const fn id(&self) -> PersonId {
        match self {
            Self::Create(record) | Self::Enter(record) | Self::Update(record) => record.id,
            Self::Leave(removal) | Self::Delete(removal) => removal.id,
        }
    }

    /// The position of the person's last change.
    pub const fn revision(&self) -> Position {
        match self {
            Self::Create(record) | Self::Enter(record) | Self::Update(record) => record.revision,
            Self::Leave(removal) | Self::Delete(removal) => removal.revision,
        }
    }
}
