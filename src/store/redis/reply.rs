//! From Redis' answers to the store's nouns. What cannot be read is corruption, told by name, never a panic.

use std::num::NonZeroUsize;

use ::redis::Value;

use super::keys::ids;
use crate::domain::{At, Change, FieldsJson, Partition, Partitions, Person, PersonId, Position, Seq, Tag, Timestamp};
use crate::store::chain::{self, Entry, Flaw, UNKNOWN_BEFORE};
use crate::store::damage::PageRead;
use crate::store::{Applied, Break, CorruptRecord, Page, Record, Recorded, Since, StoreError, Tail};

/// The head of a log as three texts; none where the log has no beginning that can be continued.
type Head = Option<Position>;

/// A range of the list of ids as it was read.
pub(super) struct RangeRead {
    pub(super) read: PageRead,
    /// A member that is no id of this partition's people.
    pub(super) foreign: Option<String>,
    /// Whether all scores are the same; else the order of ids is broken.
    pub(super) is_even: bool,
}

/// Reads what apply.lua answered to a write of `id`.
pub(super) fn applied(partition: Partition, id: PersonId, answer: Value) -> Result<Applied, StoreError> {
    let mut parts = list(answer)?.into_iter();
    let word = text(next(&mut parts)?)?;
    Ok(match word.as_str() {
        "OK" => {
            let at = At::new(partition, parse(&mut parts)?);
            let _previous: Tag = parse(&mut parts)?;
            Applied::Done { at, created_at: parse(&mut parts)? }
        }
        "REPLAY" => Applied::Replayed(success(partition, &mut parts, true)?),
        "REUSED" => Applied::KeyReused,
        "CONFLICT" => match text(next(&mut parts)?)?.as_str() {
            "0" => Applied::Conflict { current: None },
            revision => Applied::Conflict { current: Some(parsed(revision)?) },
        },
        "DAMAGED" => return Err(StoreError::Damaged { id, why: CorruptRecord::Header }),
        "NOTFOUND" => Applied::NotFound,
        _ => return Err(corrupt("an answer that the apply script never gives")),
    })
}

/// Reads an idempotency record, asked for by a request with this fingerprint: fingerprint, revision, id, created, time
/// and fields, all nil where there is none.
pub(super) fn recorded(partition: Partition, answer: Value, fingerprint: &str) -> Result<Option<Recorded>, StoreError> {
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
        at: At::new(partition, parse(parts)?),
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

/// Reads what page.lua answered; none where the log has no beginning. Members that are no ids take up room and show
/// nobody.
pub(super) fn page(
    partitions: Partitions,
    partition: Partition,
    answer: Value,
) -> Result<Option<RangeRead>, StoreError> {
    let mut parts = list(answer)?.into_iter();
    let Some(head) = head(&mut parts)? else { return Ok(None) };
    let members: Vec<Vec<u8>> = list(next(&mut parts)?)?.into_iter().map(bytes).collect::<Result<_, _>>()?;
    let records = list(next(&mut parts)?)?;
    let has_more = matches!(next(&mut parts)?, Value::Int(1));
    let is_even = matches!(next(&mut parts)?, Value::Int(1));
    let mut read = RangeRead {
        read: PageRead { page: Page { head, people: Vec::new(), next: None }, damaged: Vec::new() },
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
            Some(id) => match person(id, record).and_then(|person| person.ok_or(CorruptRecord::Missing)) {
                Ok(person) => read.read.page.people.push(person),
                Err(why) => read.read.damaged.push((id, why)),
            },
        }
    }
    Ok(Some(read))
}

/// Reads members of the list of ids that were asked for, so many of them: those that are ids of this partition, and where
/// more may follow.
pub(super) fn ids(
    partitions: Partitions,
    partition: Partition,
    count: NonZeroUsize,
    answer: Value,
) -> Result<(Vec<PersonId>, Option<PersonId>), StoreError> {
    let members: Vec<Vec<u8>> = list(answer)?.into_iter().map(bytes).collect::<Result<_, _>>()?;
    let last = members.last().filter(|_| members.len() == count.get());
    let next = last.and_then(|member| ids::last_up_to(member));
    let found = members.iter().filter_map(|member| ids::listed(member).filter(|id| partitions.of(*id) == partition));
    Ok((found.collect(), next))
}

/// Reads what since.lua answered to a question for what came after `from`.
pub(super) fn since(partition: Partition, from: Position, answer: Value) -> Result<(Since, Option<Flaw>), StoreError> {
    let mut parts = list(answer)?.into_iter();
    let reason = match text(next(&mut parts)?)?.as_str() {
        "OK" => {
            let head = head(&mut parts)?.ok_or_else(|| corrupt("a log that continues without a head"))?;
            return Ok(chain::since(head, from, entries(partition, next(&mut parts)?)?));
        }
        "EMPTY" => return Ok((Since::Broken { reason: Break::Epoch, head: None }, None)),
        "EPOCH" => Break::Epoch,
        "FORK" => Break::Forked,
        "TRIMMED" => Break::Trimmed,
        _ => return Err(corrupt("an answer that the since script never gives")),
    };
    Ok((Since::Broken { reason, head: head(&mut parts)? }, None))
}

/// Reads what tail.lua answered; none where the log has no beginning.
pub(super) fn tail(partition: Partition, answer: Value) -> Result<Option<(Tail, Option<Flaw>)>, StoreError> {
    let mut parts = list(answer)?.into_iter();
    let Some(head) = head(&mut parts)? else { return Ok(None) };
    Ok(Some(chain::tail(head, entries(partition, next(&mut parts)?)?)))
}

/// Reads the entry that XRANGE answered with, if there is one: its number, where its id is one of ours, and itself.
pub(super) fn entry(partition: Partition, answer: Value) -> Result<Option<(Option<Seq>, Entry)>, StoreError> {
    let Some(entry) = list(answer)?.into_iter().next() else { return Ok(None) };
    let id = match &entry {
        Value::Array(parts) => parts.first().cloned(),
        _ => None,
    };
    let seq = id.and_then(|id| text(id).ok()?.strip_suffix("-0")?.parse().ok());
    Ok(Some((seq, change(partition, entry).map_err(|error| detail(&error)))))
}

/// Reads INFO replication: whether the server follows another.
pub(super) fn is_replica(replication: &Value) -> bool {
    let Value::BulkString(text) = replication else { return false };
    String::from_utf8_lossy(text).lines().any(|line| line == "role:slave")
}

/// Reads HMGET of e, s and t.
pub(super) fn head_of(answer: Value) -> Result<Head, StoreError> {
    head(&mut list(answer)?.into_iter())
}

fn head(parts: &mut impl Iterator<Item = Value>) -> Result<Head, StoreError> {
    let (epoch, seq, tag) = (next(parts)?, next(parts)?, next(parts)?);
    let read = || {
        let texts = [epoch, seq, tag].map(text);
        let [Ok(epoch), Ok(seq), Ok(tag)] = texts else { return None };
        Some(Position { epoch: epoch.parse().ok()?, seq: seq.parse().ok()?, tag: tag.parse().ok()? })
    };
    // A damaged head is none: the probe gives the log a new beginning.
    Ok(read())
}

fn entries(partition: Partition, entries: Value) -> Result<Vec<Entry>, StoreError> {
    let told = |entry| change(partition, entry).map_err(|error| detail(&error));
    Ok(list(entries)?.into_iter().map(told).collect())
}

/// Why an entry is none, without what stands in it.
fn detail(error: &StoreError) -> String {
    match error {
        StoreError::Corrupt(detail) => detail.clone(),
        other => other.to_string(),
    }
}

/// One log entry: its id `SEQ-0`, and fields by name, of which unknown ones are ignored.
fn change(partition: Partition, entry: Value) -> Result<Change, StoreError> {
    let mut parts = list(entry)?.into_iter();
    let entry_id = text(next(&mut parts)?)?;
    let mut values: [Option<String>; 9] = Default::default();
    let mut fields = list(next(&mut parts)?)?.into_iter();
    while let Some(name) = fields.next() {
        let value = next(&mut fields)?;
        let slot = match text(name)?.as_str() {
            "e" => 0,
            "p" => 1,
            "t" => 2,
            "o" => 3,
            "i" => 4,
            "c" => 5,
            "b" => 6,
            "a" => 7,
            "ts" => 8,
            _ => continue,
        };
        values[slot] = Some(text(value)?);
    }
    let [
        Some(epoch),
        Some(previous),
        Some(tag),
        Some(operation),
        Some(id),
        Some(created),
        Some(after),
        Some(before),
        Some(time),
    ] = values
    else {
        return Err(corrupt(&format!("log entry {entry_id} lacks a field")));
    };
    let seq = entry_id.strip_suffix("-0").ok_or_else(|| corrupt(&format!("log entry {entry_id} is not SEQ-0")))?;
    let position = Position { epoch: parsed(&epoch)?, seq: parsed(seq)?, tag: parsed(&tag)? };
    let change = Change {
        at: At::new(partition, position),
        previous: parsed(&previous)?,
        id: parsed(&id)?,
        time: parsed(&time)?,
        created_at: parsed::<Timestamp>(&created)?,
        before: image(&before).map_err(|_| corrupt(UNKNOWN_BEFORE))?,
        after: image(&after)?,
        trace: None,
    };
    if (operation == "S") != change.after.is_some() {
        return Err(corrupt(&format!("log entry {entry_id} contradicts itself")));
    }
    Ok(change)
}

/// Fields as JSON; the empty text stands for nobody.
fn image(text: &str) -> Result<Option<FieldsJson>, StoreError> {
    if text.is_empty() {
        return Ok(None);
    }
    FieldsJson::from_stored(text).map(Some).map_err(|error| corrupt(&error.to_string()))
}

pub(super) fn list(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(corrupt("a list was expected")),
    }
}

pub(super) fn text(value: Value) -> Result<String, StoreError> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).map_err(|_| corrupt("a text that is not UTF-8")),
        Value::SimpleString(text) => Ok(text),
        _ => Err(corrupt("a text was expected")),
    }
}

fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(corrupt("a text was expected")),
    }
}

fn next(parts: &mut impl Iterator<Item = Value>) -> Result<Value, StoreError> {
    parts.next().ok_or_else(|| corrupt("an answer ends too early"))
}

fn parse<T: std::str::FromStr>(parts: &mut impl Iterator<Item = Value>) -> Result<T, StoreError> {
    parsed(&text(next(parts)?)?)
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| corrupt("a value is not what belongs there"))
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Epoch;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn entry(fields: &[(&str, &str)]) -> Value {
        let fields = fields.iter().flat_map(|(name, value)| [bulk(name), bulk(value)]).collect();
        Value::Array(vec![bulk("7-0"), Value::Array(fields)])
    }

    const FIELDS: &str = r#"{"firstName":"A","lastName":"B","age":1,"job":""}"#;
    const ENTRY: [(&str, &str); 9] = [
        ("e", "a"),
        ("p", "b"),
        ("t", "c"),
        ("o", "S"),
        ("i", "0190f3e2-7c1b-7d9a-8f00-1234567890ab"),
        ("c", "1"),
        ("b", FIELDS),
        ("a", ""),
        ("ts", "2"),
    ];

    #[test]
    fn fields_of_a_later_version_are_ignored_and_missing_ones_are_told() {
        let mut later = ENTRY.to_vec();
        later.insert(3, ("future", "x"));
        let change = change(Partition::new(0), entry(&later)).expect("a change");
        assert_eq!(change.at.to_string(), "0:a.7.c");
        for missing in 0..ENTRY.len() {
            let mut fields = ENTRY.to_vec();
            fields.remove(missing);
            assert!(matches!(super::change(Partition::new(0), entry(&fields)), Err(StoreError::Corrupt(_))));
        }
    }

    #[test]
    fn answers_of_another_shape_are_corruption() {
        for answer in [Value::Nil, Value::Int(1), Value::Array(vec![]), Value::Array(vec![bulk("OK"), bulk("x")])] {
            let id = ENTRY[4].1.parse().expect("an id");
            assert!(matches!(applied(Partition::new(0), id, answer.clone()), Err(StoreError::Corrupt(_))));
            let from = Position::start_of(Epoch::new(1));
            assert!(matches!(since(Partition::new(0), from, answer), Err(StoreError::Corrupt(_))));
        }
    }
}
