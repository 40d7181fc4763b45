//! Values as the index keeps them: fingerprints to be found by, and edges of ranges that sort like
//! what they stand for.
//!
//! All may tell fewer values apart than filters do, and never more: who is found wrongly is judged
//! and passed over, who is not found is lost.

use std::hash::{BuildHasher as _, DefaultHasher, Hasher as _, RandomState};
use std::ops::Range;
use std::sync::LazyLock;

use smallvec::SmallVec;

use crate::filter::scalar::{Number, Relation, ScalarRef};

/// A text as an edge of a range: bytes of UTF-8, which sort like code points. Short ones lie beside
/// each other in memory.
pub(super) type TextEdge = SmallVec<[u8; 16]>;

/// Greater than every text, for no UTF-8 holds this byte.
const ABOVE_ALL_TEXTS: &[u8] = &[0xff];
/// What fingerprints of this process depend on.
static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);
/// Doubles below this, in both directions, are no other number's nearest double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value's hash under a secret of this process. `SipHash`, because values come from strangers:
/// whoever cannot guess the secret cannot make many values share a slot. Two values with one
/// fingerprint only cost a judgement.
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

/// The fingerprints of what a text begins with, of ascending lengths in bytes, in one pass over the
/// text.
pub(super) struct Beginnings<'t> {
    text: &'t [u8],
    /// Has taken the text up to `taken`, in pieces of `PIECE`. A hasher may tell texts apart by how
    /// they were cut, so that all are cut alike: into such pieces, and a last one for what is left.
    hasher: DefaultHasher,
    taken: usize,
}

impl<'t> Beginnings<'t> {
    const PIECE: usize = 16;

    pub(super) fn of(text: &'t [u8]) -> Self {
        Self {
            text,
            hasher: SECRET.build_hasher(),
            taken: 0,
        }
    }

    /// The fingerprint of the first `length` bytes: no more than there are, no fewer than last
    /// time.
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

/// The hash of a few bytes under a secret of this process: one multiplication, because a text has
/// as many as it is long.
pub(super) fn mixed(number: u64) -> u64 {
    static FACTORS: LazyLock<[u64; 2]> =
        LazyLock::new(|| [SECRET.hash_one(0), SECRET.hash_one(1) | 1]);
    let [secret, factor] = *FACTORS;
    let product = u128::from(number ^ secret) * u128::from(factor);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let low = product as u64;
    (product >> 64) as u64 ^ low
}

/// The nearest double, as an integer that sorts like it. Rounding keeps the order, so a number
/// within a range is within the rounded range.
pub(super) fn number_edge(number: Number) -> u64 {
    let bits = nearest(number).to_bits();
    // Doubles sort like their bits, negative ones the other way round and below.
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

/// Where the numbers are that have this relation, one of order, to `number`.
pub(super) fn numbers(relation: Relation, number: Number) -> Range<u64> {
    let relation = match relation {
        // Where another number may have the same edge, it is within.
        Relation::Less if nearest(number).abs() >= EXACT => Relation::LessOrEqual,
        Relation::Greater if nearest(number).abs() >= EXACT => Relation::GreaterOrEqual,
        relation => relation,
    };
    let edge = number_edge(number);
    // The edge of the greatest double is far below the greatest integer.
    ordered(relation, 0..u64::MAX, edge, || edge + 1)
}

/// The range that a number has for itself, and those that share its nearest double.
pub(super) fn number(number: Number) -> Range<u64> {
    let edge = number_edge(number);
    edge..edge + 1
}

/// The range that a text has for itself.
pub(super) fn text(text: &str) -> Range<TextEdge> {
    text.as_bytes().into()..[text.as_bytes(), &[0]].concat().into()
}

/// Where the texts are that have this relation, one of order, to `text`.
pub(super) fn texts(relation: Relation, text: &str) -> Range<TextEdge> {
    let next = || [text.as_bytes(), &[0]].concat().into();
    ordered(
        relation,
        TextEdge::new()..ABOVE_ALL_TEXTS.into(),
        text.as_bytes().into(),
        next,
    )
}

/// Whether a range ends on both sides.
pub(super) trait Ends {
    fn both(&self) -> bool;
}

impl Ends for Range<u64> {
    fn both(&self) -> bool {
        self.start > 0 && self.end < u64::MAX
    }
}

impl Ends for Range<TextEdge> {
    fn both(&self) -> bool {
        !self.start.is_empty() && *self.end != *ABOVE_ALL_TEXTS
    }
}

/// The part of `all` that has this relation to the value at `edge`; `next` is the least edge above
/// it.
fn ordered<K>(relation: Relation, all: Range<K>, edge: K, next: impl FnOnce() -> K) -> Range<K> {
    match relation {
        Relation::Less => all.start..edge,
        Relation::LessOrEqual => all.start..next(),
        Relation::Greater => next()..all.end,
        Relation::GreaterOrEqual => edge..all.end,
        Relation::Equal | Relation::Unequal => all,
    }
}
