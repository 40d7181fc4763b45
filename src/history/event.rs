//! What happens in the order of this gateway, and the checkpoints between two events.

use std::sync::Arc;

use crate::domain::{Change, Cursor, FieldsJson, LogPosition, Partition, Position};
use crate::store::Discontinuity;

/// An event in the order of this gateway.
#[derive(Debug)]
pub struct Entry {
    /// The checkpoint after it.
    pub checkpoint: Checkpoint,
    /// What it is.
    pub event: Event,
}

/// What the relay passes on.
#[derive(Clone, Debug)]
pub enum Event {
    /// A change.
    Change(Change),
    /// A partition's history broke; it goes on from this head.
    Reset(Partition, Discontinuity, Position),
}

/// A point between two entries, the same for every session that has come this far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Grows by one with each entry. Counts in this process only.
    pub offset: u64,
    /// The same point in all partitions' logs, good on any gateway.
    pub cursor: Cursor,
}

impl Checkpoint {
    /// The offset of a checkpoint that was never in this gateway's memory: all that is there comes
    /// after it.
    pub const BEFORE_MEMORY: u64 = 0;

    /// A checkpoint of which only the cursor is known.
    pub const fn unlocated(cursor: Cursor) -> Self {
        Self {
            offset: Self::BEFORE_MEMORY,
            cursor,
        }
    }
}

impl Event {
    /// Where it leads in its partition's log.
    pub fn at(&self) -> LogPosition {
        match self {
            Self::Change(change) => change.at,
            Self::Reset(partition, _, head) => LogPosition::new(*partition, *head),
        }
    }

    /// Why the history broke there, where it did.
    pub fn broken(&self) -> Option<Discontinuity> {
        match self {
            Self::Change(_) => None,
            Self::Reset(_, reason, _) => Some(*reason),
        }
    }
}

impl Entry {
    /// About how many bytes it keeps in memory.
    pub(super) fn bytes(&self) -> usize {
        let images: usize = match &self.event {
            Event::Change(change) => [&change.before, &change.after]
                .into_iter()
                .flatten()
                .map(FieldsJson::memory)
                .sum(),
            Event::Reset(..) => 0,
        };
        size_of::<Self>() + size_of_val(self.checkpoint.cursor.positions()) + images
    }
}

/// The entries, each with the checkpoint before it; the first comes right after `before`.
pub fn with_checkpoints<'a>(
    before: &'a Checkpoint,
    entries: &'a [Arc<Entry>],
) -> impl Iterator<Item = (&'a Checkpoint, &'a Entry)> {
    let checkpoints = std::iter::once(before).chain(entries.iter().map(|entry| &entry.checkpoint));
    checkpoints.zip(entries.iter().map(|entry| &**entry))
}
