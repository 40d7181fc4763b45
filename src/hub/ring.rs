//! The changes of all partitions in the one order in which this gateway passed them on, as far back as memory allows.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::{At, Change, FieldsJson, Partition, Position};
use crate::protocol::cursor::Cursor;
use crate::store::Break;

/// Something in the hub's order.
#[derive(Debug)]
pub struct Entry {
    /// The place after it.
    pub place: Place,
    /// What it is.
    pub event: Event,
}

/// What the relay hands to the hub.
#[derive(Clone, Debug)]
pub enum Event {
    /// A change.
    Change(Change),
    /// A partition's history broke; it goes on from this head.
    Reset(Partition, Break, Position),
}

/// A place between two entries of the hub's order, the same for every session that has come this far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Grows by one with each entry. Counts in this process only.
    pub offset: u64,
    /// The same place in all partitions' logs, good on any gateway.
    pub cursor: Cursor,
}

impl Place {
    /// The offset of a place that was never in this gateway's memory: all that is there comes after it.
    pub const BEFORE_MEMORY: u64 = 0;
}

/// A bounded memory of entries; the oldest go first.
#[derive(Debug)]
pub(super) struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// The place before the oldest entry.
    start: Place,
    /// The offset after the last break of the store's history.
    unbroken: u64,
    bytes: usize,
    limit: usize,
}

impl Event {
    /// Where it leads in its partition's log.
    pub fn at(&self) -> At {
        match self {
            Self::Change(change) => change.at,
            Self::Reset(partition, _, head) => At::new(*partition, *head),
        }
    }
}

impl Entry {
    /// About how many bytes it keeps in memory.
    fn bytes(&self) -> usize {
        let images: usize = match &self.event {
            Event::Change(change) => {
                [&change.before, &change.after].into_iter().flatten().map(FieldsJson::memory).sum()
            }
            Event::Reset(..) => 0,
        };
        size_of::<Self>() + size_of_val(self.place.cursor.positions()) + images
    }
}

impl Ring {
    /// An empty ring at `start` that keeps up to `limit` bytes.
    pub(super) fn new(start: Cursor, limit: usize) -> Self {
        Self { entries: VecDeque::new(), start: Place { offset: 1, cursor: start }, unbroken: 1, bytes: 0, limit }
    }

    /// Appends what happened next.
    pub(super) fn push(&mut self, event: Event) -> Arc<Entry> {
        let end = self.end();
        let place = Place { offset: end.offset + 1, cursor: end.cursor.advanced(event.at()) };
        if let Event::Reset(..) = event {
            self.unbroken = place.offset;
        }
        let entry = Arc::new(Entry { place, event });
        self.bytes += entry.bytes();
        self.entries.push_back(Arc::clone(&entry));
        while self.bytes > self.limit && self.entries.len() > 1 {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.start = oldest.place.clone();
        }
        entry
    }

    /// The oldest place from which nothing is missing, and nothing broke since.
    pub(super) fn start(&self) -> &Place {
        let places = self.unbroken_places();
        places.place(places.from)
    }

    /// The place after the newest entry.
    pub(super) fn end(&self) -> &Place {
        self.entries.back().map_or(&self.start, |newest| &newest.place)
    }

    /// Up to `most` entries after an offset; none when they are no longer all kept.
    pub(super) fn after(&self, offset: u64, most: usize) -> Option<Vec<Arc<Entry>>> {
        let skip = usize::try_from(offset.checked_sub(self.start.offset)?).ok()?;
        Some(self.entries.iter().skip(skip).take(most).cloned().collect())
    }

    /// Whether this position of a partition's log is in memory, and nothing broke since.
    pub(super) fn knows(&self, at: At) -> bool {
        let in_partition = |place: &Place| place.cursor.position(at.partition);
        let found = self.unbroken_places().find_last(|place| at.position.reaches(in_partition(place)));
        found.is_some_and(|place| in_partition(place) == at.position)
    }

    /// The newest place that is not after the cursor in any partition, and nothing broke since.
    pub(super) fn seek(&self, cursor: &Cursor) -> Option<Place> {
        self.unbroken_places().find_last(|place| cursor.reaches_all(&place.cursor)).cloned()
    }

    fn unbroken_places(&self) -> Places<'_> {
        let skip = usize::try_from(self.unbroken.saturating_sub(self.start.offset)).unwrap_or(usize::MAX);
        Places { ring: self, from: skip.min(self.entries.len()) }
    }
}

/// The places of a ring from one on: within an unbroken history every partition's positions only grow.
struct Places<'a> {
    ring: &'a Ring,
    from: usize,
}

impl<'a> Places<'a> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Epoch, Seq, Tag, Timestamp};

    fn change(seq: u64) -> Event {
        let position = Position { epoch: Epoch::new(1), seq: Seq::new(seq).unwrap(), tag: Tag::new(seq) };
        Event::Change(Change {
            at: At::new(Partition::new(0), position),
            previous: Tag::new(seq - 1),
            id: "0190f3e2-7c1b-7d9a-8f00-1234567890ab".parse().unwrap(),
            time: Timestamp::from_millis(0),
            created_at: Timestamp::from_millis(0),
            before: None,
            after: None,
            trace: None,
        })
    }

    fn at(seq: u64, tag: u64) -> At {
        At::new(Partition::new(0), Position { epoch: Epoch::new(1), seq: Seq::new(seq).unwrap(), tag: Tag::new(tag) })
    }

    #[test]
    fn the_oldest_entries_go_first_and_a_place_before_them_is_not_served() {
        let mut ring = Ring::new(Cursor::new([at(0, 0).position]), 4 * size_of::<Entry>());
        assert!(ring.after(Place::BEFORE_MEMORY, 1).is_none(), "not even from a ring that lost nothing");
        for seq in 1..=10 {
            ring.push(change(seq));
        }
        let start = ring.start().clone();
        assert!((1..5).contains(&(ring.end().offset - start.offset)));
        assert_eq!(ring.end().cursor, Cursor::new([at(10, 10).position]));
        assert!(ring.after(start.offset - 1, 10).is_none());
        let entries = ring.after(start.offset, 2).unwrap();
        assert_eq!(entries.first().unwrap().place.offset, start.offset + 1);
        assert_eq!(entries.len(), 2);
        assert_eq!(ring.after(ring.end().offset, 5).unwrap().len(), 0);
    }

    #[test]
    fn a_cursor_is_found_where_it_stands_and_only_in_the_same_history() {
        let mut ring = Ring::new(Cursor::new([at(3, 3).position]), usize::MAX);
        for seq in 4..=9 {
            ring.push(change(seq));
        }
        for seq in 3..=9 {
            assert!(ring.knows(at(seq, seq)));
            assert!(!ring.knows(at(seq, seq + 1)), "another history's entry of the same number");
            let found = ring.seek(&Cursor::new([at(seq, seq).position])).unwrap();
            assert_eq!(found.cursor.position(Partition::new(0)), at(seq, seq).position);
        }
        assert!(!ring.knows(at(2, 2)) && ring.seek(&Cursor::new([at(2, 2).position])).is_none());
        assert!(!ring.knows(at(10, 10)));
        assert_eq!(ring.seek(&Cursor::new([at(10, 10).position])).as_ref(), Some(ring.end()), "ahead of us");
        ring.push(Event::Reset(Partition::new(0), Break::Forked, at(5, 50).position));
        assert!(!ring.knows(at(5, 5)) && ring.knows(at(5, 50)));
        assert_eq!(ring.start(), ring.end());
        assert!(ring.seek(&Cursor::new([at(4, 4).position])).is_none());
    }
}
