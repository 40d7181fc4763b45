//! Reads the answers of Redis. An answer of an unexpected shape is an error, never a panic.

mod log;
#[cfg(test)]
mod tests;
mod value;

use std::num::NonZeroUsize;

use ::redis::Value;

use self::log::head;
use self::value::{bytes, corrupt, image, next, parse, parsed};
use super::commands::ids;
use crate::domain::{LogPosition, Partition, Partitions, Person, PersonId, Tag};
use crate::store::page::StoredPage;
use crate::store::{CorruptRecord, IdempotencyRecord, StoreError, StoredPerson, WriteOutcome};

pub(super) use self::log::{entry, head_of, since, tail};
pub(super) use self::value::{list, text};

/// A page, and the state of the list of ids that it was read from.
pub(super) struct StoredRange {
    pub(super) page: StoredPage,
    /// A member that is no id of this partition's people.
    pub(super) foreign: Option<String>,
    /// Whether all scores are equal; else the list is out of order.
    pub(super) is_even: bool,
}

/// Reads the answer of apply.lua to a write of `id`.
pub(super) fn outcome(
    partition: Partition,
    id: PersonId,
    answer: Value,
) -> Result<WriteOutcome, StoreError> {
    let mut parts = list(answer)?.into_iter();
    let word = text(next(&mut parts)?)?;
    Ok(match word.as_str() {
        "OK" => {
            let at = LogPosition::new(partition, parse(&mut parts)?);
            let _previous: Tag = parse(&mut parts)?;
            WriteOutcome::Done {
                at,
                created_at: parse(&mut parts)?,
            }
        }
        "REPLAY" => WriteOutcome::Replayed(success(partition, &mut parts, true)?),
        "REUSED" => WriteOutcome::KeyReused,
        "CONFLICT" => match text(next(&mut parts)?)?.as_str() {
            "0" => WriteOutcome::Conflict { current: None },
            revision => WriteOutcome::Conflict {
                current: Some(parsed(revision)?),
            },
        },
        "DAMAGED" => {
            return Err(StoreError::Damaged {
                id,
                why: CorruptRecord::Header,
            });
        }
        "NOTFOUND" => WriteOutcome::NotFound,
        _ => return Err(corrupt("an answer that the apply script never gives")),
    })
}

/// Whether this is the answer of apply.lua to a write that had happened before.
pub(super) fn is_replay(answer: &Value) -> bool {
    let Value::Array(parts) = answer else {
        return false;
    };
    matches!(parts.first(), Some(Value::BulkString(word)) if word == b"REPLAY")
}

/// Reads an idempotency record for a request with this fingerprint: fingerprint, revision, id,
/// created, time and fields; all nil if there is no record.
pub(super) fn recorded(
    partition: Partition,
    answer: Value,
    fingerprint: &str,
) -> Result<Option<IdempotencyRecord>, StoreError> {
    let mut parts = list(answer)?.into_iter();
    match next(&mut parts)? {
        Value::Nil => Ok(None),
        // A write that was torn before it committed.
        Value::BulkString(torn) if torn.is_empty() => Ok(None),
        known => {
            let same_request = text(known)? == fingerprint;
            success(partition, &mut parts, same_request).map(Some)
        }
    }
}

fn success(
    partition: Partition,
    parts: &mut impl Iterator<Item = Value>,
    same_request: bool,
) -> Result<IdempotencyRecord, StoreError> {
    Ok(IdempotencyRecord {
        at: LogPosition::new(partition, parse(parts)?),
        id: parse(parts)?,
        created_at: parse(parts)?,
        time: parse(parts)?,
        save: image(&text(next(parts)?)?)?,
        same_request,
    })
}

/// Reads a person's record; nil means that there is none.
pub(super) fn person(id: PersonId, answer: &Value) -> Result<Option<Person>, CorruptRecord> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(StoredPerson::read(bytes)?.into_person(id))),
        _ => Err(CorruptRecord::Header),
    }
}

/// Reads the answer of page.lua; none if the log has no genesis. Members that are no ids use up the
/// count, but are on no page.
pub(super) fn page(
    partitions: Partitions,
    partition: Partition,
    answer: Value,
) -> Result<Option<StoredRange>, StoreError> {
    let mut parts = list(answer)?.into_iter();
    let Some(head) = head(&mut parts)? else {
        return Ok(None);
    };
    let members: Vec<Vec<u8>> = list(next(&mut parts)?)?
        .into_iter()
        .map(bytes)
        .collect::<Result<_, _>>()?;
    let records = list(next(&mut parts)?)?;
    let has_more = matches!(next(&mut parts)?, Value::Int(1));
    let is_even = matches!(next(&mut parts)?, Value::Int(1));
    let (mut stored, mut foreign) = (StoredPage::empty(head), None);
    if has_more {
        let last = members.last().and_then(|member| ids::last_up_to(member));
        stored.page.next = last.filter(|last| ids::first_after(Some(*last)).is_some());
    }
    for (member, record) in members.iter().zip(&records) {
        match ids::listed(member).filter(|id| partitions.of(*id) == partition) {
            None => foreign = Some(member.escape_ascii().to_string()),
            Some(id) => {
                match person(id, record).and_then(|person| person.ok_or(CorruptRecord::Missing)) {
                    Ok(person) => stored.page.people.push(person),
                    Err(why) => stored.damaged.push((id, why)),
                }
            }
        }
    }
    Ok(Some(StoredRange {
        page: stored,
        foreign,
        is_even,
    }))
}

/// Reads `count` members of the list of ids: those that are ids of this partition, and the id after
/// which more may follow.
pub(super) fn ids(
    partitions: Partitions,
    partition: Partition,
    count: NonZeroUsize,
    answer: Value,
) -> Result<(Vec<PersonId>, Option<PersonId>), StoreError> {
    let members: Vec<Vec<u8>> = list(answer)?
        .into_iter()
        .map(bytes)
        .collect::<Result<_, _>>()?;
    let last = members.last().filter(|_| members.len() == count.get());
    let next = last.and_then(|member| ids::last_up_to(member));
    let found = members
        .iter()
        .filter_map(|member| ids::listed(member).filter(|id| partitions.of(*id) == partition));
    Ok((found.collect(), next))
}

/// Reads INFO replication: whether the server is a replica.
pub(super) fn is_replica(replication: &Value) -> bool {
    let Value::BulkString(text) = replication else {
        return false;
    };
    String::from_utf8_lossy(text)
        .lines()
        .any(|line| line == "role:slave")
}
