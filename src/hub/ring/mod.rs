//! The changes of all partitions in the one order in which this gateway passed them on, as far back as memory allows.

mod places;

pub use places::{Located, Relation};

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::{At, Change, FieldsJson, Partition, Position};
use crate::protocol::cursor::Cursor;
use crate::store::Break;
use places::Places;

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

    /// A place of which only the cursor is known.
    pub const fn unlocated(cursor: Cursor) -> Self {
        Self { offset: Self::BEFORE_MEMORY, cursor }
    }
}

/// What the hub takes for the store's history: another one after each break. What was read while one held is not to be
/// believed in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct History(u64);

/// A bounded memory of entries; the oldest go first.
#[derive(Debug)]
pub(super) struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// The place before the oldest entry.
    start: Place,
    /// The offset after the last break of the store's history, and what that was.
    unbroken: u64,
    broken: Option<Break>,
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

    /// Why the history broke there, where it did.
    pub fn broken(&self) -> Option<Break> {
        match self {
            Self::Change(_) => None,
            Self::Reset(_, reason, _) => Some(*reason),
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
        let start = Place { offset: 1, cursor: start };
        Self { entries: VecDeque::new(), unbroken: start.offset, broken: None, start, bytes: 0, limit }
    }

    /// Appends what happened next.
    pub(super) fn push(&mut self, event: Event) -> Arc<Entry> {
        let end = self.end();
        let place = Place { offset: end.offset + 1, cursor: end.cursor.advanced(event.at()) };
        if let Some(reason) = event.broken() {
            self.unbroken = place.offset;
            self.broken = Some(reason);
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

    /// The place after the newest entry.
    pub(super) fn end(&self) -> &Place {
        self.entries.back().map_or(&self.start, |newest| &newest.place)
    }

    /// Up to `most` entries after an offset; none when they are no longer all kept.
    pub(super) fn after(&self, offset: u64, most: usize) -> Option<Vec<Arc<Entry>>> {
        let skip = usize::try_from(offset.checked_sub(self.start.offset)?).ok()?;
        Some(self.entries.iter().skip(skip).take(most).cloned().collect())
    }

    /// How a position relates to what is in memory, and nothing broke since.
    pub(super) fn relation(&self, at: At) -> Relation {
        self.unbroken_places().relation(at)
    }

    /// Where a cursor leads in what is in memory, and nothing broke since.
    pub(super) fn locate(&self, cursor: &Cursor) -> Located {
        self.unbroken_places().locate(cursor)
    }

    /// Whether a place is in memory, and nothing broke since.
    pub(super) fn holds(&self, place: &Place) -> bool {
        self.unbroken_places().holds(place)
    }

    /// The history that goes on.
    pub(super) fn history(&self) -> History {
        History(self.unbroken)
    }

    /// What broke the history, last, after a place of the hub's order with this offset.
    pub(super) fn broken_after(&self, offset: u64) -> Option<Break> {
        self.broken.filter(|_| offset != Place::BEFORE_MEMORY && offset < self.unbroken)
    }

    fn unbroken_places(&self) -> Places<'_> {
        let skip = usize::try_from(self.unbroken.saturating_sub(self.start.offset)).unwrap_or(usize::MAX);
        Places { ring: self, from: skip.min(self.entries.len()) }
    }
}

#[cfg(test)]
mod tests;
