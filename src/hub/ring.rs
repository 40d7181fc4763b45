//! The changes of all partitions in the one order in which this gateway passed them on, as far back as memory allows.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::{At, Change, Partition, Position};
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
    /// How many entries came before it since the gateway started. Counts in this process only.
    pub offset: u64,
    /// The same place in all partitions' logs, good on any gateway.
    pub cursor: Cursor,
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
                [&change.before, &change.after].into_iter().flatten().map(|image| image.as_str().len()).sum()
            }
            Event::Reset(..) => 0,
        };
        size_of::<Self>() + size_of_val(self.place.cursor.positions()) + images
    }
}

impl Ring {
    /// An empty ring at `start` that keeps up to `limit` bytes.
    pub(super) fn new(start: Cursor, limit: usize) -> Self {
        Self { entries: VecDeque::new(), start: Place { offset: 0, cursor: start }, unbroken: 0, bytes: 0, limit }
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

    /// The place before the oldest entry that is kept.
    pub(super) fn start(&self) -> &Place {
        &self.start
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
        let found = self.unbroken_places().find_last(|place| in_partition(place).seq <= at.position.seq);
        found.is_some_and(|place| in_partition(place) == at.position)
    }

    /// The newest place that is not after the cursor in any partition, and nothing broke since.
    pub(super) fn seek(&self, cursor: &Cursor) -> Option<Place> {
        let is_behind = |place: &Place| {
            let pairs = place.cursor.positions().iter().zip(cursor.positions());
            pairs.clone().all(|(mine, theirs)| mine.epoch == theirs.epoch && mine.seq <= theirs.seq)
        };
        self.unbroken_places().find_last(is_behind).cloned()
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
    use crate::domain::{Epoch, Seq, Tag};

    fn reset(seq: u64) -> Event {
        let position = Position { epoch: Epoch::new(1), seq: Seq::new(seq).unwrap(), tag: Tag::new(seq) };
        Event::Reset(Partition::new(0), Break::Forked, position)
    }

    #[test]
    fn the_oldest_entries_go_first_and_a_place_before_them_is_not_served() {
        let mut ring = Ring::new(Cursor::new([Position::start_of(Epoch::new(1))]), 4 * size_of::<Entry>());
        for seq in 1..=10 {
            ring.push(reset(seq));
        }
        let kept = ring.end().offset - ring.start().offset;
        assert!((1..5).contains(&kept), "{kept}");
        assert_eq!(ring.end().offset, 10);
        assert_eq!(ring.start().cursor.position(Partition::new(0)).seq.get(), ring.start().offset);
        assert!(ring.after(ring.start().offset - 1, 10).is_none());
        let entries = ring.after(ring.start().offset, 2).unwrap();
        assert_eq!(entries.first().unwrap().place.offset, ring.start().offset + 1);
        assert_eq!(entries.len(), 2);
        assert_eq!(ring.after(10, 5).unwrap().len(), 0);
    }
}
