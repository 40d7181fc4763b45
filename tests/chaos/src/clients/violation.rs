//! What a client may never see, by kind.

use std::fmt;

/// The kind of a broken promise.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A change of the log, or an acknowledged write, that is missing.
    Lost,
    /// A change or a write that is there twice.
    Doubled,
    /// A change that came after a later one of its partition.
    Reordered,
    /// A change or a person of no surviving history.
    Phantom,
    /// A view that does not hold exactly the people who match.
    WrongView,
    /// More resets than history has breaks.
    Reset,
    /// A time without proof that no client was told of, or that was told and did not end.
    Untold,
    /// A connection that the gateway closed, or an answer that it should not have given.
    Refused,
    /// A run that did not come to its end.
    Unfinished,
}

/// A broken promise: who saw what.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Violation {
    pub kind: Kind,
    pub what: String,
}

impl Violation {
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
        }
    }

    /// The same violation, with the name of the client that saw it.
    #[must_use]
    pub fn seen_by(self, client: &str) -> Self {
        Self {
            what: format!("{client}: {}", self.what),
            ..self
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}
