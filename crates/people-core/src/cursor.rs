//! A client's position in all partitions, and its text: one log position of each partition,
//! comma-separated. A gateway with roles may append the rights under which it made the cursor.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;
use std::sync::Arc;

use crate::{InvalidPosition, LogPosition, Partition, Partitions, Position};

/// The longest text of one log position: 5 digits of partition, 16 each of epoch, seq and tag, and
/// three separators.
const LOG_POSITION_BYTES: usize = 5 + 1 + 16 + 1 + 16 + 1 + 16;
/// The text between the positions and the rights.
const RIGHTS_MARK: &str = ",v:";
/// The digits of the rights.
const RIGHTS_DIGITS: usize = 16;

/// One position of each partition, in partition order, and the rights of its holder. A clone shares
/// the positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    positions: Arc<[Position]>,
    /// Only a client has a cursor with this part, and returns it unchanged.
    rights: Option<CursorRights>,
}

/// The restricted rights under which a gateway made a cursor, as a number that only gateways
/// understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CursorRights(u64);

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
    /// Reads a cursor of these partitions, as a gateway does. Its parts may have any order. A part
    /// with rights is refused: only [`FromStr`] reads it.
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
            .map(Self::of)
    }

    /// A cursor with these positions, in partition order.
    pub fn new(positions: impl IntoIterator<Item = Position>) -> Self {
        Self::of(positions.into_iter().collect())
    }

    const fn of(positions: Arc<[Position]>) -> Self {
        Self {
            positions,
            rights: None,
        }
    }

    /// The position in one partition. Panics if the cursor lacks it.
    pub fn position(&self, partition: Partition) -> Position {
        self.positions[partition.index()]
    }

    /// The position in one partition; `None` if the cursor lacks that partition.
    pub fn get(&self, partition: Partition) -> Option<Position> {
        self.positions.get(partition.index()).copied()
    }

    /// All positions, in partition order.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// All positions, each with its partition.
    pub fn log_positions(&self) -> impl Iterator<Item = LogPosition> {
        (0..)
            .zip(self.positions.iter())
            .map(|(number, position)| LogPosition::new(Partition::new(number), *position))
    }

    /// Moves to `at` in its partition. Ignores a partition that the cursor lacks.
    pub fn advance(&mut self, at: LogPosition) {
        if let Some(position) = Arc::make_mut(&mut self.positions).get_mut(at.partition.index()) {
            *position = at.position;
        }
    }

    /// The longest text of a cursor of these partitions, in bytes.
    pub fn longest(&self) -> usize {
        let rights = self.rights.map_or(0, |_| RIGHTS_MARK.len() + RIGHTS_DIGITS);
        longest_of(self.positions.len()) + rights
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
        let positions = self.positions.iter().copied().enumerate();
        Self {
            positions: positions.map(changed).collect(),
            rights: self.rights,
        }
    }
}

/// Reads a cursor as a client does: the partitions are unknown, and the text has one part for each.
/// A last part with rights is kept.
impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (text, rights) = CursorRights::split_from(text);
        let parts = u16::try_from(text.split(',').count()).unwrap_or(u16::MAX);
        let count = NonZeroU16::new(parts).expect("a text has at least one part");
        let cursor = Self::read(text, Partitions::new(count))?;
        Ok(Self { rights, ..cursor })
    }
}

impl CursorRights {
    /// The text before the rights, and the rights; the whole text if it does not end with rights.
    fn split_from(text: &str) -> (&str, Option<Self>) {
        let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        let parts = text
            .rsplit_once(RIGHTS_MARK)
            .filter(|(_, digits)| digits.len() == RIGHTS_DIGITS && digits.bytes().all(is_digit));
        let rights = parts.and_then(|(positions, digits)| {
            let number = u64::from_str_radix(digits, 16).ok()?;
            Some((positions, Some(Self(number))))
        });
        rights.unwrap_or((text, None))
    }
}

/// The longest cursor of this number of partitions, in bytes.
const fn longest_of(partitions: usize) -> usize {
    partitions * (LOG_POSITION_BYTES + 1) - 1
}

/// Writes the parts in partition order, and then the rights.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, at) in self.log_positions().enumerate() {
            write!(f, "{}{at}", if index > 0 { "," } else { "" })?;
        }
        match self.rights {
            Some(CursorRights(number)) => {
                write!(f, "{RIGHTS_MARK}{number:0RIGHTS_DIGITS$x}")
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
