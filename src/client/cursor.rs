//! A client's cursor: one place of each partition, and how what arrives moves it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::domain::{At, Partition, Position};

/// A client's place in all partitions. Its text is one `PARTITION:EPOCH.SEQ.TAG` of each, comma-separated; it is read
/// in any order and written in the order of the partitions.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(BTreeMap<Partition, Position>);

/// A text that is not a cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCursor {
    /// One of its parts is not a place.
    #[error("not a cursor: expected PARTITION:EPOCH.SEQ.TAG of each partition, comma-separated; {part:?} is none")]
    Part {
        /// The part.
        part: String,
    },
    /// It has two places of one partition.
    #[error("not a cursor: partition {partition} stands in it twice")]
    Twice {
        /// The partition.
        partition: Partition,
    },
}

impl Cursor {
    /// No place in any partition.
    pub(super) const fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// The place in one partition, if the cursor has that partition.
    pub fn position(&self, partition: Partition) -> Option<Position> {
        self.0.get(&partition).copied()
    }

    /// All places, in the order of the partitions.
    pub fn places(&self) -> impl Iterator<Item = At> {
        self.0.iter().map(|(partition, position)| At::new(*partition, *position))
    }

    /// Lays the place of a change that was taken over this cursor: the latest of each partition counts.
    pub fn lay(&mut self, at: At) {
        self.0.insert(at.partition, at.position);
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut places = BTreeMap::new();
        for part in text.split(',') {
            let at: At = part.parse().map_err(|_| InvalidCursor::Part { part: part.to_owned() })?;
            if places.insert(at.partition, at.position).is_some() {
                return Err(InvalidCursor::Twice { partition: at.partition });
            }
        }
        Ok(Self(places))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, at) in self.places().enumerate() {
            write!(f, "{}{at}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn place() -> impl Strategy<Value = At> {
        (0..5_u16, 1..4_u64, 0..1000_u64, 0..9_u64).prop_map(|(partition, epoch, seq, tag)| {
            format!("{partition}:{epoch:x}.{seq}.{tag:x}").parse().expect("a place")
        })
    }

    proptest! {
        #[test]
        fn the_latest_place_of_each_partition_stands_over_the_last_cursor(
            first in prop::collection::vec(place(), 1..5),
            later in prop::collection::vec(place(), 0..20),
        ) {
            let mut model: BTreeMap<u16, At> = first.iter().map(|at| (at.partition.get(), *at)).collect();
            let text: Vec<String> = model.values().rev().map(At::to_string).collect();
            let mut cursor: Cursor = text.join(",").parse().expect("a cursor");
            for at in later {
                cursor.lay(at);
                model.insert(at.partition.get(), at);
            }
            prop_assert_eq!(cursor.places().collect::<Vec<_>>(), model.values().copied().collect::<Vec<_>>());
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", ",", "0:1.1.1,", "1.1.1", "0:1.1.1, 1:1.1.1", "now"] {
            assert!(matches!(text.parse::<Cursor>(), Err(InvalidCursor::Part { .. })), "{text}");
        }
        let twice = "0:1.1.1,0:1.2.1".parse::<Cursor>();
        assert_eq!(twice, Err(InvalidCursor::Twice { partition: Partition::new(0) }));
    }
}
