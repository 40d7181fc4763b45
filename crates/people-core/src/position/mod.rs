//! The position of a change: `EPOCH.SEQ.TAG` in a partition's totally ordered log.
//!
//! A log is divided into epochs; a new one begins when the history of the old one is lost. Inside
//! an epoch the numbers run from 1 without gaps. Each entry has a random tag beside its number, so
//! that a history which was lost and refilled with the same numbers differs.

use std::fmt;
use std::num::{NonZeroU16, ParseIntError};
use std::str::FromStr;

use crate::PersonId;

/// A log's incarnation: 64 random bits, written in lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

/// A random tag of one log entry: 64 bits, written in lower-case hex. [`Tag::START`] is the tag
/// before the first entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(u64);

/// An entry's number in its epoch: from 1 without gaps; 0 is before the first entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

/// A position in one partition's log, written `EPOCH.SEQ.TAG`. A person's revision is the position
/// of its last change.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The incarnation of the log.
    pub epoch: Epoch,
    /// The entry's number.
    pub seq: Seq,
    /// The entry's tag.
    pub tag: Tag,
}

/// The number of a partition, from 0. Each partition has one log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(u16);

/// The number of partitions in a deployment, fixed by its first migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitions(NonZeroU16);

/// A position with its partition, written `PARTITION:POSITION`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogPosition {
    /// The partition.
    pub partition: Partition,
    /// The position in its log.
    pub position: Position,
}

/// How two positions of one partition compare. A number says nothing about the history that it
/// counts: only the entries between the two positions show whether both are of one history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same entry.
    Same,
    /// A lower number, of the same history or another.
    Lower,
    /// A higher number, of the same history or another.
    Higher,
    /// Two histories: different epochs, or one number with different tags.
    Apart,
}

/// The text is not a position, or not a log position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a position: expected EPOCH.SEQ.TAG, epoch and tag in lower-case hex without leading \
     zeros, seq in decimal up to 2^53"
)]
pub struct InvalidPosition;

impl Epoch {
    /// The epoch with these bits.
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }
}

impl Tag {
    /// The tag before the first entry.
    pub const START: Self = Self(0);

    /// The tag with these bits.
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }
}

impl Seq {
    /// Before the first entry.
    pub const START: Self = Self(0);
    /// 2^53: the largest number that all parts of the system count exactly (Lua's numbers are
    /// doubles).
    pub const MAX: Self = Self(1 << 53);

    /// The number `n`; `None` above [`Seq::MAX`].
    pub const fn new(n: u64) -> Option<Self> {
        if n <= Self::MAX.0 {
            Some(Self(n))
        } else {
            None
        }
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number of the next entry.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Position {
    /// The position before an epoch's first entry: `EPOCH.0.0`.
    pub const fn start_of(epoch: Epoch) -> Self {
        Self {
            epoch,
            seq: Seq::START,
            tag: Tag::START,
        }
    }

    /// Compares with another position of the same partition.
    pub fn compare(self, other: Self) -> Comparison {
        if self == other {
            Comparison::Same
        } else if self.epoch != other.epoch || self.seq == other.seq {
            Comparison::Apart
        } else if self.seq < other.seq {
            Comparison::Lower
        } else {
            Comparison::Higher
        }
    }
}

impl Partition {
    /// The partition with this number.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The number as an index into a table with one row for each partition.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Partitions {
    /// A single partition.
    pub const ONE: Self = Self(NonZeroU16::MIN);

    /// `count` partitions.
    pub const fn new(count: NonZeroU16) -> Self {
        Self(count)
    }

    /// The number of partitions.
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// All partitions, in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Partition> + ExactSizeIterator {
        (0..self.get()).map(Partition)
    }

    /// The partition of a person: CRC-32 (IEEE) of the lower-case id text, modulo the number of
    /// partitions.
    pub fn of(self, id: PersonId) -> Partition {
        self.of_text(id.encode(&mut PersonId::buffer()))
    }

    /// The partition of a text, by the same rule.
    pub fn of_text(self, text: &str) -> Partition {
        let bucket = crc32fast::hash(text.as_bytes()) % u32::from(self.get());
        Partition(u16::try_from(bucket).expect("a remainder of a u16 fits in a u16"))
    }
}

impl LogPosition {
    /// `position` in `partition`.
    pub const fn new(partition: Partition, position: Position) -> Self {
        Self {
            partition,
            position,
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.epoch, self.seq, self.tag)
    }
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.position)
    }
}

/// Debug output equals the text: test failures and logs are full of positions.
macro_rules! debug_as_display {
    ($($name:ty),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}
debug_as_display!(Epoch, Tag, Seq, Partition, Position, LogPosition);

/// 1 to 16 lower-case hex digits without leading zeros; zero itself is `0`.
fn parse_hex(text: &str) -> Result<u64, InvalidPosition> {
    let canonical = match text.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9' | b'a'..=b'f', rest @ ..] => {
            rest.len() < 16 && rest.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        }
        _ => false,
    };
    if !canonical {
        return Err(InvalidPosition);
    }
    u64::from_str_radix(text, 16).map_err(|_: ParseIntError| InvalidPosition)
}

/// Decimal digits without sign or leading zeros.
fn parse_decimal(text: &str) -> Result<u64, InvalidPosition> {
    let canonical = match text.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !canonical {
        return Err(InvalidPosition);
    }
    text.parse().map_err(|_: ParseIntError| InvalidPosition)
}

impl FromStr for Epoch {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        parse_hex(text).map(Self)
    }
}

impl FromStr for Tag {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        parse_hex(text).map(Self)
    }
}

impl FromStr for Seq {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        parse_decimal(text).and_then(|n| Self::new(n).ok_or(InvalidPosition))
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (epoch, rest) = text.split_once('.').ok_or(InvalidPosition)?;
        let (seq, tag) = rest.split_once('.').ok_or(InvalidPosition)?;
        Ok(Self {
            epoch: epoch.parse()?,
            seq: seq.parse()?,
            tag: tag.parse()?,
        })
    }
}

impl FromStr for LogPosition {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (partition, position) = text.split_once(':').ok_or(InvalidPosition)?;
        let number = u16::try_from(parse_decimal(partition)?).map_err(|_| InvalidPosition)?;
        Ok(Self {
            partition: Partition(number),
            position: position.parse()?,
        })
    }
}

#[cfg(test)]
mod tests;
