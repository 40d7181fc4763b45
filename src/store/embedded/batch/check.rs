//! A write is checked against the record that stands under its id, before anything is changed.

use crate::domain::Position;
use crate::store::{Applied, CorruptRecord, Expect, Record, StoreError, Write};

/// What the checks of a write came to.
pub(super) enum Checked {
    /// It is answered by this, and changes nothing.
    Answer(Applied),
    /// It is refused: the record is damaged, and has no revision to compare with.
    Refuse(StoreError),
    /// It goes ahead, over this record.
    Go(Previous),
}

/// What stands under a person's id before a write.
pub(super) enum Previous {
    Nobody,
    Sound(Record),
    /// A record that cannot be read, and its revision where that can be.
    Damaged(Option<Position>, CorruptRecord),
}

/// Compares what a write expects with the record as it is stored; none where there is no person.
pub(super) fn check(write: &Write, stored: Option<&str>) -> Checked {
    let previous = match stored {
        None => Previous::Nobody,
        Some(text) => match Record::decode(text) {
            Ok(record) => Previous::Sound(record),
            Err(why) => Previous::Damaged(Record::revision_of(text), why),
        },
    };
    let (exists, current) = match &previous {
        Previous::Nobody => (false, None),
        Previous::Sound(record) => (true, Some(record.revision)),
        Previous::Damaged(revision, _) => (true, *revision),
    };
    if !holds(write.expect, exists, current) {
        return match previous {
            Previous::Damaged(None, why) => {
                Checked::Refuse(StoreError::Damaged { id: write.id, why })
            }
            _ => Checked::Answer(Applied::Conflict { current }),
        };
    }
    if write.save.is_none() && !exists {
        return Checked::Answer(Applied::NotFound);
    }
    Checked::Go(previous)
}

fn holds(expect: Expect, exists: bool, current: Option<Position>) -> bool {
    match expect {
        Expect::Anything => true,
        Expect::Absent => !exists,
        Expect::Present => exists,
        Expect::Revision(revision) => current == Some(revision),
        Expect::Impossible => false,
    }
}
