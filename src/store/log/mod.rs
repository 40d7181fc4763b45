//! What a store says of its log, and how an entry is written.

pub(super) mod chain;
mod frame;
#[cfg(test)]
mod model;

#[cfg(test)]
pub(crate) use model::ModelEntries;

pub use frame::{InvalidFrame, decode as decode_frame, encode as encode_frame};

use crate::domain::{Change, Position};
use crate::telemetry::Label;

/// The log's answer to "what came after this position?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogAnswer {
    /// The log continues from the position.
    Continues {
        /// The head at that instant.
        head: Position,
        /// In order, without gaps. If there are fewer than asked for, they reach the head, or end
        /// before an entry that cannot be read.
        changes: Vec<Change>,
    },
    /// The log cannot continue from the position.
    Broken {
        /// Why.
        reason: Discontinuity,
        /// The head; none while a wiped log awaits its genesis.
        head: Option<Position>,
    },
}

/// Why a log cannot continue from a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discontinuity {
    /// The entries after the position are no longer kept.
    Trimmed,
    /// The log has another entry there: another history took its place.
    Forked,
    /// The log has another epoch, or was wiped.
    Epoch,
    /// The position is in no log of ours. No store gives this answer: gateways never ask for such a
    /// position.
    Unknown,
}

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The head at that instant.
    pub head: Position,
    /// The last changes, oldest first, without gaps, up to the head. Empty in a fresh epoch, and if
    /// the last entry cannot be read.
    pub changes: Vec<Change>,
}

impl Discontinuity {
    /// Its name in messages, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Forked => "forked",
            Self::Epoch => "epoch",
            Self::Unknown => "unknown",
        }
    }
}

impl Label for Discontinuity {
    const KEY: &'static str = "reason";
    const ALL: &'static [Self] = &[Self::Trimmed, Self::Forked, Self::Epoch, Self::Unknown];

    fn name(self) -> &'static str {
        self.name()
    }
}
