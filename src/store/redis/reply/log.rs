//! Reads the answers about a log: its head, its tail, and the changes after a position.

use ::redis::Value;

use super::value::{corrupt, image, list, next, parsed, text};
use crate::domain::{Change, LogPosition, Partition, Position, Seq, Timestamp};
use crate::store::log::chain::{self, EntryFault, Flaw, LogEntry};
use crate::store::{Discontinuity, LogAnswer, StoreError, Tail};

/// Reads the answer of since.lua to a question about `from`.
pub(in crate::store::redis) fn since(
    partition: Partition,
    from: Position,
    answer: Value,
) -> Result<(LogAnswer, Option<Flaw>), StoreError> {
    let mut parts = list(answer)?.into_iter();
    let reason = match text(next(&mut parts)?)?.as_str() {
        "OK" => {
            let head =
                head(&mut parts)?.ok_or_else(|| corrupt("a log that continues without a head"))?;
            return Ok(chain::since(
                head,
                from,
                entries(partition, next(&mut parts)?)?,
            ));
        }
        "EMPTY" => {
            return Ok((
                LogAnswer::Broken {
                    reason: Discontinuity::Epoch,
                    head: None,
                },
                None,
            ));
        }
        "EPOCH" => Discontinuity::Epoch,
        "FORK" => Discontinuity::Forked,
        "TRIMMED" => Discontinuity::Trimmed,
        _ => return Err(corrupt("an answer that the since script never gives")),
    };
    Ok((
        LogAnswer::Broken {
            reason,
            head: head(&mut parts)?,
        },
        None,
    ))
}

/// Reads the answer of tail.lua; none if the log has no genesis.
pub(in crate::store::redis) fn tail(
    partition: Partition,
    answer: Value,
) -> Result<Option<(Tail, Option<Flaw>)>, StoreError> {
    let mut parts = list(answer)?.into_iter();
    let Some(head) = head(&mut parts)? else {
        return Ok(None);
    };
    Ok(Some(chain::tail(
        head,
        entries(partition, next(&mut parts)?)?,
    )))
}

/// Reads the answer of XRANGE with one entry: its number, if its id is one of ours, and the entry.
pub(in crate::store::redis) fn entry(
    partition: Partition,
    answer: Value,
) -> Result<Option<(Option<Seq>, LogEntry)>, StoreError> {
    let Some(entry) = list(answer)?.into_iter().next() else {
        return Ok(None);
    };
    let id = match &entry {
        Value::Array(parts) => parts.first().cloned(),
        _ => None,
    };
    let seq = id.and_then(|id| text(id).ok()?.strip_suffix("-0")?.parse().ok());
    Ok(Some((seq, change(partition, entry))))
}

/// Reads the answer of HMGET for e, s and t. A damaged head is none: the probe restores the log.
pub(in crate::store::redis) fn head_of(answer: Value) -> Result<Option<Position>, StoreError> {
    head(&mut list(answer)?.into_iter())
}

/// Reads epoch, number and tag of a head; none if one of them is missing or damaged.
pub(super) fn head(
    parts: &mut impl Iterator<Item = Value>,
) -> Result<Option<Position>, StoreError> {
    let (epoch, seq, tag) = (next(parts)?, next(parts)?, next(parts)?);
    let read = || {
        let texts = [epoch, seq, tag].map(text);
        let [Ok(epoch), Ok(seq), Ok(tag)] = texts else {
            return None;
        };
        Some(Position {
            epoch: epoch.parse().ok()?,
            seq: seq.parse().ok()?,
            tag: tag.parse().ok()?,
        })
    };
    Ok(read())
}

fn entries(partition: Partition, entries: Value) -> Result<Vec<LogEntry>, StoreError> {
    let entries = list(entries)?.into_iter();
    Ok(entries.map(|entry| change(partition, entry)).collect())
}

/// Reads one log entry: its id `SEQ-0`, and fields by name. Unknown fields are ignored.
pub(super) fn change(partition: Partition, entry: Value) -> LogEntry {
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
        return Err(corrupt(&format!("log entry {entry_id} lacks a field")).into());
    };
    let seq = entry_id
        .strip_suffix("-0")
        .ok_or_else(|| corrupt(&format!("log entry {entry_id} is not SEQ-0")))?;
    let position = Position {
        epoch: parsed(&epoch)?,
        seq: parsed(seq)?,
        tag: parsed(&tag)?,
    };
    let change = Change {
        at: LogPosition::new(partition, position),
        previous: parsed(&previous)?,
        id: parsed(&id)?,
        time: parsed(&time)?,
        created_at: parsed::<Timestamp>(&created)?,
        before: image(&before).map_err(|_| EntryFault::UnknownBefore)?,
        after: image(&after)?,
        trace: None,
    };
    if (operation == "S") != change.after.is_some() {
        return Err(corrupt(&format!("log entry {entry_id} contradicts itself")).into());
    }
    Ok(change)
}

/// Without the content of the entry.
impl From<StoreError> for EntryFault {
    fn from(error: StoreError) -> Self {
        Self::Unreadable(match error {
            StoreError::Corrupt(cause) => cause.to_string(),
            other => other.to_string(),
        })
    }
}
