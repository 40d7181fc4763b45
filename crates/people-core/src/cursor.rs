//! A client's position in all partitions, and its text: one log position of each partition,
//! comma-separated, and the fingerprint of the rights under which a gateway made it, where these
//! are restricted.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;
use std::sync::Arc;

use crate::{InvalidPosition, LogPosition, Partition, Partitions, Position};

/// The longest text of one log position: 5 digits of partition, 16 each of epoch, seq and tag, and
/// three separators.
const LOG_POSITION_BYTES: usize = 5 + 1 + 16 + 1 + 16 + 1 + 16;
/// What the part with a fingerprint begins with.
const FINGERPRINT_MARK: &str = "v:";
const FINGERPRINT_DIGITS: usize = 16;
/// The bytes of that part, and the comma before it.
const FINGERPRINT_BYTES: usize = 1 + FINGERPRINT_MARK.len() + FINGERPRINT_DIGITS;

/// One position of each partition, in partition order, and the rights of its holder. A clone shares
/// the positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    positions: Arc<[Position]>,
    /// A client returns it unchanged; what a gateway keeps has none.
    rights: Option<Fingerprint>,
}

/// The restricted rights under which a gateway made a cursor, as a number: equal rights have equal
/// numbers on every gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

/// A cursor as it is told to a holder of these rights.
#[derive(Clone, Copy, Debug)]
pub struct CursorText<'a> {
    cursor: &'a Cursor,
    rights: Option<Fingerprint>,
}

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
    /// The part with the rights is none, or there are two.
    #[error("the cursor has one part v: at most, of 16 hexadecimal digits")]
    Rights,
}

impl Cursor {
    /// Reads a cursor of these partitions, as a gateway does. Its parts may have any order.
    pub fn read(text: &str, partitions: Partitions) -> Result<Self, InvalidCursor> {
        let count = usize::from(partitions.get());
        let max = longest_of(count) + FINGERPRINT_BYTES;
        if text.len() > max {
            return Err(InvalidCursor::TooLong {
                length: text.len(),
                max,
                partitions: partitions.get(),
            });
        }
        let (mut positions, mut rights) = (vec![None; count], None);
        for (index, part) in text.split(',').enumerate() {
            if let Some(digits) = part.strip_prefix(FINGERPRINT_MARK) {
                let read = Fingerprint::read(digits).ok_or(InvalidCursor::Rights)?;
                if rights.replace(read).is_some() {
                    return Err(InvalidCursor::Rights);
                }
                continue;
            }
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
        let positions = known
            .map(|(partition, position)| position.ok_or(InvalidCursor::Missing(partition)))
            .collect::<Result<_, _>>()?;
        Ok(Self { positions, rights })
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

    /// The rights of its holder, where a gateway named them.
    pub const fn rights(&self) -> Option<Fingerprint> {
        self.rights
    }

    /// The same without the rights.
    #[must_use]
    pub fn without_rights(self) -> Self {
        Self {
            rights: None,
            ..self
        }
    }

    /// Its text for a holder of these rights.
    pub const fn under(&self, rights: Option<Fingerprint>) -> CursorText<'_> {
        CursorText {
            cursor: self,
            rights,
        }
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
impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let is_position = |part: &&str| !part.starts_with(FINGERPRINT_MARK);
        let parts = text.split(',').filter(is_position).count();
        let count = NonZeroU16::new(u16::try_from(parts).unwrap_or(u16::MAX));
        Self::read(text, Partitions::new(count.unwrap_or(NonZeroU16::MIN)))
    }
}

impl Fingerprint {
    /// One with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Reads one as gateways write it: 16 hexadecimal digits.
    pub fn read(digits: &str) -> Option<Self> {
        let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != FINGERPRINT_DIGITS || !digits.bytes().all(is_digit) {
            return None;
        }
        u64::from_str_radix(digits, 16).ok().map(Self)
    }
}

/// The longest cursor of this number of partitions, in bytes.
const fn longest_of(partitions: usize) -> usize {
    partitions * (LOG_POSITION_BYTES + 1) - 1
}

impl CursorText<'_> {
    /// The longest text of a cursor of these partitions and rights, in bytes.
    pub fn longest(&self) -> usize {
        let rights = self.rights.map_or(0, |_| FINGERPRINT_BYTES);
        longest_of(self.cursor.positions.len()) + rights
    }
}

/// Writes the parts in partition order, and then the rights.
impl fmt::Display for CursorText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, at) in self.cursor.log_positions().enumerate() {
            write!(f, "{}{at}", if index > 0 { "," } else { "" })?;
        }
        match self.rights {
            Some(rights) => write!(f, ",{FINGERPRINT_MARK}{rights}"),
            None => Ok(()),
        }
    }
}

/// As it is read again.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0FINGERPRINT_DIGITS$x}", self.0)
    }
}

/// Its text for its holder.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.under(self.rights).fmt(f)
    }
}

#[cfg(test)]
mod tests;
