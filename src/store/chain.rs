//! Entries of a log as they were read: only those that can be read and follow each other are
//! history.
//!
//! An entry that is damaged, or missing in the middle, ends what can be told from before it: who
//! stands there is told that the log no longer continues, as if it had been trimmed.

use super::{Discontinuity, Since, Tail};
use crate::domain::{Change, Position, Seq};

/// An entry that cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Its number.
    pub(super) seq: Seq,
    /// What is wrong with it.
    pub(super) detail: String,
}

/// What is wrong with an entry that saved over a record whose damage nobody saw before: it is sound
/// but for its image before, so that nobody can be told of it, and there is nothing to mend.
pub(super) const UNKNOWN_BEFORE: &str = "has an image before it that cannot be read";

/// One entry, or why it cannot be read.
pub(super) type Entry = Result<Change, String>;

/// What came after `from`, of which the entries were read in order.
pub(super) fn since(
    head: Position,
    from: Position,
    entries: impl IntoIterator<Item = Entry>,
) -> (Since, Option<Flaw>) {
    let (mut changes, mut last, mut flaw) = (Vec::new(), from, None);
    for entry in entries {
        let seq = last.seq.next();
        match follows(last, entry) {
            Ok(change) => {
                last = change.at.position;
                changes.push(change);
            }
            Err(detail) => {
                flaw = Some(Flaw { seq, detail });
                break;
            }
        }
    }
    let since = if changes.is_empty() && last != head {
        Since::Broken {
            reason: Discontinuity::Trimmed,
            head: Some(head),
        }
    } else {
        Since::Continues { head, changes }
    };
    (since, flaw)
}

/// The end of a log, of which the entries were read from the newest back.
pub(super) fn tail(
    head: Position,
    entries: impl IntoIterator<Item = Entry>,
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
            // What a log holds of another history than its head's is no tail, and the head's
            // comparison tells of it.
            Ok(_) if changes.is_empty() => break,
            Ok(_) => {
                flaw = Some(Flaw {
                    seq: wanted.seq,
                    detail: "is missing, or is another's".to_owned(),
                });
                break;
            }
            Err(detail) => {
                flaw = Some(Flaw {
                    seq: wanted.seq,
                    detail,
                });
                break;
            }
        }
    }
    changes.reverse();
    (Tail { head, changes }, flaw)
}

/// The entry, if it comes right after `last`.
fn follows(last: Position, entry: Entry) -> Result<Change, String> {
    let change = entry?;
    if change.predecessor() == Some(last) {
        Ok(change)
    } else {
        Err("is missing, or is another's".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Epoch, FieldsJson, LogPosition, Partition, Tag, Timestamp};

    fn place(seq: u64) -> Position {
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
            at: LogPosition::new(Partition::new(0), place(seq)),
            previous: place(seq - 1).tag,
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
        reason = "it stands among entries that cannot be read"
    )]
    fn entry(seq: u64) -> Entry {
        Ok(change(seq))
    }

    fn seqs(changes: &[Change]) -> Vec<u64> {
        changes
            .iter()
            .map(|change| change.at.position.seq.get())
            .collect()
    }

    #[test]
    fn what_came_after_a_place_ends_before_the_first_entry_that_cannot_be_told() {
        let told = |entries: Vec<Entry>, head| match since(place(head), place(3), entries) {
            (Since::Continues { changes, .. }, flaw) => {
                (seqs(&changes), flaw.map(|flaw| flaw.seq.get()))
            }
            (Since::Broken { reason, .. }, flaw) => {
                assert_eq!(reason, Discontinuity::Trimmed);
                (vec![], flaw.map(|flaw| flaw.seq.get()).or(Some(0)))
            }
        };
        assert_eq!(told(vec![entry(4), entry(5)], 5), (vec![4, 5], None));
        assert_eq!(told(vec![], 3), (vec![], None));
        assert_eq!(
            told(vec![entry(4), entry(6)], 6),
            (vec![4], Some(5)),
            "a hole"
        );
        assert_eq!(
            told(vec![entry(4), Err("garbage".into()), entry(6)], 6),
            (vec![4], Some(5))
        );
        assert_eq!(
            told(vec![Err("garbage".into()), entry(5)], 5),
            (vec![], Some(4)),
            "nothing continues there"
        );
        assert_eq!(told(vec![], 9), (vec![], Some(0)), "the end is gone");
        let foreign = Ok(Change {
            previous: Tag::new(9),
            ..change(4)
        });
        assert_eq!(told(vec![foreign], 4), (vec![], Some(4)));
    }

    #[test]
    fn the_end_of_a_log_begins_after_the_last_entry_that_cannot_be_told() {
        let told = |entries: Vec<Entry>, head| {
            let (tail, flaw) = tail(place(head), entries);
            (seqs(&tail.changes), flaw.map(|flaw| flaw.seq.get()))
        };
        assert_eq!(
            told(vec![entry(3), entry(2), entry(1)], 3),
            (vec![1, 2, 3], None)
        );
        assert_eq!(told(vec![], 0), (vec![], None));
        assert_eq!(
            told(vec![entry(9), entry(8), entry(6)], 9),
            (vec![8, 9], Some(7)),
            "a hole"
        );
        assert_eq!(
            told(vec![entry(9), Err("garbage".into())], 9),
            (vec![9], Some(8))
        );
        assert_eq!(
            told(vec![Err("garbage".into()), entry(8)], 9),
            (vec![], Some(9))
        );
        assert_eq!(
            told(vec![entry(5), entry(4)], 9),
            (vec![], None),
            "of another history"
        );
        assert_eq!(
            told(vec![entry(2), entry(1)], 0),
            (vec![], None),
            "a lost head"
        );
    }
}
