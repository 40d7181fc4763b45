//! Finds positions and cursors of others in the unbroken part of the ring.
//!
//! Within an unbroken history the numbers of every partition only grow and have no gaps: a number
//! finds its entry there. Whether it is the same entry, its tag says.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::{Checkpoint, Entry};
use crate::domain::{Comparison, Cursor, LogPosition, Partition, Position};

/// How a position relates to this gateway's unbroken history of its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It lies on it: number and tag are the same.
    On,
    /// Its number is before all that is in memory: only the log knows whether it leads there.
    Before,
    /// Its number is after all that this gateway knows: it may be of this history once the gateway
    /// has come that far.
    Ahead,
    /// It is of another history.
    Apart,
}

/// Where a cursor leads in this gateway's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorLocation {
    /// To the newest checkpoint that is not after the cursor in any partition. In some partitions
    /// the cursor may be further than this gateway was there, or is now.
    At(Checkpoint),
    /// To no checkpoint yet: this is the beginning of memory in the first partition in which the
    /// cursor is before it.
    Before(LogPosition),
    /// To none: in this partition it is of another history.
    Apart(Partition),
}

/// The checkpoints of a ring from one on, all of one unbroken history.
pub(super) struct UnbrokenRange<'a> {
    pub(super) start: &'a Checkpoint,
    pub(super) entries: &'a VecDeque<Arc<Entry>>,
    /// The index of the first: 0 is the ring's start, 1 the checkpoint after its first entry.
    pub(super) from: usize,
}

impl<'a> UnbrokenRange<'a> {
    fn first(&self) -> &'a Checkpoint {
        self.checkpoint(self.from)
    }

    fn last(&self) -> &'a Checkpoint {
        self.checkpoint(self.entries.len())
    }

    /// How a position relates to this range.
    pub(super) fn relation(&self, at: LogPosition) -> Relation {
        let in_partition = |place: &Checkpoint| place.cursor.position(at.partition);
        match at.position.compare(in_partition(self.first())) {
            Comparison::Same => Relation::On,
            Comparison::Lower => Relation::Before,
            Comparison::Apart => Relation::Apart,
            Comparison::Higher => match at.position.compare(in_partition(self.last())) {
                Comparison::Same => Relation::On,
                Comparison::Higher => Relation::Ahead,
                Comparison::Apart => Relation::Apart,
                Comparison::Lower => {
                    let found = self.find_last(|place| in_partition(place).seq <= at.position.seq);
                    if found.is_some_and(|place| in_partition(place) == at.position) {
                        Relation::On
                    } else {
                        Relation::Apart
                    }
                }
            },
        }
    }

    /// Where a cursor leads.
    pub(super) fn locate(&self, cursor: &Cursor) -> CursorLocation {
        let mut before = None;
        for at in cursor.log_positions() {
            match self.relation(at) {
                Relation::On | Relation::Ahead => {}
                Relation::Before => {
                    before.get_or_insert(LogPosition::new(
                        at.partition,
                        self.first().cursor.position(at.partition),
                    ));
                }
                Relation::Apart => return CursorLocation::Apart(at.partition),
            }
        }
        if let Some(goal) = before {
            return CursorLocation::Before(goal);
        }
        // Each position is on this history, or after all of it: here numbers are enough.
        let is_passed = |theirs: Position, ours: Position| theirs.seq >= ours.seq;
        let found = self.find_last(|place| {
            let positions = cursor.positions().iter().zip(place.cursor.positions());
            positions
                .into_iter()
                .all(|(theirs, ours)| is_passed(*theirs, *ours))
        });
        CursorLocation::At(found.unwrap_or_else(|| self.first()).clone())
    }

    /// Whether this is one of these checkpoints.
    pub(super) fn holds(&self, place: &Checkpoint) -> bool {
        let index = place
            .offset
            .checked_sub(self.start.offset)
            .and_then(|index| usize::try_from(index).ok());
        index.is_some_and(|index| {
            (self.from..=self.entries.len()).contains(&index)
                && self.checkpoint(index).cursor == place.cursor
        })
    }

    /// The last checkpoint of which `holds` is true, given that it is true up to some checkpoint
    /// and false after it.
    fn find_last(&self, holds: impl Fn(&Checkpoint) -> bool) -> Option<&'a Checkpoint> {
        let (mut low, mut high) = (self.from, self.entries.len() + 1);
        while low < high {
            let middle = low.midpoint(high);
            if holds(self.checkpoint(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low > self.from).then(|| self.checkpoint(low - 1))
    }

    fn checkpoint(&self, index: usize) -> &'a Checkpoint {
        match index.checked_sub(1) {
            None => self.start,
            Some(index) => &self.entries[index].checkpoint,
        }
    }
}
