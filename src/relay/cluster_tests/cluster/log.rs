//! The log of one partition on one server, and its answers.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::{
    Change, Epoch, FieldsJson, LogPosition, Partition, PersonId, Position, Tag, Timestamp,
};
use crate::store::{LogAnswer, ModelEntries};

/// Changes that one answer brings.
const PAGE: usize = 20;

/// A log. Trimmed entries are still there, for the final comparison.
#[derive(Clone)]
pub(in super::super) struct ModelLog {
    epoch: Epoch,
    /// When it came to this server.
    since: Duration,
    entries: Vec<Change>,
    /// When each entry was written.
    written: Vec<Duration>,
}

impl ModelLog {
    /// An empty log.
    pub(super) const fn new(epoch: u64, since: Duration) -> Self {
        Self {
            epoch: Epoch::new(epoch),
            since,
            entries: Vec::new(),
            written: Vec::new(),
        }
    }

    /// The log as it is where it keeps `log_max` entries.
    fn kept(&self, log_max: usize) -> ModelEntries<'_> {
        ModelEntries {
            epoch: self.epoch,
            entries: &self.entries,
            trimmed: self.entries.len().saturating_sub(log_max),
        }
    }

    pub(in super::super) fn head(&self) -> Position {
        self.kept(usize::MAX).head()
    }

    pub(in super::super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.entries.iter()
    }

    /// Whether the position is the beginning or an entry of this log.
    pub(in super::super) fn has(&self, position: Position) -> bool {
        match usize::try_from(position.seq.get()).unwrap_or(usize::MAX) {
            0 => position == Position::start_of(self.epoch),
            seq => self
                .entries
                .get(seq - 1)
                .is_some_and(|entry| entry.at.position == position),
        }
    }

    /// Whether `other` has all that is here.
    pub(super) fn is_start_of(&self, other: Option<&Self>) -> bool {
        other.is_some_and(|other| other.has(self.head()))
    }

    /// What a replica had of it at that time; none if the log came later.
    pub(super) fn as_of(&self, time: Duration) -> Option<Self> {
        let count = self.written.partition_point(|written| *written <= time);
        (self.since <= time).then(|| Self {
            entries: self.entries[..count].to_vec(),
            written: self.written[..count].to_vec(),
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
        self.written.truncate(self.entries.len());
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
        self.entries.push(change.clone());
        self.written.push(now);
        change
    }

    /// The answer of a server whose log keeps `log_max` entries.
    pub(super) fn after(&self, from: Position, log_max: usize) -> LogAnswer {
        self.kept(log_max).since(from, PAGE)
    }
}
