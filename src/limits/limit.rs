//! The limits, by name.

use crate::telemetry::Label;

/// A limit on callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Refused tokens of an address.
    BadTokens,
    /// Open sessions of a subject.
    Sessions,
    /// Open connections of a peer's address.
    Connections,
    /// Handshakes of live updates from an address.
    Handshakes,
    /// Requests of a caller.
    Requests,
    /// Writes of a caller, the lines of its imports included.
    Writes,
}

impl Label for Limit {
    const KEY: &'static str = "limit";
    const ALL: &'static [Self] = &[
        Self::BadTokens,
        Self::Sessions,
        Self::Connections,
        Self::Handshakes,
        Self::Requests,
        Self::Writes,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::BadTokens => "bad-tokens",
            Self::Sessions => "sessions",
            Self::Connections => "connections",
            Self::Handshakes => "handshakes",
            Self::Requests => "requests",
            Self::Writes => "writes",
        }
    }
}
