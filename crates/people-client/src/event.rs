//! What a client is told: the server's messages as values, and what became of the connection
//! itself.

use std::time::Duration;

use people_core::{Cursor, Kinds, LogPosition, PersonId, Position};
use serde_json::{Map, Value};

use super::loss::Loss;
use super::options::Start;

/// One thing that happened, in the order in which it counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The handshake was answered. With `from` a snapshot, all that was held before is to be
    /// dropped.
    Connected {
        /// Where this connection begins.
        from: Start,
    },
    /// The connection is gone, or could not be made.
    Disconnected {
        /// Why.
        why: Loss,
        /// After which time the next one is tried; none when there will be none.
        retry: Option<Duration>,
    },
    /// A page of people who match. What is held is not whole before [`Event::Live`].
    Snapshot {
        /// The people.
        people: Vec<Record>,
    },
    /// All that the start asked for has been told.
    Live {
        /// The client's cursor from here.
        cursor: Cursor,
    },
    /// What happened to one person.
    Change {
        /// Where the change stands.
        at: LogPosition,
        /// The change.
        change: Change,
    },
    /// What a view that fell behind missed, composed per person. It counts as one.
    Batch {
        /// The client's cursor after it.
        cursor: Cursor,
        /// The changes, all to be applied.
        changes: Vec<Change>,
    },
    /// The cursor moved past what this view does not show.
    Position {
        /// The client's cursor from here.
        cursor: Cursor,
    },
    /// The cursor can't be continued: all that was held is to be dropped; pages and [`Event::Live`]
    /// follow.
    Reset {
        /// Why.
        reason: ResetReason,
    },
    /// The gateway cannot prove at present that nothing is missing.
    Stale {
        /// For how long, in seconds.
        seconds: u64,
    },
    /// It can again.
    Fresh,
    /// The new filter holds from here. What was held under the old one is to be dropped.
    Filtered {
        /// The name that the command was given.
        reference: String,
        /// Up to where the old filter judged; none where a snapshot follows.
        cursor: Option<Cursor>,
        /// The kinds of change that are shown from here.
        kinds: Kinds,
    },
    /// The server refused a message of ours. Nothing changed.
    Error {
        /// The name that the command was given, where the server could read it.
        reference: Option<String>,
        /// Why.
        problem: Problem,
    },
    /// The answer to a ping.
    Pong {
        /// The name that the command was given.
        reference: Option<String>,
        /// The client's cursor; none during a snapshot.
        cursor: Option<Cursor>,
    },
    /// A message of a type that this client does not know, from a newer server. It changes nothing.
    Unknown,
}

/// What happened to one person, as this view sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A new person who matches.
    Create(Record),
    /// A person who did not match, and now does.
    Enter(Record),
    /// A person who matched before and after.
    Update(Record),
    /// A person who no longer matches.
    Leave(Gone),
    /// A person who matched, and was deleted.
    Delete(Gone),
}

/// A person as the server sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Who it is.
    pub id: PersonId,
    /// The position of the person's last change.
    pub revision: Position,
    /// The whole JSON object, `id` and `revision` included.
    pub object: Map<String, Value>,
}

/// A person who is no longer in the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Who it was.
    pub id: PersonId,
    /// The position of the change that removed it.
    pub revision: Position,
}

/// Why a cursor can't be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResetReason {
    /// The log no longer reaches back that far.
    Trimmed,
    /// The store lost changes that the client had seen.
    Forked,
    /// The store's history began anew.
    Epoch,
    /// A reason that this client does not know, from a newer server.
    #[serde(other)]
    Other,
}

/// A problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Problem {
    /// Its type, such as `/problems/filter`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What is wrong and what to do about it, in words.
    #[serde(default)]
    pub detail: String,
    /// Where in a filter's text the fault begins, in code points from 0.
    pub offset: Option<usize>,
    /// How many code points it spans.
    pub length: Option<usize>,
    /// The HTTP status that goes with it.
    pub status: Option<u16>,
    /// The values that are wrong, where it is about a person's values.
    #[serde(default)]
    pub errors: Vec<WrongValue>,
}

/// A value that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct WrongValue {
    /// Where it stands (JSON Pointer, RFC 6901).
    pub pointer: String,
    /// What to send instead.
    pub detail: String,
}

impl Change {
    /// Whom it concerns.
    pub const fn id(&self) -> PersonId {
        match self {
            Self::Create(record) | Self::Enter(record) | Self::Update(record) => record.id,
            Self::Leave(gone) | Self::Delete(gone) => gone.id,
        }
    }

    /// The position of the person's last change.
    pub const fn revision(&self) -> Position {
        match self {
            Self::Create(record) | Self::Enter(record) | Self::Update(record) => record.revision,
            Self::Leave(gone) | Self::Delete(gone) => gone.revision,
        }
    }
}

impl Problem {
    /// What is wrong, in one line: each value that is, or the detail.
    pub fn words(&self) -> String {
        if self.errors.is_empty() {
            return self.detail.clone();
        }
        let words = self.errors.iter().map(|WrongValue { pointer, detail }| {
            match pointer.strip_prefix('/') {
                Some(name) => format!("{name}: {detail}"),
                None => detail.clone(),
            }
        });
        words.collect::<Vec<_>>().join("; ")
    }
}
