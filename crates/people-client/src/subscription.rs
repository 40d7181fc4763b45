//! What a client subscribes to: a filter, and the point at which the stream starts.

use people_core::{Cursor, Kinds};

/// A filter: kinds of change, and a condition on the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewFilter {
    /// The kinds of change.
    pub kinds: Kinds,
    /// The condition in CEL; empty for everyone. The server parses it.
    pub condition: String,
}

/// The point at which a connection's stream starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StartPoint {
    /// Now: only later changes.
    #[default]
    Now,
    /// A snapshot of everyone who matches, then later changes.
    Snapshot,
    /// The changes after this cursor.
    Cursor(Cursor),
}

/// The point at which the stream of a new filter starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FilterStart {
    /// Now: only later changes.
    #[default]
    Now,
    /// A snapshot of everyone who matches the new filter.
    Snapshot,
}

/// The word for these kinds in queries and messages.
pub(crate) const fn kinds_word(kinds: Kinds) -> &'static str {
    match kinds {
        Kinds::All => "all",
        Kinds::Saves => "saves",
        Kinds::Deletes => "deletes",
    }
}
