//! A client's place in all partitions, and its text: one `at` of each, comma-separated.

use std::fmt;
use std::sync::Arc;

use crate::domain::{At, InvalidPosition, Partition, Partitions, Position};

/// The longest text of one `at`: a partition of 5 digits, epoch and tag of 16, a seq of 16, and what stands between.
const AT_BYTES: usize = 5 + 1 + 16 + 1 + 16 + 1 + 16;

/// One position of each partition, in partition order. Cloning is cheap: all sessions at one place share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Arc<[Position]>);

/// A text that is not a cursor of this deployment; each says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCursor {
    /// Longer than any cursor of so many partitions.
    #[error("the cursor has {length} bytes; one of {partitions} partition(s) has at most {max}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The longest in bytes.
        max: usize,
        /// How many partitions there are.
        partitions: u16,
    },
    /// A part is not an `at`.
    #[error("part {number} of the cursor is not PARTITION:POSITION: {source}")]
    NotAt {
        /// Which of the comma-separated parts, from 1.
        number: usize,
        /// What was expected.
        source: InvalidPosition,
    },
    /// A part names a partition that there is not.
    #[error("the cursor names partition {partition}; the partitions here are 0 to {last}")]
    Unknown {
        /// The partition.
        partition: Partition,
        /// The last one that there is.
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
    /// Reads a cursor of these partitions, its parts in any order.
    pub fn read(text: &str, partitions: Partitions) -> Result<Self, InvalidCursor> {
        let count = usize::from(partitions.get());
        let max = count * (AT_BYTES + 1) - 1;
        if text.len() > max {
            return Err(InvalidCursor::TooLong { length: text.len(), max, partitions: partitions.get() });
        }
        let mut positions = vec![None; count];
        for (index, part) in text.split(',').enumerate() {
            let At { partition, position } =
                part.parse().map_err(|source| InvalidCursor::NotAt { number: index + 1, source })?;
            let slot = positions
                .get_mut(partition.index())
                .ok_or(InvalidCursor::Unknown { partition, last: partitions.get() - 1 })?;
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

    /// The position in one partition.
    pub fn position(&self, partition: Partition) -> Position {
        self.0[partition.index()]
    }

    /// All positions, in partition order.
    pub fn positions(&self) -> &[Position] {
        &self.0
    }

    /// The cursor after what stands at `at`.
    #[must_use]
    pub fn advanced(&self, at: At) -> Self {
        let changed = |(index, position)| if index == at.partition.index() { at.position } else { position };
        Self(self.0.iter().copied().enumerate().map(changed).collect())
    }
}

/// The parts in partition order.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, position) in (0..).zip(self.0.iter()) {
            let separator = if number > 0 { "," } else { "" };
            write!(f, "{separator}{}", At::new(Partition::new(number), *position))?;
        }
        Ok(())
    }
}
