//! The answer of a model's log, by the rules of since.lua.

use super::{Discontinuity, LogAnswer};
use crate::domain::{Change, Epoch, Position};

/// A log of an epoch: all its entries, of which the first `trimmed` are no longer kept.
#[derive(Clone, Copy)]
pub(crate) struct ModelEntries<'a> {
    pub(crate) epoch: Epoch,
    pub(crate) entries: &'a [Change],
    pub(crate) trimmed: usize,
}

impl ModelEntries<'_> {
    pub(crate) fn head(self) -> Position {
        let last = self.entries.last();
        last.map_or(Position::start_of(self.epoch), |last| last.at.position)
    }

    /// Up to `count` changes after `from`, or why the log cannot continue from there.
    pub(crate) fn since(self, from: Position, count: usize) -> LogAnswer {
        let head = self.head();
        let broken = |reason| LogAnswer::Broken {
            reason,
            head: Some(head),
        };
        if from.epoch != head.epoch {
            return broken(Discontinuity::Epoch);
        }
        if from.seq > head.seq || (from.seq == head.seq && from.tag != head.tag) {
            return broken(Discontinuity::Forked);
        }
        let after = usize::try_from(from.seq.get()).expect("a small number");
        if after < self.trimmed {
            return broken(Discontinuity::Trimmed);
        }
        let changes = self.entries[after..].iter().take(count);
        let changes: Vec<Change> = changes.cloned().collect();
        match changes.first() {
            Some(first) if first.previous != from.tag => broken(Discontinuity::Forked),
            _ => LogAnswer::Continues { head, changes },
        }
    }
}
