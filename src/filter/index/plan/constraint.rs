//! A constraint: a test that the index can look up, at one path.

use std::ops::Range;

use crate::filter::index::grams::Gram;
use crate::filter::index::key::{self, Bounded as _, TextEdge};
use crate::filter::predicate::{Path, ScalarRef};

#[derive(Debug)]
pub(in crate::filter::index) struct Constraint<'f> {
    pub(in crate::filter::index) path: &'f Path,
    pub(in crate::filter::index) test: Test<'f>,
}

/// What the value at the path must be.
#[derive(Debug)]
pub(in crate::filter::index) enum Test<'f> {
    /// This value.
    Equal(ScalarRef<'f>),
    /// A list with this element, or an object with this key.
    Holds(ScalarRef<'f>),
    /// A number in this range.
    Numbers(Range<u64>),
    /// A text in this range.
    Texts(Range<TextEdge>),
    /// A text with this prefix.
    Prefix(&'f str),
    /// A text with this suffix.
    Suffix(&'f str),
    /// A text that holds these bytes.
    Gram(Gram),
    /// A value with a size in this range.
    Sizes(Range<u64>),
    /// Any value.
    Present,
}

/// The share of people that a constraint is expected to select, from the smallest on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Selectivity {
    Equal,
    Holds,
    Bounded,
    Gram,
    OneSided,
    Present,
    /// There is no constraint that the index can look up.
    Everyone,
}

/// Whether everyone has a value at the path.
pub(super) fn is_known(path: &Path) -> bool {
    !matches!(path, Path::Attribute(_))
}

/// Narrows a range to its intersection with another.
fn intersect<K: Ord + Clone>(range: &mut Range<K>, other: &Range<K>) {
    let start = (&range.start).max(&other.start).clone();
    *range = start..(&range.end).min(&other.end).clone();
}

/// The smallest range that holds two others.
fn span<K: Ord>(one: Range<K>, other: Range<K>) -> Range<K> {
    one.start.min(other.start)..one.end.max(other.end)
}

impl Constraint<'_> {
    /// Becomes the conjunction of both constraints and returns true, if that is one constraint.
    pub(super) fn absorb(&mut self, other: &mut Self) -> bool {
        if self.path != other.path {
            return false;
        }
        match (&mut self.test, &other.test) {
            (Test::Numbers(range), Test::Numbers(other))
            | (Test::Sizes(range), Test::Sizes(other)) => {
                intersect(range, other);
            }
            (Test::Texts(range), Test::Texts(other)) => intersect(range, other),
            (Test::Prefix(prefix), Test::Prefix(other)) if other.starts_with(*prefix) => {
                *prefix = other;
            }
            (Test::Prefix(prefix), Test::Prefix(other)) if prefix.starts_with(*other) => {}
            (Test::Suffix(suffix), Test::Suffix(other)) if other.ends_with(*suffix) => {
                *suffix = other;
            }
            (Test::Suffix(suffix), Test::Suffix(other)) if suffix.ends_with(*other) => {}
            (Test::Gram(gram), Test::Gram(other)) if gram == other => {}
            (Test::Present, Test::Present) => {}
            _ => return false,
        }
        true
    }

    /// A constraint that holds if one of the two does; `None` if their paths differ, or if it would
    /// select everyone.
    pub(super) fn spanning(self, other: Self) -> Option<Self> {
        if self.path != other.path {
            return None;
        }
        let test = match (self.test.into_range(), other.test.into_range()) {
            (Test::Numbers(one), Test::Numbers(other)) => Test::Numbers(span(one, other)),
            (Test::Texts(one), Test::Texts(other)) => Test::Texts(span(one, other)),
            _ if is_known(self.path) => return None,
            _ => Test::Present,
        };
        Some(Self {
            path: self.path,
            test,
        })
    }
}

impl Test<'_> {
    /// Whether no value fulfils it.
    pub(super) fn is_void(&self) -> bool {
        match self {
            Self::Numbers(range) | Self::Sizes(range) => range.is_empty(),
            Self::Texts(range) => range.start >= range.end,
            Self::Equal(_)
            | Self::Holds(_)
            | Self::Prefix(_)
            | Self::Suffix(_)
            | Self::Gram(_)
            | Self::Present => false,
        }
    }

    /// Sorts tests that may absorb each other next to each other.
    pub(super) const fn order(&self) -> u8 {
        match self {
            Self::Equal(_) => 0,
            Self::Holds(_) => 1,
            Self::Numbers(_) => 2,
            Self::Texts(_) => 3,
            Self::Prefix(_) => 4,
            Self::Suffix(_) => 5,
            Self::Gram(_) => 6,
            Self::Sizes(_) => 7,
            Self::Present => 8,
        }
    }

    pub(super) fn selectivity(&self) -> Selectivity {
        let range = |is_bounded: bool| {
            if is_bounded {
                Selectivity::Bounded
            } else {
                Selectivity::OneSided
            }
        };
        match self {
            Self::Equal(_) => Selectivity::Equal,
            Self::Holds(_) => Selectivity::Holds,
            Self::Numbers(numbers) => range(numbers.is_bounded()),
            Self::Texts(texts) => range(texts.is_bounded()),
            Self::Prefix(text) | Self::Suffix(text) => range(!text.is_empty()),
            Self::Gram(_) => Selectivity::Gram,
            Self::Sizes(_) => Selectivity::OneSided,
            Self::Present => Selectivity::Present,
        }
    }

    /// Turns a number or a text into a range of its own.
    fn into_range(self) -> Self {
        match self {
            Self::Equal(ScalarRef::Number(number)) => Self::Numbers(key::number(number)),
            Self::Equal(ScalarRef::Text(text)) => Self::Texts(key::text(text)),
            other => other,
        }
    }
}
