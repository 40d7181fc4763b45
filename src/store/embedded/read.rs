//! The reads of the store. Each runs in one read transaction, which is one instant.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use redb::ReadTransaction;

use super::group_commit::live_key;
use super::tables::{self, FileFailure, HEADS, KEYS, LOG, PEOPLE};
use crate::domain::{Partition, Partitions, Person, PersonId, Position};
use crate::store::log::chain::{self, EntryFault, Flaw, LogEntry};
use crate::store::page::StoredPage;
use crate::store::{
    CorruptRecord, DamageLocation, Discontinuity, IdempotencyRecord, LogAnswer, PageLimits,
    RequestKey, StoredPerson, Tail, decode_frame,
};
use crate::telemetry::clock::unix_millis;

/// A person, or why the record cannot be read.
pub(super) fn get(
    transaction: &ReadTransaction,
    partition: Partition,
    id: PersonId,
) -> Result<Result<Option<Person>, CorruptRecord>, FileFailure> {
    let people = transaction.open_table(PEOPLE)?;
    let stored = people.get(tables::person_key(partition, id))?;
    Ok(stored
        .map(|text| StoredPerson::decode(text.value()).map(|record| record.into_person(id)))
        .transpose())
}

pub(super) fn page(
    transaction: &ReadTransaction,
    partition: Partition,
    after: Option<PersonId>,
    most: PageLimits,
) -> Result<StoredPage, FileFailure> {
    let head = tables::head(&transaction.open_table(HEADS)?, partition)?;
    let mut stored = StoredPage::empty(head);
    let Some(range) = range_after(partition, after) else {
        return Ok(stored);
    };
    let rows = transaction.open_table(PEOPLE)?.range(range)?;
    let (mut bytes, mut last) = (0, None);
    for (number, row) in rows.enumerate() {
        let (key, text) = row?;
        if most.are_passed(number, bytes, text.value().len()) {
            stored.page.next = last;
            break;
        }
        bytes += text.value().len();
        let id = PersonId::new(uuid::Uuid::from_u128(key.value().1));
        last = Some(id);
        match StoredPerson::decode(text.value()) {
            Ok(record) => stored.page.people.push(record.into_person(id)),
            Err(why) => stored.damaged.push((id, why)),
        }
    }
    Ok(stored)
}

pub(super) fn ids(
    transaction: &ReadTransaction,
    partition: Partition,
    after: Option<PersonId>,
    count: NonZeroUsize,
) -> Result<Vec<PersonId>, FileFailure> {
    let Some(range) = range_after(partition, after) else {
        return Ok(Vec::new());
    };
    let rows = transaction
        .open_table(PEOPLE)?
        .range(range)?
        .take(count.get());
    rows.map(|row| Ok(PersonId::new(uuid::Uuid::from_u128(row?.0.value().1))))
        .collect()
}

/// The keys of a partition's people after this id; none after the last of all ids.
fn range_after(
    partition: Partition,
    after: Option<PersonId>,
) -> Option<RangeInclusive<(u16, u128)>> {
    let from = after.map_or(Some(0), |id| id.uuid().as_u128().checked_add(1))?;
    Some((partition.get(), from)..=(partition.get(), u128::MAX))
}

/// The answer of the log, by the rules of since.lua.
pub(super) fn since(
    transaction: &ReadTransaction,
    partition: Partition,
    from: Position,
    count: NonZeroUsize,
) -> Result<(LogAnswer, Option<Flaw>), FileFailure> {
    let head = tables::head(&transaction.open_table(HEADS)?, partition)?;
    let broken = |reason| {
        Ok((
            LogAnswer::Broken {
                reason,
                head: Some(head),
            },
            None,
        ))
    };
    if from.epoch != head.epoch {
        return broken(Discontinuity::Epoch);
    }
    if from.seq > head.seq {
        return broken(Discontinuity::Forked);
    }
    if from.seq == head.seq {
        return if from.tag == head.tag {
            Ok(chain::since(head, from, []))
        } else {
            broken(Discontinuity::Forked)
        };
    }
    let log = transaction.open_table(LOG)?;
    let next = from.seq.next();
    let mut rows = log.range((partition.get(), next.get())..=(partition.get(), u64::MAX))?;
    let first = rows.next().transpose()?;
    let first = first.filter(|(key, _)| key.value().1 == next.get());
    let Some(first) = first.map(|(_, frame)| change(partition, frame.value())) else {
        return broken(Discontinuity::Trimmed);
    };
    if first.as_ref().is_ok_and(|first| first.previous != from.tag) {
        return broken(Discontinuity::Forked);
    }
    let mut entries = vec![first];
    for row in rows.take(count.get() - 1) {
        entries.push(change(partition, row?.1.value()));
    }
    Ok(chain::since(head, from, entries))
}

pub(super) fn tail(
    transaction: &ReadTransaction,
    partition: Partition,
    count: NonZeroUsize,
) -> Result<(Tail, Option<Flaw>), FileFailure> {
    let head = tables::head(&transaction.open_table(HEADS)?, partition)?;
    let mut entries = Vec::new();
    for row in transaction
        .open_table(LOG)?
        .range(tables::log_of(partition))?
        .rev()
        .take(count.get())
    {
        entries.push(change(partition, row?.1.value()));
    }
    Ok(chain::tail(head, entries))
}

pub(super) fn recorded(
    transaction: &ReadTransaction,
    partition: Partition,
    key: &RequestKey,
) -> Result<Option<IdempotencyRecord>, FileFailure> {
    live_key(
        &transaction.open_table(KEYS)?,
        partition,
        key,
        unix_millis(),
    )
}

pub(super) fn heads(
    transaction: &ReadTransaction,
    partitions: Partitions,
) -> Result<Vec<Position>, FileFailure> {
    let heads = transaction.open_table(HEADS)?;
    partitions
        .iter()
        .map(|partition| tables::head(&heads, partition))
        .collect()
}

/// The locations among these that are sound, or no longer exist.
pub(super) fn mended(
    transaction: &ReadTransaction,
    known: &[DamageLocation],
) -> Result<Vec<DamageLocation>, FileFailure> {
    let mut mended = Vec::new();
    for at in known {
        let is_mended = match at {
            DamageLocation::Person(partition, id) => get(transaction, *partition, *id)?.is_ok(),
            DamageLocation::Entry(partition, seq) => {
                let entry = transaction
                    .open_table(LOG)?
                    .get((partition.get(), seq.get()))?;
                entry.is_none_or(|frame| change(*partition, frame.value()).is_ok())
            }
            DamageLocation::Ids(_) | DamageLocation::Log(_) | DamageLocation::History(_) => false,
        };
        if is_mended {
            mended.push(*at);
        }
    }
    Ok(mended)
}

fn change(partition: Partition, frame: &[u8]) -> LogEntry {
    decode_frame(partition, frame).map_err(|_| EntryFault::Unreadable("cannot be read".to_owned()))
}
