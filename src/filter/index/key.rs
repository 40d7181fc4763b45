//! Values as keys of the index: fingerprints, and the edges of ranges, which sort like the values.
//!
//! Values that a filter distinguishes may share a key, never the other way round: a view that is
//! found in vain is evaluated in vain, a view that is not found loses the change.

use std::hash::{BuildHasher as _, DefaultHasher, Hasher as _, RandomState};
use std::ops::Range;
use std::sync::LazyLock;

use smallvec::SmallVec;

use crate::filter::predicate::{Number, Operator, ScalarRef};

/// The edge of a range of texts: bytes of UTF-8, which sort like code points. Short texts lie in
/// the range itself, not in memory of their own.
pub(super) type TextEdge = SmallVec<[u8; 16]>;

/// Greater than every text, because UTF-8 never has this byte.
const ABOVE_ALL_TEXTS: &[u8] = &[0xff];
/// The secret key of all hashes of this process.
static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);
/// 2^53: a double within this is the nearest double of no other integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value's hash under the secret of this process. `SipHash`, because values come from strangers:
/// without the secret they cannot choose values that share a slot. Two values with the same
/// fingerprint cost an evaluation in vain, no more.
pub(super) fn fingerprint(value: ScalarRef<'_>) -> u64 {
    let mut hasher = SECRET.build_hasher();
    match value {
        ScalarRef::Null => hasher.write_u8(0),
        ScalarRef::Bool(value) => hasher.write_u8(1 + u8::from(value)),
        ScalarRef::Number(number) => {
            hasher.write_u8(3);
            hasher.write_u64(number_edge(number));
        }
        ScalarRef::Text(text) => {
            hasher.write_u8(4);
            hasher.write(text.as_bytes());
        }
    }
    hasher.finish()
}

/// The fingerprints of a text's prefixes, in ascending order of their length, in one pass over the
/// text.
pub(super) struct PrefixHashes<'t> {
    text: &'t [u8],
    /// The state after the first `taken` bytes, written in pieces of `PIECE`. A hash may depend on
    /// how a text is cut into writes, so all texts are cut alike: into pieces, then the rest.
    hasher: DefaultHasher,
    taken: usize,
}

impl<'t> PrefixHashes<'t> {
    const PIECE: usize = 16;

    pub(super) fn of(text: &'t [u8]) -> Self {
        Self {
            text,
            hasher: SECRET.build_hasher(),
            taken: 0,
        }
    }

    /// The fingerprint of the first `length` bytes: at most the text's length, at least that of the
    /// last call.
    pub(super) fn fingerprint(&mut self, length: usize) -> u64 {
        while self.taken + Self::PIECE <= length {
            self.hasher
                .write(&self.text[self.taken..self.taken + Self::PIECE]);
            self.taken += Self::PIECE;
        }
        let mut hasher = self.hasher.clone();
        hasher.write(&self.text[self.taken..length]);
        hasher.finish()
    }
}

/// The hash of a few bytes under the secret of this process: one multiplication, because a text has
/// as many of them as it is long.
pub(super) fn mixed(number: u64) -> u64 {
    static FACTORS: LazyLock<[u64; 2]> =
        LazyLock::new(|| [SECRET.hash_one(0), SECRET.hash_one(1) | 1]);
    let [secret, factor] = *FACTORS;
    let product = u128::from(number ^ secret) * u128::from(factor);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let low = product as u64;
    (product >> 64) as u64 ^ low
}

/// The nearest double as an integer that sorts like it. Rounding keeps the order, so a number in a
/// range is in the rounded range.
pub(super) fn number_edge(number: Number) -> u64 {
    let bits = nearest(number).to_bits();
    // Positive doubles sort like their bits, negative ones below them and in reverse.
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn nearest(number: Number) -> f64 {
    match number {
        Number::Integer(integer) => integer as f64,
        Number::Other(double) => double,
    }
}

/// The range of the numbers that fulfil `operator`, an ordering, with `number`.
pub(super) fn numbers(operator: Operator, number: Number) -> Range<u64> {
    let operator = match operator {
        // A number with the same edge may fulfil it, so the range includes the edge.
        Operator::Less if nearest(number).abs() >= EXACT => Operator::LessOrEqual,
        Operator::Greater if nearest(number).abs() >= EXACT => Operator::GreaterOrEqual,
        operator => operator,
    };
    let edge = number_edge(number);
    // The edge of the greatest double is far below `u64::MAX`.
    ordered(operator, 0..u64::MAX, edge, || edge + 1)
}

/// The range of one number, and of those that share its nearest double.
pub(super) fn number(number: Number) -> Range<u64> {
    let edge = number_edge(number);
    edge..edge + 1
}

/// The range of one text.
pub(super) fn text(text: &str) -> Range<TextEdge> {
    text.as_bytes().into()..[text.as_bytes(), &[0]].concat().into()
}

/// The range of the texts that fulfil `operator`, an ordering, with `text`.
pub(super) fn texts(operator: Operator, text: &str) -> Range<TextEdge> {
    let next = || [text.as_bytes(), &[0]].concat().into();
    ordered(
        operator,
        TextEdge::new()..ABOVE_ALL_TEXTS.into(),
        text.as_bytes().into(),
        next,
    )
}

pub(super) trait Bounded {
    /// Whether the range has an end on both sides.
    fn is_bounded(&self) -> bool;
}

impl Bounded for Range<u64> {
    fn is_bounded(&self) -> bool {
        self.start > 0 && self.end < u64::MAX
    }
}

impl Bounded for Range<TextEdge> {
    fn is_bounded(&self) -> bool {
        !self.start.is_empty() && *self.end != *ABOVE_ALL_TEXTS
    }
}

/// The part of `all` that fulfils `operator` with the value at `edge`; `next` is the least edge
/// above that value.
fn ordered<K>(operator: Operator, all: Range<K>, edge: K, next: impl FnOnce() -> K) -> Range<K> {
    match operator {
        Operator::Less => all.start..edge,
        Operator::LessOrEqual => all.start..next(),
        Operator::Greater => next()..all.end,
        Operator::GreaterOrEqual => edge..all.end,
        Operator::Equal | Operator::Unequal => all,
    }
}
