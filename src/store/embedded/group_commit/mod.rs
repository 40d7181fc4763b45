//! The writes of one transaction. Each is checked first, then carried out whole, or refused without
//! an effect.
//!
//! The steps and their order are those of apply.lua: idempotency record, expectation, existence,
//! then log entry, state and record together.

mod check;
mod idempotency;
#[cfg(test)]
mod tests;

use std::num::{NonZeroU64, NonZeroUsize};

use bytes::Bytes;
use redb::{ReadableTable, Table, WriteTransaction};

use self::check::{Decision, PreviousRecord, check};
use self::idempotency::IdempotencyRecords;
use super::reserve::Admission;
use super::tables::{self, FileFailure, HEADS, LOG, LogHead, PEOPLE};
use crate::domain::{Change, Epoch, LogPosition, Partition, Partitions, Position, Tag, Timestamp};
use crate::store::{
    IdempotencyRecord, Retention, StoreError, StoredPerson, Write, WriteOutcome, encode_frame,
};

pub(super) use self::idempotency::live_key;

/// Expired idempotency records that a transaction removes at least, unless there are fewer.
const PURGE_AT_LEAST: usize = 64;

/// The open tables of one transaction, and the effect of its writes so far.
pub(super) struct GroupCommit<'t> {
    heads: Table<'t, u16, &'static str>,
    people: Table<'t, (u16, u128), &'static str>,
    log: Table<'t, (u16, u64), &'static [u8]>,
    idempotency: IdempotencyRecords<'t>,
    rules: CommitRules,
    admits: Admission,
    effect: CommitEffect,
}

/// The settings of every transaction of a store.
#[derive(Clone, Copy)]
pub(super) struct CommitRules {
    pub(super) partitions: Partitions,
    pub(super) retention: Retention,
}

/// The effect of a transaction, if it is committed.
pub(super) struct CommitEffect {
    /// The heads of all partitions after it.
    pub(super) heads: Vec<LogHead>,
    /// The frames to publish, in order.
    pub(super) frames: Vec<(Partition, Bytes)>,
    /// Bytes removed from the file, less bytes added.
    pub(super) freed: i64,
    /// Whether there is a change to commit.
    pub(super) changed: bool,
}

/// The record of a person before and after a write.
struct RecordUpdate {
    at: LogPosition,
    record: Option<StoredPerson>,
    previous: Option<StoredPerson>,
}

impl<'t> GroupCommit<'t> {
    /// Opens the tables. Writes that `admits` leaves out are refused as full. `heads` are those
    /// after the last commit; `now` decides which idempotency records have expired.
    pub(super) fn open(
        transaction: &'t WriteTransaction,
        rules: CommitRules,
        admits: Admission,
        heads: Vec<LogHead>,
        now: u64,
    ) -> Result<Self, FileFailure> {
        Ok(Self {
            heads: transaction.open_table(HEADS)?,
            people: transaction.open_table(PEOPLE)?,
            log: transaction.open_table(LOG)?,
            idempotency: IdempotencyRecords::open(
                transaction,
                rules.retention.idempotency_ttl,
                now,
            )?,
            rules,
            admits,
            effect: CommitEffect {
                heads,
                frames: Vec::new(),
                freed: 0,
                changed: false,
            },
        })
    }

    /// Carries out one write. The inner error refuses this write alone; the outer one fails the
    /// transaction.
    pub(super) fn apply(
        &mut self,
        write: &Write,
    ) -> Result<Result<WriteOutcome, StoreError>, FileFailure> {
        match self.check(write) {
            Ok(Decision::Answer(applied)) => Ok(Ok(applied)),
            Ok(Decision::Refuse(error)) => Ok(Err(error)),
            Ok(Decision::Proceed(_))
                if self.admits == Admission::Deletes && write.save.is_some() =>
            {
                Ok(Err(StoreError::Full(
                    "the rest of the disk is for deletes".into(),
                )))
            }
            Ok(Decision::Proceed(previous)) => self.carry_out(write, previous).map(Ok),
            Err(corrupt @ FileFailure::Corrupt(_)) => Ok(Err(corrupt.store_error())),
            Err(failure) => Err(failure),
        }
    }

    /// Writes the heads, removes expired idempotency records, and closes the tables.
    pub(super) fn finish(mut self, writes: usize) -> Result<CommitEffect, FileFailure> {
        if self.effect.changed {
            for (partition, head) in self.rules.partitions.iter().zip(&self.effect.heads) {
                self.heads
                    .insert(partition.get(), head.position.to_string().as_str())?;
            }
            self.idempotency.purge(2 * writes.max(PURGE_AT_LEAST))?;
        }
        Ok(self.effect)
    }

    fn check(&mut self, write: &Write) -> Result<Decision, FileFailure> {
        let partition = self.rules.partitions.of(write.id);
        if let Some(key) = &write.idempotency
            && let Some(recorded) = self.idempotency.live(partition, key)?
        {
            if !recorded.same_request {
                return Ok(Decision::Answer(WriteOutcome::KeyReused));
            }
            // The answer to a repeat is worth more than a later expiry, which would need room.
            if self.admits == Admission::Everything {
                self.idempotency.remember(partition, key, &recorded)?;
                self.effect.changed = true;
            }
            return Ok(Decision::Answer(WriteOutcome::Replayed(recorded)));
        }
        let stored = self.people.get(tables::person_key(partition, write.id))?;
        Ok(check(write, stored.as_ref().map(redb::AccessGuard::value)))
    }

    fn carry_out(
        &mut self,
        write: &Write,
        previous: PreviousRecord,
    ) -> Result<WriteOutcome, FileFailure> {
        let partition = self.rules.partitions.of(write.id);
        let previous = match previous {
            PreviousRecord::Missing => None,
            PreviousRecord::Sound(record) => Some(record),
            PreviousRecord::Damaged(..) => {
                // No page shows the person, but the log does: what views hold is unknown.
                self.begin_epoch(partition)?;
                if write.save.is_none() {
                    return self.remove_damaged(write, partition);
                }
                None
            }
        };
        let head = self.effect.heads[partition.index()].position;
        let position = Position {
            epoch: head.epoch,
            seq: head.seq.next(),
            tag: fresh_tag(),
        };
        let created_at = previous
            .as_ref()
            .map_or(write.time, |record| record.created_at);
        let record = write.save.clone().map(|fields| StoredPerson {
            revision: position,
            created_at,
            updated_at: write.time,
            fields,
        });
        let at = LogPosition::new(partition, position);
        self.append(
            write,
            created_at,
            head.tag,
            &RecordUpdate {
                at,
                record,
                previous,
            },
        )?;
        if let Some(key) = &write.idempotency {
            let (id, time, save) = (write.id, write.time, write.save.clone());
            let recorded = IdempotencyRecord {
                at,
                id,
                created_at,
                time,
                save,
                same_request: true,
            };
            self.idempotency.remember(partition, key, &recorded)?;
        }
        Ok(WriteOutcome::Done { at, created_at })
    }

    /// Begins a new epoch, which resets every view.
    fn begin_epoch(&mut self, partition: Partition) -> Result<(), FileFailure> {
        self.log
            .retain_in(tables::log_of(partition), |_, _| false)?;
        let position = Position::start_of(Epoch::new(rand::random::<NonZeroU64>().get()));
        self.effect.heads[partition.index()] = LogHead {
            position,
            oldest: 1,
        };
        self.effect.changed = true;
        Ok(())
    }

    /// Deletes a person with a damaged record. No view of the new epoch has the person, so nothing
    /// is published.
    fn remove_damaged(
        &mut self,
        write: &Write,
        partition: Partition,
    ) -> Result<WriteOutcome, FileFailure> {
        self.people
            .remove(tables::person_key(partition, write.id))?;
        let at = LogPosition::new(partition, self.effect.heads[partition.index()].position);
        if let Some(key) = &write.idempotency {
            let (id, time) = (write.id, write.time);
            let recorded = IdempotencyRecord {
                at,
                id,
                created_at: time,
                time,
                save: None,
                same_request: true,
            };
            self.idempotency.remember(partition, key, &recorded)?;
        }
        Ok(WriteOutcome::Done {
            at,
            created_at: write.time,
        })
    }

    /// Writes log entry and state, and trims the log to its limit.
    fn append(
        &mut self,
        write: &Write,
        created_at: Timestamp,
        previous_tag: Tag,
        written: &RecordUpdate,
    ) -> Result<(), FileFailure> {
        let RecordUpdate {
            at,
            record,
            previous,
        } = written;
        let change = Change {
            at: *at,
            previous: previous_tag,
            id: write.id,
            time: write.time,
            created_at,
            before: previous.as_ref().map(|record| record.fields.clone()),
            after: write.save.clone(),
            trace: None,
        };
        let entry = Bytes::from(encode_frame(&change));
        let (partition, seq) = (at.partition, at.position.seq.get());
        self.log.insert((partition.get(), seq), &*entry)?;
        self.effect.freed -= bytes(entry.len());
        let head = &mut self.effect.heads[partition.index()];
        head.position = at.position;
        while seq - head.oldest >= kept(self.rules.retention.log_max) {
            let trimmed = self.log.remove((partition.get(), head.oldest))?;
            self.effect.freed += trimmed.map_or(0, |entry| bytes(entry.value().len()));
            head.oldest += 1;
        }
        let key = tables::person_key(partition, write.id);
        let replaced = match record {
            Some(record) => {
                let text = record.encode();
                self.effect.freed -= bytes(text.len());
                self.people.insert(key, text.as_str())?
            }
            None => self.people.remove(key)?,
        };
        self.effect.freed += replaced.map_or(0, |text| bytes(text.value().len()));
        let frame = match write.trace {
            None => entry,
            trace => encode_frame(&Change { trace, ..change }).into(),
        };
        self.effect.frames.push((partition, frame));
        self.effect.changed = true;
        Ok(())
    }
}

fn kept(log_max: NonZeroUsize) -> u64 {
    u64::try_from(log_max.get()).unwrap_or(u64::MAX)
}

fn bytes(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// A random tag. Zero is the tag of an epoch's start, never of an entry.
fn fresh_tag() -> Tag {
    Tag::new(rand::random::<NonZeroU64>().get())
}
