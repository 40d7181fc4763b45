//! One transaction's worth of writes: each is checked first and then carried out whole, or refused and leaves nothing.
//!
//! The steps and their order are those of the Redis script: idempotency record, expectation, existence, then log entry,
//! state and record together.

use std::num::{NonZeroU64, NonZeroUsize};

use bytes::Bytes;
use redb::{ReadableTable, Table, WriteTransaction};

use super::reserve::Admits;
use super::tables::{self, EXPIRIES, Failure, HEADS, Head, KEYS, KeyName, LOG, PEOPLE};
use crate::domain::{At, Change, Partition, Partitions, Position, Tag};
use crate::store::{Applied, Expect, IdempotencyKey, Record, Recorded, Retention, StoreError, Write, encode_frame};

/// Expired idempotency records that a batch removes at least, if there are that many.
const PURGE_AT_LEAST: usize = 64;

/// The open tables of one transaction, and what the writes so far have made of it.
pub(super) struct Batch<'t> {
    heads: Table<'t, u16, &'static str>,
    people: Table<'t, (u16, u128), &'static str>,
    log: Table<'t, (u16, u64), &'static [u8]>,
    keys: Table<'t, (u16, KeyName), (u64, &'static [u8; 32], &'static str)>,
    expiries: Table<'t, (u64, u16, KeyName), ()>,
    rules: Rules,
    admits: Admits,
    now: u64,
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
    at: At,
    record: Option<Record>,
    previous: Option<Record>,
}

impl<'t> Batch<'t> {
    /// Opens the tables. What `admits` leaves out is refused as full; `heads` is what the last commit left, `now` decides
    /// which idempotency keys are expired.
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
            keys: transaction.open_table(KEYS)?,
            expiries: transaction.open_table(EXPIRIES)?,
            rules,
            admits,
            now,
            effect: Effect { heads, frames: Vec::new(), freed: 0, changed: false },
        })
    }

    /// Carries out one write. The inner error refuses this write alone; the outer one ends the batch.
    pub(super) fn apply(&mut self, write: &Write) -> Result<Result<Applied, StoreError>, Failure> {
        match self.check(write) {
            Ok(Checked::Answer(applied)) => Ok(Ok(applied)),
            Ok(Checked::Go(_)) if self.admits == Admits::Deletes && write.save.is_some() => {
                Ok(Err(StoreError::Full("what is left of the disk is for deletes".into())))
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
                self.heads.insert(partition.get(), head.position.to_string().as_str())?;
            }
            self.purge(2 * writes.max(PURGE_AT_LEAST))?;
        }
        Ok(self.effect)
    }

    fn check(&mut self, write: &Write) -> Result<Checked, Failure> {
        let partition = self.rules.partitions.of(write.id);
        if let Some(key) = &write.idempotency
            && let Some(recorded) = live_key(&self.keys, partition, key, self.now)?
        {
            if !recorded.same_request {
                return Ok(Checked::Answer(Applied::KeyReused));
            }
            // The answer to a repeat is worth more than a longer life of its key, which would need room.
            if self.admits == Admits::Everything {
                self.remember(partition, key, &tables::encode_recorded(&recorded))?;
            }
            return Ok(Checked::Answer(Applied::Replayed(recorded)));
        }
        let stored = self.people.get(tables::person_key(partition, write.id))?;
        let previous = stored.map(|text| tables::record(write.id, text.value())).transpose()?;
        let current = previous.as_ref().map(|record| record.revision);
        if !holds(write.expect, current) {
            return Ok(Checked::Answer(Applied::Conflict { current }));
        }
        if write.save.is_none() && previous.is_none() {
            return Ok(Checked::Answer(Applied::NotFound));
        }
        Ok(Checked::Go(previous))
    }

    fn carry_out(&mut self, write: &Write, previous: Option<Record>) -> Result<Applied, Failure> {
        let partition = self.rules.partitions.of(write.id);
        let head = self.effect.heads[partition.index()].position;
        let position = Position { epoch: head.epoch, seq: head.seq.next(), tag: fresh_tag() };
        let created_at = previous.as_ref().map_or(write.time, |record| record.created_at);
        let record =
            write.save.clone().map(|fields| Record { revision: position, created_at, updated_at: write.time, fields });
        let at = At::new(partition, position);
        self.append(write, created_at, head.tag, &Written { at, record, previous })?;
        if let Some(key) = &write.idempotency {
            let (id, time, save) = (write.id, write.time, write.save.clone());
            let recorded = Recorded { at, id, created_at, time, save, same_request: true };
            self.remember(partition, key, &tables::encode_recorded(&recorded))?;
        }
        Ok(Applied::Done { at, created_at })
    }

    /// Log entry and state; the log keeps exactly as many entries as it may.
    fn append(
        &mut self,
        write: &Write,
        created_at: crate::domain::Timestamp,
        previous_tag: Tag,
        written: &Written,
    ) -> Result<(), Failure> {
        let Written { at, record, previous } = written;
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

    /// Writes an idempotency record, or the same one again with a new life.
    fn remember(&mut self, partition: Partition, key: &IdempotencyKey, text: &str) -> Result<(), Failure> {
        let life = u64::try_from(self.rules.retention.idempotency_ttl.as_millis()).unwrap_or(u64::MAX);
        let expires = self.now.saturating_add(life);
        let name = (partition.get(), &key.name);
        let replaced = self.keys.insert(name, (expires, &key.fingerprint, text))?.map(|old| old.value().0);
        if let Some(old) = replaced {
            self.expiries.remove((old, partition.get(), &key.name))?;
        }
        self.expiries.insert((expires, partition.get(), &key.name), ())?;
        self.effect.changed = true;
        Ok(())
    }

    fn purge(&mut self, most: usize) -> Result<(), Failure> {
        for _ in 0..most {
            let Some((key, _)) = self.expiries.first()? else { break };
            let (expires, partition, name) = key.value();
            if expires > self.now {
                break;
            }
            let name = *name;
            drop(key);
            self.keys.remove((partition, &name))?;
            self.expiries.remove((expires, partition, &name))?;
        }
        Ok(())
    }
}

/// What the checks of a write came to.
enum Checked {
    /// It is answered by this, and changes nothing.
    Answer(Applied),
    /// It goes ahead, over this record.
    Go(Option<Record>),
}

/// The record of an idempotency key, unless there is none or it has expired.
pub(super) fn live_key(
    keys: &impl ReadableTable<(u16, KeyName), (u64, &'static [u8; 32], &'static str)>,
    partition: Partition,
    key: &IdempotencyKey,
    now: u64,
) -> Result<Option<Recorded>, Failure> {
    let Some(stored) = keys.get((partition.get(), &key.name))? else { return Ok(None) };
    let (expires, fingerprint, text) = stored.value();
    if expires <= now {
        return Ok(None);
    }
    tables::decode_recorded(partition, *fingerprint == key.fingerprint, text).map(Some)
}

fn holds(expect: Expect, current: Option<Position>) -> bool {
    match expect {
        Expect::Anything => true,
        Expect::Absent => current.is_none(),
        Expect::Present => current.is_some(),
        Expect::Revision(revision) => current == Some(revision),
        Expect::Impossible => false,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use redb::{Database, ReadableDatabase, ReadableTableMetadata};

    use super::*;
    use crate::domain::{FieldsJson, Timestamp};
    use crate::store::decode_frame;
    use crate::store::embedded::file::write_genesis;

    /// A file whose clock the test moves; idempotency keys live for 100 ms.
    struct Clocked(Database);

    const RULES: Rules = Rules {
        partitions: Partitions::ONE,
        retention: Retention {
            log_max: NonZeroUsize::new(1_000).expect("not zero"),
            idempotency_ttl: Duration::from_millis(100),
        },
    };

    impl Clocked {
        fn new() -> Self {
            let database = Database::builder().create_with_backend(redb::backends::InMemoryBackend::new()).unwrap();
            write_genesis(&database, RULES.partitions).unwrap();
            Self(database)
        }

        fn apply_at(&self, now: u64, name: u32) -> Applied {
            let heads = tables::heads(&self.0, RULES.partitions).unwrap();
            let transaction = self.0.begin_write().unwrap();
            let mut batch = Batch::open(&transaction, RULES, Admits::Everything, heads, now).unwrap();
            let applied = batch.apply(&keyed(name)).unwrap().unwrap();
            assert!(batch.finish(1).unwrap().changed);
            transaction.commit().unwrap();
            applied
        }

        fn rows(&self) -> (u64, u64) {
            let transaction = self.0.begin_read().unwrap();
            let (keys, expiries) = (transaction.open_table(KEYS).unwrap(), transaction.open_table(EXPIRIES).unwrap());
            (keys.len().unwrap(), expiries.len().unwrap())
        }
    }

    fn keyed(name: u32) -> Write {
        let fields = r#"{"firstName":"A","lastName":"L","age":1,"job":""}"#;
        let mut key = IdempotencyKey { name: [0; 32], fingerprint: [1; 32] };
        key.name[..4].copy_from_slice(&name.to_be_bytes());
        Write {
            id: "00000000-0000-7000-8000-000000000001".parse().unwrap(),
            save: Some(FieldsJson::from_stored(fields).unwrap()),
            expect: Expect::Anything,
            idempotency: Some(key),
            time: Timestamp::from_millis(1),
            trace: None,
        }
    }

    #[test]
    fn the_span_of_a_write_is_published_and_not_kept() {
        let file = Clocked::new();
        let heads = tables::heads(&file.0, RULES.partitions).unwrap();
        let transaction = file.0.begin_write().unwrap();
        let mut batch = Batch::open(&transaction, RULES, Admits::Everything, heads, 0).unwrap();
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().ok();
        for write in [keyed(1), Write { trace, ..keyed(2) }] {
            assert!(matches!(batch.apply(&write), Ok(Ok(Applied::Done { .. }))));
        }
        let frames = batch.effect.frames.clone();
        let read = |bytes: &[u8]| decode_frame(Partition::new(0), bytes).unwrap();
        assert_eq!([read(&frames[0].1).trace, read(&frames[1].1).trace], [None, trace]);
        for seq in [1, 2] {
            let kept = read(batch.log.get((0, seq)).unwrap().unwrap().value());
            assert_eq!(kept.trace, None);
            assert_eq!(kept.id, keyed(1).id);
        }
    }

    #[test]
    fn a_replay_renews_the_life_of_its_key() {
        let file = Clocked::new();
        assert!(matches!(file.apply_at(0, 1), Applied::Done { .. }));
        for now in [99, 198, 297] {
            assert!(matches!(file.apply_at(now, 1), Applied::Replayed(_)), "at {now}");
            assert_eq!(file.rows(), (1, 1));
        }
        assert!(matches!(file.apply_at(397, 1), Applied::Done { .. }), "it lives for 100 ms, not a moment longer");
        assert_eq!(file.rows(), (1, 1));
    }

    #[test]
    fn expired_keys_are_removed_some_at_a_time() {
        let file = Clocked::new();
        let many = 3 * u32::try_from(PURGE_AT_LEAST).unwrap();
        for name in 0..many {
            file.apply_at(u64::from(name % 2), name);
        }
        assert_eq!(file.rows(), (u64::from(many), u64::from(many)));
        file.apply_at(100, many);
        assert_eq!(file.rows().0, u64::from(many) / 2 + 1, "those of the first moment only");
        file.apply_at(500, many + 1);
        assert_eq!(file.rows(), (1, 1));
    }
}
