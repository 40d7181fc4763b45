//! One transaction's worth of writes: each is checked first and then carried out whole, or refused
//! and leaves nothing.
//!
//! The steps and their order are those of the Redis script: idempotency record, expectation,
//! existence, then log entry, state and record together.

mod check;
mod keys;
#[cfg(test)]
mod tests;

use std::num::{NonZeroU64, NonZeroUsize};

use bytes::Bytes;
use redb::{ReadableTable, Table, WriteTransaction};

use self::check::{Checked, Previous, check};
use self::keys::Keys;
use super::reserve::Admits;
use super::tables::{self, Failure, HEADS, Head, LOG, PEOPLE};
use crate::domain::{Change, Epoch, LogPosition, Partition, Partitions, Position, Tag, Timestamp};
use crate::store::{Applied, Record, Recorded, Retention, StoreError, Write, encode_frame};

pub(super) use self::keys::live_key;

/// Expired idempotency records that a batch removes at least, if there are that many.
const PURGE_AT_LEAST: usize = 64;

/// The open tables of one transaction, and what the writes so far have made of it.
pub(super) struct Batch<'t> {
    heads: Table<'t, u16, &'static str>,
    people: Table<'t, (u16, u128), &'static str>,
    log: Table<'t, (u16, u64), &'static [u8]>,
    keys: Keys<'t>,
    rules: Rules,
    admits: Admits,
    effect: Effect,
}

/// What holds for every batch of a store.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) partitions: Partitions,
    pub(super) retention: Retention,
}

/// What a batch leaves when it is committed.
pub(super) struct Effect {
    /// The head of every partition afterwards.
    pub(super) heads: Vec<Head>,
    /// What is to be published, in order.
    pub(super) frames: Vec<(Partition, Bytes)>,
    /// Bytes that were removed from the file, less those that were added.
    pub(super) freed: i64,
    /// Whether there is anything to commit.
    pub(super) changed: bool,
}

/// What a write leaves of the person.
struct Written {
    at: LogPosition,
    record: Option<Record>,
    previous: Option<Record>,
}

impl<'t> Batch<'t> {
    /// Opens the tables. What `admits` leaves out is refused as full; `heads` is what the last
    /// commit left, `now` decides which idempotency keys are expired.
    pub(super) fn open(
        transaction: &'t WriteTransaction,
        rules: Rules,
        admits: Admits,
        heads: Vec<Head>,
        now: u64,
    ) -> Result<Self, Failure> {
        Ok(Self {
            heads: transaction.open_table(HEADS)?,
            people: transaction.open_table(PEOPLE)?,
            log: transaction.open_table(LOG)?,
            keys: Keys::open(transaction, rules.retention.idempotency_ttl, now)?,
            rules,
            admits,
            effect: Effect {
                heads,
                frames: Vec::new(),
                freed: 0,
                changed: false,
            },
        })
    }

    /// Carries out one write. The inner error refuses this write alone; the outer one ends the
    /// batch.
    pub(super) fn apply(&mut self, write: &Write) -> Result<Result<Applied, StoreError>, Failure> {
        match self.check(write) {
            Ok(Checked::Answer(applied)) => Ok(Ok(applied)),
            Ok(Checked::Refuse(error)) => Ok(Err(error)),
            Ok(Checked::Go(_)) if self.admits == Admits::Deletes && write.save.is_some() => {
                Ok(Err(StoreError::Full(
                    "what is left of the disk is for deletes".into(),
                )))
            }
            Ok(Checked::Go(previous)) => self.carry_out(write, previous).map(Ok),
            Err(corrupt @ Failure::Corrupt(_)) => Ok(Err(corrupt.told())),
            Err(failure) => Err(failure),
        }
    }

    /// Writes the heads, removes idempotency records that have expired, and closes the tables.
    pub(super) fn finish(mut self, writes: usize) -> Result<Effect, Failure> {
        if self.effect.changed {
            for (partition, head) in self.rules.partitions.iter().zip(&self.effect.heads) {
                self.heads
                    .insert(partition.get(), head.position.to_string().as_str())?;
            }
            self.keys.purge(2 * writes.max(PURGE_AT_LEAST))?;
        }
        Ok(self.effect)
    }

    fn check(&mut self, write: &Write) -> Result<Checked, Failure> {
        let partition = self.rules.partitions.of(write.id);
        if let Some(key) = &write.idempotency
            && let Some(recorded) = self.keys.live(partition, key)?
        {
            if !recorded.same_request {
                return Ok(Checked::Answer(Applied::KeyReused));
            }
            // The answer to a repeat is worth more than a longer life of its key, which would need
            // room.
            if self.admits == Admits::Everything {
                self.keys.remember(partition, key, &recorded)?;
                self.effect.changed = true;
            }
            return Ok(Checked::Answer(Applied::Replayed(recorded)));
        }
        let stored = self.people.get(tables::person_key(partition, write.id))?;
        Ok(check(write, stored.as_ref().map(redb::AccessGuard::value)))
    }

    fn carry_out(&mut self, write: &Write, previous: Previous) -> Result<Applied, Failure> {
        let partition = self.rules.partitions.of(write.id);
        let previous = match previous {
            Previous::Nobody => None,
            Previous::Sound(record) => Some(record),
            Previous::Damaged(..) => {
                // No page shows such a person, and the log says otherwise: nobody knows what views
                // hold of them.
                self.begin_anew(partition)?;
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
        let record = write.save.clone().map(|fields| Record {
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
            &Written {
                at,
                record,
                previous,
            },
        )?;
        if let Some(key) = &write.idempotency {
            let (id, time, save) = (write.id, write.time, write.save.clone());
            let recorded = Recorded {
                at,
                id,
                created_at,
                time,
                save,
                same_request: true,
            };
            self.keys.remember(partition, key, &recorded)?;
        }
        Ok(Applied::Done { at, created_at })
    }

    /// A new epoch, and every view with it.
    fn begin_anew(&mut self, partition: Partition) -> Result<(), Failure> {
        self.log
            .retain_in(tables::log_of(partition), |_, _| false)?;
        let position = Position::start_of(Epoch::new(rand::random::<NonZeroU64>().get()));
        self.effect.heads[partition.index()] = Head {
            position,
            oldest: 1,
        };
        self.effect.changed = true;
        Ok(())
    }

    /// Deletes a person whose record is damaged, and who is in no view of the epoch that began with
    /// it: there is no change to tell.
    fn remove_damaged(&mut self, write: &Write, partition: Partition) -> Result<Applied, Failure> {
        self.people
            .remove(tables::person_key(partition, write.id))?;
        let at = LogPosition::new(partition, self.effect.heads[partition.index()].position);
        if let Some(key) = &write.idempotency {
            let (id, time) = (write.id, write.time);
            let recorded = Recorded {
                at,
                id,
                created_at: time,
                time,
                save: None,
                same_request: true,
            };
            self.keys.remember(partition, key, &recorded)?;
        }
        Ok(Applied::Done {
            at,
            created_at: write.time,
        })
    }

    /// Log entry and state; the log keeps exactly as many entries as it may.
    fn append(
        &mut self,
        write: &Write,
        created_at: Timestamp,
        previous_tag: Tag,
        written: &Written,
    ) -> Result<(), Failure> {
        let Written {
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

/// Zero is the tag of an epoch's start, and never an entry's.
fn fresh_tag() -> Tag {
    Tag::new(rand::random::<NonZeroU64>().get())
}
