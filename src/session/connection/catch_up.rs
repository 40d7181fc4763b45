//! What a session that the dispatcher does not serve is to be sent.

use crate::history::Checkpoint;
use crate::store::Discontinuity;

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
        reset: Option<Discontinuity>,
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
