//! What a session that the dispatcher does not serve is to be sent.

use crate::history::Checkpoint;
use crate::store::Discontinuity;
use crate::telemetry::Label;

/// How a view catches up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// What came after a checkpoint.
    Replay {
        /// Everything up to here was evaluated for it. In some partitions it may be further than
        /// this gateway's order was at this offset: a cursor need not come from this gateway.
        from: Checkpoint,
        /// The offset after which the client gets `live`, if it has not got it.
        owes_live: Option<u64>,
    },
    /// Everyone in its view, what happened meanwhile, and that it is live.
    Snapshot {
        /// Why its cursor cannot be continued, where it had one.
        reset: Option<ResetCause>,
    },
}

impl CatchUp {
    /// What came after a checkpoint, for a client that knows that it is live.
    pub const fn replay(from: Checkpoint) -> Self {
        Self::Replay {
            from,
            owes_live: None,
        }
    }

    /// Whether the client knows that it is live.
    pub const fn is_live(&self) -> bool {
        matches!(
            self,
            Self::Replay {
                owes_live: None,
                ..
            }
        )
    }
}

/// Why a client's cursor cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetCause {
    /// The log does not continue it.
    Log(Discontinuity),
    /// It was made under other rights than the client has.
    Rights,
}

impl ResetCause {
    /// The reason on the wire and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log(reason) => reason.name(),
            Self::Rights => "rights",
        }
    }
}

impl From<Discontinuity> for ResetCause {
    fn from(reason: Discontinuity) -> Self {
        Self::Log(reason)
    }
}

impl Label for ResetCause {
    const KEY: &'static str = "reason";
    const ALL: &'static [Self] = &[
        Self::Log(Discontinuity::Trimmed),
        Self::Log(Discontinuity::Forked),
        Self::Log(Discontinuity::Epoch),
        Self::Log(Discontinuity::Unknown),
        Self::Rights,
    ];

    fn name(self) -> &'static str {
        self.name()
    }
}
