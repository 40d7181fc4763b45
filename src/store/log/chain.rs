//! Checks that log entries can be read and follow each other.
//!
//! A damaged or missing entry ends the changes that a reader before it receives. A reader right
//! before it is answered that the log no longer continues, as if the log had been trimmed.

use std::fmt;

use super::{Discontinuity, LogAnswer, Tail};
use crate::domain::{Change, Position, Seq};

/// An entry that cannot be read, or does not follow the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Flaw {
    /// The number of the entry.
    pub(in crate::store) seq: Seq,
    pub(in crate::store) fault: EntryFault,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum EntryFault {
    /// It saved over a record whose damage was not known: only the image before the change cannot
    /// be read. No reader receives it, and there is nothing to mend.
    UnknownBefore,
    /// The entry before it is missing, or belongs to another history.
    Unconnected,
    /// It cannot be read, for this reason.
    Unreadable(String),
}

/// One entry, or why it cannot be read.
pub(in crate::store) type LogEntry = Result<Change, EntryFault>;

impl fmt::Display for EntryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownBefore => "has an image before it that cannot be read",
            Self::Unconnected => "is missing, or is another's",
            Self::Unreadable(detail) => detail,
        })
    }
}

/// The answer to "what came after `from`?". The entries are in order.
pub(in crate::store) fn since(
    head: Position,
    from: Position,
    entries: impl IntoIterator<Item = LogEntry>,
) -> (LogAnswer, Option<Flaw>) {
    let (mut changes, mut last, mut flaw) = (Vec::new(), from, None);
    for entry in entries {
        let seq = last.seq.next();
        match follows(last, entry) {
            Ok(change) => {
                last = change.at.position;
                changes.push(change);
            }
            Err(fault) => {
                flaw = Some(Flaw { seq, fault });
                break;
            }
        }
    }
    let answer = if changes.is_empty() && last != head {
        LogAnswer::Broken {
            reason: Discontinuity::Trimmed,
            head: Some(head),
        }
    } else {
        LogAnswer::Continues { head, changes }
    };
    (answer, flaw)
}

/// The end of a log. The entries are in order from the newest back.
pub(in crate::store) fn tail(
    head: Position,
    entries: impl IntoIterator<Item = LogEntry>,
) -> (Tail, Option<Flaw>) {
    let (mut changes, mut wanted, mut flaw) = (Vec::<Change>::new(), head, None);
    for entry in entries {
        match entry {
            Ok(change) if change.at.position == wanted => {
                let before = change.predecessor();
                changes.push(change);
                match before.filter(|before| before.seq != Seq::START) {
                    Some(before) => wanted = before,
                    None => break,
                }
            }
            // Entries of another history than the head's are no tail. The comparison of the head
            // with the log's end reports them.
            Ok(_) if changes.is_empty() => break,
            Ok(_) => {
                flaw = Some(Flaw {
                    seq: wanted.seq,
                    fault: EntryFault::Unconnected,
                });
                break;
            }
            Err(fault) => {
                flaw = Some(Flaw {
                    seq: wanted.seq,
                    fault,
                });
                break;
            }
        }
    }
    changes.reverse();
    (Tail { head, changes }, flaw)
}

/// The entry, if it comes right after `last`.
fn follows(last: Position, entry: LogEntry) -> LogEntry {
    let change = entry?;
    if change.predecessor() == Some(last) {
        Ok(change)
    } else {
        Err(EntryFault::Unconnected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Epoch, FieldsJson, LogPosition, Partition, Tag, Timestamp};

    fn position(seq: u64) -> Position {
        let tag = if seq == 0 {
            Tag::START
        } else {
            Tag::new(100 + seq)
        };
        Position {
            epoch: Epoch::new(1),
            seq: Seq::new(seq).unwrap(),
            tag,
        }
    }

    fn change(seq: u64) -> Change {
        let fields = r#"{"firstName":"A","lastName":"B","age":1,"job":""}"#;
        Change {
            at: LogPosition::new(Partition::new(0), position(seq)),
            previous: position(seq - 1).tag,
            id: "00000000-0000-7000-8000-000000000001".parse().unwrap(),
            time: Timestamp::from_millis(0),
            created_at: Timestamp::from_millis(0),
            before: None,
            after: FieldsJson::from_stored(fields).ok(),
            trace: None,
        }
    }

    #[allow(
        clippy::unnecessary_wraps,
        reason = "the tests mix it with entries that cannot be read"
    )]
    fn entry(seq: u64) -> LogEntry {
        Ok(change(seq))
    }

    fn seqs(changes: &[Change]) -> Vec<u64> {
        changes
            .iter()
            .map(|change| change.at.position.seq.get())
            .collect()
    }

    #[test]
    fn the_changes_after_a_position_end_before_the_first_flawed_entry() {
        let answer =
            |entries: Vec<LogEntry>, head| match since(position(head), position(3), entries) {
                (LogAnswer::Continues { changes, .. }, flaw) => {
                    (seqs(&changes), flaw.map(|flaw| flaw.seq.get()))
                }
                (LogAnswer::Broken { reason, .. }, flaw) => {
                    assert_eq!(reason, Discontinuity::Trimmed);
                    (vec![], flaw.map(|flaw| flaw.seq.get()).or(Some(0)))
                }
            };
        assert_eq!(answer(vec![entry(4), entry(5)], 5), (vec![4, 5], None));
        assert_eq!(answer(vec![], 3), (vec![], None));
        assert_eq!(
            answer(vec![entry(4), entry(6)], 6),
            (vec![4], Some(5)),
            "a hole"
        );
        assert_eq!(
            answer(
                vec![
                    entry(4),
                    Err(EntryFault::Unreadable("garbage".into())),
                    entry(6)
                ],
                6
            ),
            (vec![4], Some(5))
        );
        assert_eq!(
            answer(
                vec![Err(EntryFault::Unreadable("garbage".into())), entry(5)],
                5
            ),
            (vec![], Some(4)),
            "nothing continues there"
        );
        assert_eq!(answer(vec![], 9), (vec![], Some(0)), "the end is gone");
        let foreign = Ok(Change {
            previous: Tag::new(9),
            ..change(4)
        });
        assert_eq!(answer(vec![foreign], 4), (vec![], Some(4)));
    }

    #[test]
    fn the_tail_begins_after_the_last_flawed_entry() {
        let answer = |entries: Vec<LogEntry>, head| {
            let (tail, flaw) = tail(position(head), entries);
            (seqs(&tail.changes), flaw.map(|flaw| flaw.seq.get()))
        };
        assert_eq!(
            answer(vec![entry(3), entry(2), entry(1)], 3),
            (vec![1, 2, 3], None)
        );
        assert_eq!(answer(vec![], 0), (vec![], None));
        assert_eq!(
            answer(vec![entry(9), entry(8), entry(6)], 9),
            (vec![8, 9], Some(7)),
            "a hole"
        );
        assert_eq!(
            answer(
                vec![entry(9), Err(EntryFault::Unreadable("garbage".into()))],
                9
            ),
            (vec![9], Some(8))
        );
        assert_eq!(
            answer(
                vec![Err(EntryFault::Unreadable("garbage".into())), entry(8)],
                9
            ),
            (vec![], Some(9))
        );
        assert_eq!(
            answer(vec![entry(5), entry(4)], 9),
            (vec![], None),
            "of another history"
        );
        assert_eq!(
            answer(vec![entry(2), entry(1)], 0),
            (vec![], None),
            "a lost head"
        );
    }
}
