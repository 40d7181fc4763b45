//! Redis answers questions about a log; these functions read its head, its last changes and the
//! changes after a position.

use ::redis::Value;

use super::value::{corrupt, image, list, next, parsed, text};
use crate::domain::{Change, LogPosition, Partition, Position, Seq, Timestamp};
use crate::store::chain::{self, Entry, Flaw, UNKNOWN_BEFORE};
use crate::store::{Discontinuity, Since, StoreError, Tail};

/// The head of a log as three texts; none where the log has no beginning that can be continued.
type Head = Option<Position>;

/// Reads what since.lua answered to a question for what came after `from`.
pub(in crate::store::redis) fn since(
    partition: Partition,
    from: Position,
    answer: Value,
) -> Result<(Since, Option<Flaw>), StoreError> {
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
                Since::Broken {
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
        Since::Broken {
            reason,
            head: head(&mut parts)?,
        },
        None,
    ))
}

/// Reads what tail.lua answered; none where the log has no beginning.
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

/// Reads the entry that XRANGE answered with, if there is one: its number, where its id is one of
/// ours, and itself.
pub(in crate::store::redis) fn entry(
    partition: Partition,
    answer: Value,
) -> Result<Option<(Option<Seq>, Entry)>, StoreError> {
    let Some(entry) = list(answer)?.into_iter().next() else {
        return Ok(None);
    };
    let id = match &entry {
        Value::Array(parts) => parts.first().cloned(),
        _ => None,
    };
    let seq = id.and_then(|id| text(id).ok()?.strip_suffix("-0")?.parse().ok());
    Ok(Some((
        seq,
        change(partition, entry).map_err(|error| detail(&error)),
    )))
}

/// Reads HMGET of e, s and t.
pub(in crate::store::redis) fn head_of(answer: Value) -> Result<Head, StoreError> {
    head(&mut list(answer)?.into_iter())
}

pub(super) fn head(parts: &mut impl Iterator<Item = Value>) -> Result<Head, StoreError> {
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
    // A damaged head is none: the probe gives the log a new beginning.
    Ok(read())
}

fn entries(partition: Partition, entries: Value) -> Result<Vec<Entry>, StoreError> {
    let told = |entry| change(partition, entry).map_err(|error| detail(&error));
    Ok(list(entries)?.into_iter().map(told).collect())
}

/// One log entry: its id `SEQ-0`, and fields by name, of which unknown ones are ignored.
pub(super) fn change(partition: Partition, entry: Value) -> Result<Change, StoreError> {
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
        before: image(&before).map_err(|_| corrupt(UNKNOWN_BEFORE))?,
        after: image(&after)?,
        trace: None,
    };
    if (operation == "S") != change.after.is_some() {
        return Err(corrupt(&format!("log entry {entry_id} contradicts itself")));
    }
    Ok(change)
}

/// Why an entry is none, without what stands in it.
fn detail(error: &StoreError) -> String {
    match error {
        StoreError::Corrupt(detail) => detail.clone(),
        other => other.to_string(),
    }
}
