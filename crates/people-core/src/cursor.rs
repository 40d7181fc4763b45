//! A client's position in all partitions, and its text: one log position of each partition,
//! comma-separated.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;
use std::sync::Arc;

use crate::{InvalidPosition, LogPosition, Partition, Partitions, Position};

/// The longest text of one log position: 5 digits of partition, 16 each of epoch, seq and tag, and
/// three separators.
const LOG_POSITION_BYTES: usize = 5 + 1 + 16 + 1 + 16 + 1 + 16;

/// One position of each partition, in partition order. A clone shares the positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Arc<[Position]>);

/// Why a text is not a cursor of this deployment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCursor {
    /// The text is longer than any cursor of this number of partitions.
    #[error("the cursor has {length} bytes; one of {partitions} partition(s) has at most {max}")]
    TooLong {
        /// The length in bytes.
        length: usize,
        /// The longest cursor in bytes.
        max: usize,
        /// The number of partitions.
        partitions: u16,
    },
    /// A part is not a log position.
    #[error("part {number} of the cursor is not PARTITION:POSITION: {source}")]
    NotLogPosition {
        /// The number of the comma-separated part, from 1.
        number: usize,
        /// What is wrong with the part.
        source: InvalidPosition,
    },
    /// A part names a partition that does not exist.
    #[error("the cursor names partition {partition}; the partitions here are 0 to {last}")]
    Unknown {
        /// The partition.
        partition: Partition,
        /// The last partition.
        last: u16,
    },
    /// Two parts name the same partition.
    #[error("the cursor names partition {0} twice")]
    Twice(Partition),
    /// No part names this partition.
    #[error("the cursor names no position in partition {0}; it needs one of each partition")]
    Missing(Partition),
}

impl Cursor {
    /// Reads a cursor of these partitions. Its parts may have any order.
    pub fn read(text: &str, partitions: Partitions) -> Result<Self, InvalidCursor> {
        let count = usize::from(partitions.get());
        let max = longest_of(count);
        if text.len() > max {
            return Err(InvalidCursor::TooLong {
                length: text.len(),
                max,
                partitions: partitions.get(),
            });
        }
        let mut positions = vec![None; count];
        for (index, part) in text.split(',').enumerate() {
            let LogPosition {
                partition,
                position,
            } = part
                .parse()
                .map_err(|source| InvalidCursor::NotLogPosition {
                    number: index + 1,
                    source,
                })?;
            let slot = positions
                .get_mut(partition.index())
                .ok_or(InvalidCursor::Unknown {
                    partition,
                    last: partitions.get() - 1,
                })?;
            if slot.replace(position).is_some() {
                return Err(InvalidCursor::Twice(partition));
            }
        }
        let known = partitions.iter().zip(positions);
        known
            .map(|(partition, position)| position.ok_or(InvalidCursor::Missing(partition)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A cursor with these positions, in partition order.
    pub fn new(positions: impl IntoIterator<Item = Position>) -> Self {
        Self(positions.into_iter().collect())
    }

    /// The position in one partition. Panics if the cursor lacks it.
    pub fn position(&self, partition: Partition) -> Position {
        self.0[partition.index()]
    }

    /// The position in one partition; `None` if the cursor lacks that partition.
    pub fn get(&self, partition: Partition) -> Option<Position> {
        self.0.get(partition.index()).copied()
    }

    /// All positions, in partition order.
    pub fn positions(&self) -> &[Position] {
        &self.0
    }

    /// All positions, each with its partition.
    pub fn log_positions(&self) -> impl Iterator<Item = LogPosition> {
        (0..)
            .zip(self.0.iter())
            .map(|(number, position)| LogPosition::new(Partition::new(number), *position))
    }

    /// Moves to `at` in its partition. Ignores a partition that the cursor lacks.
    pub fn advance(&mut self, at: LogPosition) {
        if let Some(position) = Arc::make_mut(&mut self.0).get_mut(at.partition.index()) {
            *position = at.position;
        }
    }

    /// The longest text of a cursor of these partitions, in bytes.
    pub fn longest(&self) -> usize {
        longest_of(self.0.len())
    }

    /// The cursor moved to `at` in its partition.
    #[must_use]
    pub fn advanced(&self, at: LogPosition) -> Self {
        let changed = |(index, position)| {
            if index == at.partition.index() {
                at.position
            } else {
                position
            }
        };
        Self(self.0.iter().copied().enumerate().map(changed).collect())
    }
}

/// Reads a cursor of unknown partitions: the text has one part for each.
impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let parts = u16::try_from(text.split(',').count()).unwrap_or(u16::MAX);
        let count = NonZeroU16::new(parts).expect("a text has at least one part");
        Self::read(text, Partitions::new(count))
    }
}

/// The longest cursor of this number of partitions, in bytes.
const fn longest_of(partitions: usize) -> usize {
    partitions * (LOG_POSITION_BYTES + 1) - 1
}

/// Writes the parts in partition order.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, at) in self.log_positions().enumerate() {
            write!(f, "{}{at}", if index > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Epoch, Seq, Tag};

    fn partitions(count: usize) -> Partitions {
        Partitions::new(NonZeroU16::new(u16::try_from(count).unwrap()).unwrap())
    }

    fn position() -> impl Strategy<Value = Position> {
        let parts = (any::<u64>(), 0..=Seq::MAX.get(), any::<u64>());
        parts.prop_map(|(epoch, seq, tag)| Position {
            epoch: Epoch::new(epoch),
            seq: Seq::new(seq).unwrap(),
            tag: Tag::new(tag),
        })
    }

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(
            positions in prop::collection::vec(position(), 1..20),
        ) {
            let cursor = Cursor::new(positions.iter().copied());
            let text = cursor.to_string();
            prop_assert!(text.len() <= cursor.longest());
            prop_assert_eq!(Cursor::read(&text, partitions(positions.len())), Ok(cursor.clone()));
            prop_assert_eq!(text.parse(), Ok(cursor));
        }

        #[test]
        fn a_cursor_moves_in_one_partition_only(
            positions in prop::collection::vec(position(), 1..20),
            number in 0_u16..24,
            to in position(),
        ) {
            let cursor = Cursor::new(positions.iter().copied());
            let at = LogPosition::new(Partition::new(number), to);
            let mut moved = cursor.clone();
            moved.advance(at);
            prop_assert_eq!(&moved, &cursor.advanced(at));
            for (index, position) in positions.iter().enumerate() {
                let expected = if index == usize::from(number) { to } else { *position };
                prop_assert_eq!(moved.positions()[index], expected);
            }
            prop_assert_eq!(cursor.positions(), &positions[..]);
        }

        #[test]
        fn the_parts_of_a_cursor_may_have_any_order(
            (positions, order) in prop::collection::vec(position(), 1..20)
                .prop_flat_map(|positions| {
                    let numbers: Vec<u16> = (0..).take(positions.len()).collect();
                    (Just(positions), Just(numbers).prop_shuffle())
                })
        ) {
            let part = |number: &u16| {
                let position = positions[usize::from(*number)];
                LogPosition::new(Partition::new(*number), position).to_string()
            };
            let text = order.iter().map(part).collect::<Vec<_>>().join(",");
            let cursor = Cursor::new(positions.iter().copied());
            prop_assert_eq!(Cursor::read(&text, partitions(positions.len())), Ok(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_an_error(
            text in "\\PC*|[0-9a-f:.,]{0,120}", count in 1_usize..4,
        ) {
            if let Ok(cursor) = Cursor::read(&text, partitions(count)) {
                prop_assert_eq!(cursor.positions().len(), count);
            }
        }
    }

    #[test]
    fn the_error_of_a_refused_text_names_its_fault() {
        let fault = |text: &str| Cursor::read(text, partitions(2)).unwrap_err().to_string();
        let not_position = "not a position: expected EPOCH.SEQ.TAG, epoch and tag in lower-case \
                            hex without leading zeros, seq in decimal up to 2^53";
        for (text, number) in [
            ("", 1),
            ("now", 1),
            ("0:1.1.1,", 2),
            ("0:1.1.1,1:1.9007199254740993.1", 2),
            ("0:1.1.1, 1:1.1.1", 2),
            ("0:1.1.1,1:1.1.1,", 3),
            ("+0:1.1.1,1:1.1.1", 1),
            ("65536:1.1.1", 1),
        ] {
            let expected =
                format!("part {number} of the cursor is not PARTITION:POSITION: {not_position}");
            assert_eq!(fault(text), expected, "{text}");
        }
        assert_eq!(
            fault("0:1.1.1"),
            "the cursor names no position in partition 1; it needs one of each partition"
        );
        assert_eq!(
            fault("0:1.1.1,0:1.1.1"),
            "the cursor names partition 0 twice"
        );
        assert_eq!(
            fault("0:1.1.1,2:1.1.1"),
            "the cursor names partition 2; the partitions here are 0 to 1"
        );
        let overlong = fault(&"0".repeat(114));
        assert_eq!(
            overlong,
            "the cursor has 114 bytes; one of 2 partition(s) has at most 113"
        );
        assert!(Cursor::read("1:2.9007199254740992.3,0:1.0.0", partitions(2)).is_ok());
    }
}
