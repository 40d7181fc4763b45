//! The log of one partition on one server, and its answers by the rules of since.lua.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::{
    Change, Epoch, FieldsJson, LogPosition, Partition, PersonId, Position, Tag, Timestamp,
};
use crate::store::{Discontinuity, LogAnswer};

/// Changes that one answer brings.
const PAGE: usize = 20;

/// A log. Trimmed entries are still there, for the final comparison.
#[derive(Clone)]
pub(in super::super) struct ModelLog {
    epoch: Epoch,
    /// When it came to this server.
    since: Duration,
    entries: Vec<(Duration, Change)>,
}

impl ModelLog {
    /// An empty log.
    pub(super) const fn new(epoch: u64, since: Duration) -> Self {
        Self {
            epoch: Epoch::new(epoch),
            since,
            entries: Vec::new(),
        }
    }

    pub(in super::super) fn head(&self) -> Position {
        let last = self.entries.last();
        last.map_or(Position::start_of(self.epoch), |(_, last)| last.at.position)
    }

    pub(in super::super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.entries.iter().map(|(_, change)| change)
    }

    /// Whether the position is the beginning or an entry of this log.
    pub(in super::super) fn has(&self, position: Position) -> bool {
        match usize::try_from(position.seq.get()).unwrap_or(usize::MAX) {
            0 => position == Position::start_of(self.epoch),
            seq => self
                .entries
                .get(seq - 1)
                .is_some_and(|(_, entry)| entry.at.position == position),
        }
    }

    /// Whether `other` has all that is here.
    pub(super) fn is_start_of(&self, other: Option<&Self>) -> bool {
        other.is_some_and(|other| other.has(self.head()))
    }

    /// What a replica had of it at that time; none if the log came later.
    pub(super) fn as_of(&self, time: Duration) -> Option<Self> {
        let count = self
            .entries
            .partition_point(|(written, _)| *written <= time);
        (self.since <= time).then(|| Self {
            entries: self.entries[..count].to_vec(),
            ..*self
        })
    }

    /// The same log on another server, where it comes now.
    pub(super) fn moved(self, now: Duration) -> Self {
        Self { since: now, ..self }
    }

    /// Loses up to this many entries; returns whether it lost any.
    pub(super) fn lose(&mut self, count: usize) -> bool {
        let before = self.entries.len();
        self.entries.truncate(before.saturating_sub(count));
        self.entries.len() < before
    }

    /// Adds the entry of a write with this id, which is a number that no other write has.
    pub(super) fn append(
        &mut self,
        partition: usize,
        id: u64,
        fields: &FieldsJson,
        now: Duration,
    ) -> Change {
        let head = self.head();
        let position = Position {
            seq: head.seq.next(),
            tag: Tag::new(id),
            ..head
        };
        let time = Timestamp::from_millis(0);
        let number = u16::try_from(partition).expect("few partitions");
        let change = Change {
            at: LogPosition::new(Partition::new(number), position),
            previous: head.tag,
            id: PersonId::new(Uuid::from_u128(id.into())),
            time,
            created_at: time,
            before: None,
            after: Some(fields.clone()),
            trace: None,
        };
        self.entries.push((now, change.clone()));
        change
    }

    /// The answer of since.lua, where the log keeps `log_max` entries.
    pub(super) fn after(&self, from: Position, log_max: usize) -> LogAnswer {
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
        if after < self.entries.len().saturating_sub(log_max) {
            return broken(Discontinuity::Trimmed);
        }
        let changes = self.changes().skip(after).take(PAGE);
        let changes: Vec<Change> = changes.cloned().collect();
        match changes.first() {
            Some(first) if first.previous != from.tag => broken(Discontinuity::Forked),
            _ => LogAnswer::Continues { head, changes },
        }
    }
}
