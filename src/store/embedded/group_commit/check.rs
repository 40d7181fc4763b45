//! Checks a write against the stored record, before anything is changed.

use crate::domain::Position;
use crate::store::{CorruptRecord, Expectation, StoreError, StoredPerson, Write, WriteOutcome};

/// What becomes of a write.
pub(super) enum Decision {
    /// It changes nothing, and this is its outcome.
    Answer(WriteOutcome),
    /// It is refused: the record is damaged and has no revision to compare.
    Refuse(StoreError),
    /// It is carried out over this record.
    Proceed(PreviousRecord),
}

/// The record before a write.
pub(super) enum PreviousRecord {
    Missing,
    Sound(StoredPerson),
    /// It cannot be read: its revision, if that can be read, and what is wrong.
    Damaged(Option<Position>, CorruptRecord),
}

/// Compares a write's expectation with the stored record, if there is one.
pub(super) fn check(write: &Write, stored: Option<&str>) -> Decision {
    let previous = match stored {
        None => PreviousRecord::Missing,
        Some(text) => match StoredPerson::decode(text) {
            Ok(record) => PreviousRecord::Sound(record),
            Err(why) => PreviousRecord::Damaged(StoredPerson::revision_of(text), why),
        },
    };
    let (exists, current) = match &previous {
        PreviousRecord::Missing => (false, None),
        PreviousRecord::Sound(record) => (true, Some(record.revision)),
        PreviousRecord::Damaged(revision, _) => (true, *revision),
    };
    if !holds(write.expect, exists, current) {
        return match previous {
            PreviousRecord::Damaged(None, why) => {
                Decision::Refuse(StoreError::Damaged { id: write.id, why })
            }
            _ => Decision::Answer(WriteOutcome::Conflict { current }),
        };
    }
    if write.save.is_none() && !exists {
        return Decision::Answer(WriteOutcome::NotFound);
    }
    Decision::Proceed(previous)
}

fn holds(expect: Expectation, exists: bool, current: Option<Position>) -> bool {
    match expect {
        Expectation::Anything => true,
        Expectation::Absent => !exists,
        Expectation::Present => exists,
        Expectation::Revision(revision) => current == Some(revision),
        Expectation::Impossible => false,
    }
}
