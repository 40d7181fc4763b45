//! Places of the ring's unbroken history, and how what others believe relates to them.
//!
//! Within an unbroken history the numbers of every partition only grow and have no gaps: a number finds its place there.
//! Whether it is the same entry, its tag says.

use super::{Place, Ring};
use crate::domain::{At, Comparison, Partition, Position};
use crate::protocol::cursor::Cursor;

/// How a position relates to the hub's unbroken history of its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It lies on it: number and tag are the same.
    On,
    /// Its number is before all that is in memory: the log tells whether it leads there.
    Before,
    /// Its number is after all that the hub knows: it is of this history, perhaps, when the hub has come that far.
    Ahead,
    /// It is of another history.
    Apart,
}

/// Where a cursor leads in the hub's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// To this place: the newest that is not after the cursor in any partition. In some partitions the cursor is further
    /// than the hub was there, in some perhaps further than the hub is.
    At(Place),
    /// To no place yet: this is the beginning of memory in the first partition in which the cursor is before it.
    Before(At),
    /// To none: in this partition it is of another history.
    Apart(Partition),
}

/// The places of a ring from one on, all of one unbroken history.
pub(super) struct Places<'a> {
    pub(super) ring: &'a Ring,
    /// The index of the first: 0 is the ring's start, 1 the place after its first entry.
    pub(super) from: usize,
}

impl<'a> Places<'a> {
    pub(super) fn first(&self) -> &'a Place {
        self.place(self.from)
    }

    /// How a position relates to these places.
    pub(super) fn relation(&self, at: At) -> Relation {
        let in_partition = |place: &Place| place.cursor.position(at.partition);
        match at.position.compare(in_partition(self.first())) {
            Comparison::Same => Relation::On,
            Comparison::Lower => Relation::Before,
            Comparison::Apart => Relation::Apart,
            Comparison::Higher => match at.position.compare(in_partition(self.ring.end())) {
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
    pub(super) fn locate(&self, cursor: &Cursor) -> Located {
        let mut before = None;
        for at in cursor.places() {
            match self.relation(at) {
                Relation::On | Relation::Ahead => {}
                Relation::Before => {
                    before.get_or_insert(At::new(at.partition, self.first().cursor.position(at.partition)));
                }
                Relation::Apart => return Located::Apart(at.partition),
            }
        }
        if let Some(goal) = before {
            return Located::Before(goal);
        }
        // Each position is on this history, or after all of it: here numbers tell.
        let is_passed = |theirs: Position, ours: Position| theirs.seq >= ours.seq;
        let found = self.find_last(|place| {
            let positions = cursor.positions().iter().zip(place.cursor.positions());
            positions.into_iter().all(|(theirs, ours)| is_passed(*theirs, *ours))
        });
        Located::At(found.unwrap_or_else(|| self.first()).clone())
    }

    /// Whether this is one of these places.
    pub(super) fn holds(&self, place: &Place) -> bool {
        let index = place.offset.checked_sub(self.ring.start.offset).and_then(|index| usize::try_from(index).ok());
        index.is_some_and(|index| {
            (self.from..=self.ring.entries.len()).contains(&index) && self.place(index).cursor == place.cursor
        })
    }

    /// The last place of which `holds` is true, given that it is true up to some place and false after it.
    fn find_last(&self, holds: impl Fn(&Place) -> bool) -> Option<&'a Place> {
        let (mut low, mut high) = (self.from, self.ring.entries.len() + 1);
        while low < high {
            let middle = low.midpoint(high);
            if holds(self.place(middle)) { low = middle + 1 } else { high = middle }
        }
        (low > self.from).then(|| self.place(low - 1))
    }

    fn place(&self, index: usize) -> &'a Place {
        match index.checked_sub(1) {
            None => &self.ring.start,
            Some(index) => &self.ring.entries[index].place,
        }
    }
}
