//! From Redis' answers to the store's nouns. What cannot be read is corruption, told by name, never
//! a panic.

mod log;
#[cfg(test)]
mod tests;
mod value;

use std::num::NonZeroUsize;

use ::redis::Value;

use self::log::head;
use self::value::{bytes, corrupt, image, next, parse, parsed};
use super::keys::ids;
use crate::domain::{LogPosition, Partition, Partitions, Person, PersonId, Tag};
use crate::store::damage::PageRead;
use crate::store::{Applied, CorruptRecord, Page, Record, Recorded, StoreError};

pub(super) use self::log::{entry, head_of, since, tail};
pub(super) use self::value::{list, text};

/// A range of the list of ids as it was read.
pub(super) struct RangeRead {
    pub(super) read: PageRead,
    /// A member that is no id of this partition's people.
    pub(super) foreign: Option<String>,
    /// Whether all scores are the same; else the order of ids is broken.
    pub(super) is_even: bool,
}

/// Reads what apply.lua answered to a write of `id`.
pub(super) fn applied(
    partition: Partition,
    id: PersonId,
    answer: Value,
) -> Result<Applied, StoreError> {
    let mut parts = list(answer)?.into_iter();
    let word = text(next(&mut parts)?)?;
    Ok(match word.as_str() {
        "OK" => {
            let at = LogPosition::new(partition, parse(&mut parts)?);
            let _previous: Tag = parse(&mut parts)?;
            Applied::Done {
                at,
                created_at: parse(&mut parts)?,
            }
        }
        "REPLAY" => Applied::Replayed(success(partition, &mut parts, true)?),
        "REUSED" => Applied::KeyReused,
        "CONFLICT" => match text(next(&mut parts)?)?.as_str() {
            "0" => Applied::Conflict { current: None },
            revision => Applied::Conflict {
                current: Some(parsed(revision)?),
            },
        },
        "DAMAGED" => {
            return Err(StoreError::Damaged {
                id,
                why: CorruptRecord::Header,
            });
        }
        "NOTFOUND" => Applied::NotFound,
        _ => return Err(corrupt("an answer that the apply script never gives")),
    })
}

/// Reads an idempotency record, asked for by a request with this fingerprint: fingerprint,
/// revision, id, created, time and fields, all nil where there is none.
pub(super) fn recorded(
    partition: Partition,
    answer: Value,
    fingerprint: &str,
) -> Result<Option<Recorded>, StoreError> {
    let mut parts = list(answer)?.into_iter();
    match next(&mut parts)? {
        Value::Nil => Ok(None),
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
) -> Result<Recorded, StoreError> {
    Ok(Recorded {
        at: LogPosition::new(partition, parse(parts)?),
        id: parse(parts)?,
        created_at: parse(parts)?,
        time: parse(parts)?,
        save: image(&text(next(parts)?)?)?,
        same_request,
    })
}

/// Reads a person's record; nil is nobody.
pub(super) fn person(id: PersonId, answer: &Value) -> Result<Option<Person>, CorruptRecord> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(Record::read(bytes)?.into_person(id))),
        _ => Err(CorruptRecord::Header),
    }
}

/// Reads what page.lua answered; none where the log has no beginning. Members that are no ids take
/// up room and show nobody.
pub(super) fn page(
    partitions: Partitions,
    partition: Partition,
    answer: Value,
) -> Result<Option<RangeRead>, StoreError> {
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
    let mut read = RangeRead {
        read: PageRead {
            page: Page {
                head,
                people: Vec::new(),
                next: None,
            },
            damaged: Vec::new(),
        },
        foreign: None,
        is_even,
    };
    if has_more {
        let last = members.last().and_then(|member| ids::last_up_to(member));
        read.read.page.next = last.filter(|last| ids::first_after(Some(*last)).is_some());
    }
    for (member, record) in members.iter().zip(&records) {
        match ids::listed(member).filter(|id| partitions.of(*id) == partition) {
            None => read.foreign = Some(member.escape_ascii().to_string()),
            Some(id) => {
                match person(id, record).and_then(|person| person.ok_or(CorruptRecord::Missing)) {
                    Ok(person) => read.read.page.people.push(person),
                    Err(why) => read.read.damaged.push((id, why)),
                }
            }
        }
    }
    Ok(Some(read))
}

/// Reads members of the list of ids that were asked for, so many of them: those that are ids of
/// this partition, and where more may follow.
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

/// Reads INFO replication: whether the server follows another.
pub(super) fn is_replica(replication: &Value) -> bool {
    let Value::BulkString(text) = replication else {
        return false;
    };
    String::from_utf8_lossy(text)
        .lines()
        .any(|line| line == "role:slave")
}
