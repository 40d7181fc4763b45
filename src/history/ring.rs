//! The changes of all partitions in the one order in which this gateway passed them on, as far back
//! as memory allows.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::{Checkpoint, Entry, Event};
use super::lookup::{CursorLocation, Relation, UnbrokenRange};
use crate::domain::{Cursor, LogPosition};
use crate::store::Discontinuity;

/// What this gateway takes for the store's history: another one after each break. What was read
/// under one must not be used under the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HistoryId(u64);

/// A bounded memory of entries; the oldest go first.
#[derive(Debug)]
pub(super) struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// The checkpoint before the oldest entry.
    start: Checkpoint,
    /// The offset after the last break of the store's history, and what that was.
    unbroken: u64,
    broken: Option<Discontinuity>,
    bytes: usize,
    limit: usize,
}

impl Ring {
    /// An empty ring at `start` that keeps up to `limit` bytes.
    pub(super) fn new(start: Cursor, limit: usize) -> Self {
        let start = Checkpoint {
            offset: 1,
            cursor: start,
        };
        Self {
            entries: VecDeque::new(),
            unbroken: start.offset,
            broken: None,
            start,
            bytes: 0,
            limit,
        }
    }

    /// Appends what happened next.
    pub(super) fn push(&mut self, event: Event) -> Arc<Entry> {
        let end = self.end();
        let checkpoint = Checkpoint {
            offset: end.offset + 1,
            cursor: end.cursor.advanced(event.at()),
        };
        if let Some(reason) = event.broken() {
            self.unbroken = checkpoint.offset;
            self.broken = Some(reason);
        }
        let entry = Arc::new(Entry { checkpoint, event });
        self.bytes += entry.bytes();
        self.entries.push_back(Arc::clone(&entry));
        while self.bytes > self.limit && self.entries.len() > 1 {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes();
            self.start = oldest.checkpoint.clone();
        }
        entry
    }

    /// The checkpoint after the newest entry.
    pub(super) fn end(&self) -> &Checkpoint {
        self.entries
            .back()
            .map_or(&self.start, |newest| &newest.checkpoint)
    }

    /// Up to `most` entries after an offset; none when they are no longer all kept.
    pub(super) fn after(&self, offset: u64, most: usize) -> Option<Vec<Arc<Entry>>> {
        let skip = usize::try_from(offset.checked_sub(self.start.offset)?).ok()?;
        Some(self.entries.iter().skip(skip).take(most).cloned().collect())
    }

    /// How a position relates to what is in memory, and nothing broke since.
    pub(super) fn relation(&self, at: LogPosition) -> Relation {
        self.unbroken_range().relation(at)
    }

    /// Where a cursor leads in what is in memory, and nothing broke since.
    pub(super) fn locate(&self, cursor: &Cursor) -> CursorLocation {
        self.unbroken_range().locate(cursor)
    }

    /// Whether a checkpoint is in memory, and nothing broke since.
    pub(super) fn holds(&self, place: &Checkpoint) -> bool {
        self.unbroken_range().holds(place)
    }

    /// The history that goes on.
    pub(super) fn history_id(&self) -> HistoryId {
        HistoryId(self.unbroken)
    }

    /// The last break of the history after the checkpoint with this offset.
    pub(super) fn broken_after(&self, offset: u64) -> Option<Discontinuity> {
        self.broken
            .filter(|_| offset != Checkpoint::BEFORE_MEMORY && offset < self.unbroken)
    }

    fn unbroken_range(&self) -> UnbrokenRange<'_> {
        let skip =
            usize::try_from(self.unbroken.saturating_sub(self.start.offset)).unwrap_or(usize::MAX);
        UnbrokenRange {
            start: &self.start,
            entries: &self.entries,
            from: skip.min(self.entries.len()),
        }
    }
}

#[cfg(test)]
mod tests;
