//! What a store is asked, answered from one read transaction: one instant.

use std::num::NonZeroUsize;
use std::ops::Bound;

use redb::ReadTransaction;

use super::batch::live_key;
use super::tables::{self, Failure, HEADS, KEYS, LOG, PEOPLE};
use crate::domain::{Change, Partition, Partitions, Person, PersonId, Position};
use crate::store::{Break, IdempotencyKey, Page, Recorded, Since, Tail, decode_frame};

pub(super) fn get(
    transaction: &ReadTransaction,
    partition: Partition,
    id: PersonId,
) -> Result<Option<Person>, Failure> {
    let people = transaction.open_table(PEOPLE)?;
    let stored = people.get(tables::person_key(partition, id))?;
    stored.map(|text| Ok(tables::record(id, text.value())?.into_person(id))).transpose()
}

pub(super) fn page(
    transaction: &ReadTransaction,
    partition: Partition,
    after: Option<PersonId>,
    count: NonZeroUsize,
) -> Result<Page, Failure> {
    let head = tables::head(&transaction.open_table(HEADS)?, partition)?;
    let start =
        after.map_or(Bound::Included((partition.get(), 0)), |id| Bound::Excluded(tables::person_key(partition, id)));
    let end = Bound::Included((partition.get(), u128::MAX));
    let range = transaction.open_table(PEOPLE)?.range::<(u16, u128)>((start, end))?;
    let people = range.take(count.get()).map(|row| {
        let (key, text) = row?;
        let id = PersonId::new(uuid::Uuid::from_u128(key.value().1));
        Ok(tables::record(id, text.value())?.into_person(id))
    });
    Ok(Page { head, people: people.collect::<Result<_, Failure>>()? })
}

/// The log's judgement, rule by rule as the Redis script has it.
pub(super) fn since(
    transaction: &ReadTransaction,
    partition: Partition,
    from: Position,
    count: NonZeroUsize,
) -> Result<Since, Failure> {
    let head = tables::head(&transaction.open_table(HEADS)?, partition)?;
    let broken = |reason| Ok(Since::Broken { reason, head: Some(head) });
    if from.epoch != head.epoch {
        return broken(Break::Epoch);
    }
    if from.seq > head.seq {
        return broken(Break::Forked);
    }
    if from.seq == head.seq {
        let changes = Vec::new();
        return if from.tag == head.tag { Ok(Since::Continues { head, changes }) } else { broken(Break::Forked) };
    }
    let log = transaction.open_table(LOG)?;
    let next = from.seq.next();
    let range = log.range((partition.get(), next.get())..=(partition.get(), u64::MAX))?;
    let changes = range.take(count.get()).map(|row| change(partition, row?.1.value()));
    let changes = changes.collect::<Result<Vec<_>, Failure>>()?;
    match changes.first() {
        Some(first) if first.at.position.seq != next => broken(Break::Trimmed),
        None => broken(Break::Trimmed),
        Some(first) if first.previous != from.tag => broken(Break::Forked),
        Some(_) => Ok(Since::Continues { head, changes }),
    }
}

pub(super) fn tail(transaction: &ReadTransaction, partition: Partition, count: NonZeroUsize) -> Result<Tail, Failure> {
    let head = tables::head(&transaction.open_table(HEADS)?, partition)?;
    let range = transaction.open_table(LOG)?.range(tables::log_of(partition))?;
    let changes = range.rev().take(count.get()).map(|row| change(partition, row?.1.value()));
    let mut changes = changes.collect::<Result<Vec<_>, Failure>>()?;
    changes.reverse();
    Ok(Tail { head, changes })
}

pub(super) fn recorded(
    transaction: &ReadTransaction,
    partition: Partition,
    key: &IdempotencyKey,
) -> Result<Option<Recorded>, Failure> {
    live_key(&transaction.open_table(KEYS)?, partition, key, tables::now())
}

pub(super) fn heads(transaction: &ReadTransaction, partitions: Partitions) -> Result<Vec<Position>, Failure> {
    let heads = transaction.open_table(HEADS)?;
    partitions.iter().map(|partition| tables::head(&heads, partition)).collect()
}

fn change(partition: Partition, frame: &[u8]) -> Result<Change, Failure> {
    decode_frame(partition, frame)
        .map_err(|error| Failure::Corrupt(format!("the log of partition {partition}: {error}")))
}
