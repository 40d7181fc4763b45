//! What conditions ask of one path, as far as the index can answer it.

use std::ops::Range;

use smallvec::{SmallVec, smallvec};

use crate::filter::image::Path;
use crate::filter::index::grams::Gram;
use crate::filter::index::key::{self, Ends as _, TextEdge};
use crate::filter::predicate::{Condition, TextTest};
use crate::filter::scalar::{Number, Relation, Scalar, ScalarRef};

/// A question about one path.
#[derive(Debug)]
pub(in crate::filter::index) struct Part<'f> {
    pub(in crate::filter::index) path: &'f Path,
    pub(in crate::filter::index) ask: Ask<'f>,
}

/// The questions that the index can answer.
#[derive(Debug)]
pub(in crate::filter::index) enum Ask<'f> {
    /// This value stands there.
    Equal(ScalarRef<'f>),
    /// A list with this element, or an object with this key.
    Holding(ScalarRef<'f>),
    /// A number within.
    Numbers(Range<u64>),
    /// A text within.
    Texts(Range<TextEdge>),
    /// A text that begins so.
    Prefix(&'f str),
    /// A text that ends so.
    Suffix(&'f str),
    /// A text with these bytes in it.
    Gram(Gram),
    /// Something of a size within.
    Sizes(Range<u64>),
    /// Anything.
    Present,
}

/// How few people a part is expected to let through; the first is the most selective.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Equal,
    Holding,
    Closed,
    Gram,
    OneSided,
    Present,
    /// It asks nothing that the index knows.
    Anyone,
}

/// A condition, or its opposite.
#[derive(Clone, Copy)]
pub(super) struct Term<'f> {
    pub(super) condition: &'f Condition,
    pub(super) is_negated: bool,
}

impl<'f> Term<'f> {
    /// The values, items or texts of which one must be there; none if nobody can answer it.
    pub(super) fn alternatives(self) -> usize {
        match self.condition {
            _ if self.says_nothing() => 1,
            Condition::Among(_, set) => set.0.len(),
            Condition::Compared(_, relation, literal) => {
                match (self.relation(*relation), literal) {
                    (Relation::Equal | Relation::Unequal, _) => 1,
                    (relation, Scalar::Bool(literal)) => booleans(relation, *literal).count(),
                    (_, Scalar::Null) => 0,
                    _ => 1,
                }
            }
            Condition::Text(_, TextTest::Matches(pattern)) => pattern.required().len().max(1),
            _ => 1,
        }
    }

    /// Appends the parts of one alternative, all of which must hold; none if it says nothing that
    /// the index knows.
    pub(super) fn parts(self, number: usize, into: &mut Vec<Part<'f>>) {
        if self.says_nothing() {
            return;
        }
        let one = |ask| smallvec![ask];
        let (path, asks): (_, SmallVec<[Ask<'f>; 2]>) = match self.condition {
            Condition::Compared(path, relation, literal) => (
                path,
                compared(self.relation(*relation), literal, number)
                    .into_iter()
                    .collect(),
            ),
            Condition::Among(path, set) => (
                path,
                set.0
                    .get(number)
                    .map(|item| Ask::Equal(item.as_ref()))
                    .into_iter()
                    .collect(),
            ),
            Condition::Holds(path, literal) => (path, one(Ask::Holding(literal.as_ref()))),
            Condition::Text(path, TextTest::StartsWith(text)) => (path, one(Ask::Prefix(text))),
            Condition::Text(path, TextTest::EndsWith(text)) => (path, one(Ask::Suffix(text))),
            Condition::Text(path, TextTest::Contains(text)) => (path, within(text)),
            Condition::Text(path, TextTest::Matches(pattern)) => (
                path,
                within(pattern.required().get(number).map_or("", |text| text)),
            ),
            Condition::Size(path, relation, size) => {
                (path, one(sized(self.relation(*relation), *size)))
            }
            Condition::Has(path) => (path, one(Ask::Present)),
        };
        // That a field of everybody's is there says nothing.
        let asks = asks
            .into_iter()
            .filter(|ask| !matches!(ask, Ask::Present) || !is_known(path));
        into.extend(asks.map(|ask| Part { path, ask }));
    }

    pub(super) fn rank(self) -> Rank {
        if self.alternatives() == 0 {
            return Rank::Equal;
        }
        let mut parts = Vec::new();
        self.parts(0, &mut parts);
        parts
            .iter()
            .map(|part| part.ask.rank())
            .min()
            .unwrap_or(Rank::Anyone)
    }

    /// One part that holds whichever alternative does.
    pub(super) fn cover(self) -> Option<Part<'f>> {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        self.parts(0, &mut first);
        if matches!(self.condition, Condition::Text(..)) {
            let Part { path, .. } = first
                .into_iter()
                .next()
                .filter(|part| !is_known(part.path))?;
            return Some(Part {
                path,
                ask: Ask::Present,
            });
        }
        // Items of a list ascend.
        self.parts(self.alternatives().checked_sub(1)?, &mut last);
        first.pop()?.spanning(last.pop()?)
    }

    /// Whether it says nothing that the index knows: the opposite of a condition also holds where
    /// the path is missing, or holds what the condition does not speak of.
    fn says_nothing(self) -> bool {
        let is_relation = match self.condition {
            Condition::Compared(path, _, Scalar::Number(_) | Scalar::Text(_))
            | Condition::Size(path, ..) => is_known(path),
            _ => false,
        };
        self.is_negated && !is_relation
    }

    /// The relation that must hold: between values of one type, as of known fields, the opposite of
    /// one is one.
    fn relation(self, relation: Relation) -> Relation {
        if self.is_negated {
            relation.opposite()
        } else {
            relation
        }
    }
}

/// Whether everybody has it.
fn is_known(path: &Path) -> bool {
    !matches!(path, Path::Attribute(_))
}

/// What one alternative of `PATH RELATION LITERAL` asks.
fn compared(relation: Relation, literal: &Scalar, number: usize) -> Option<Ask<'_>> {
    Some(match (relation, literal) {
        (Relation::Equal, literal) => Ask::Equal(literal.as_ref()),
        (Relation::Unequal, _) | (_, Scalar::Null) => Ask::Present,
        (relation, Scalar::Number(literal)) => Ask::Numbers(key::numbers(relation, *literal)),
        (relation, Scalar::Text(literal)) => Ask::Texts(key::texts(relation, literal)),
        (relation, Scalar::Bool(literal)) => {
            Ask::Equal(ScalarRef::Bool(booleans(relation, *literal).nth(number)?))
        }
    })
}

/// The booleans that have this relation to a literal.
fn booleans(relation: Relation, literal: bool) -> impl Iterator<Item = bool> {
    let holds =
        move |value: &bool| relation.holds(Some(ScalarRef::Bool(*value)), ScalarRef::Bool(literal));
    [false, true].into_iter().filter(holds)
}

/// What a text with `text` in it must hold: the beginning and the end of that.
fn within<'f>(text: &str) -> SmallVec<[Ask<'f>; 2]> {
    match (Gram::first_of(text), Gram::last_of(text)) {
        (Some(first), Some(last)) if first == last => smallvec![Ask::Gram(first)],
        (Some(first), Some(last)) => smallvec![Ask::Gram(first), Ask::Gram(last)],
        _ => smallvec![Ask::Present],
    }
}

fn sized<'f>(relation: Relation, size: Number) -> Ask<'f> {
    match relation {
        Relation::Unequal => Ask::Present,
        Relation::Equal => Ask::Sizes(key::number(size)),
        relation => Ask::Sizes(key::numbers(relation, size)),
    }
}

/// Leaves of a range what is in the other, too.
fn narrow<K: Ord + Clone>(range: &mut Range<K>, other: &Range<K>) {
    let start = (&range.start).max(&other.start).clone();
    *range = start..(&range.end).min(&other.end).clone();
}

/// The range from the beginning of the first to the end of the last.
fn span<K: Ord>(one: Range<K>, other: Range<K>) -> Range<K> {
    one.start.min(other.start)..one.end.max(other.end)
}

impl Part<'_> {
    /// Becomes what both ask, if that is one question about one path.
    pub(super) fn absorb(&mut self, other: &mut Self) -> bool {
        if self.path != other.path {
            return false;
        }
        match (&mut self.ask, &other.ask) {
            (Ask::Numbers(range), Ask::Numbers(other)) | (Ask::Sizes(range), Ask::Sizes(other)) => {
                narrow(range, other);
            }
            (Ask::Texts(range), Ask::Texts(other)) => narrow(range, other),
            (Ask::Prefix(prefix), Ask::Prefix(other)) if other.starts_with(*prefix) => {
                *prefix = other;
            }
            (Ask::Prefix(prefix), Ask::Prefix(other)) if prefix.starts_with(*other) => {}
            (Ask::Suffix(suffix), Ask::Suffix(other)) if other.ends_with(*suffix) => {
                *suffix = other;
            }
            (Ask::Suffix(suffix), Ask::Suffix(other)) if suffix.ends_with(*other) => {}
            (Ask::Gram(gram), Ask::Gram(other)) if gram == other => {}
            (Ask::Present, Ask::Present) => {}
            _ => return false,
        }
        true
    }

    /// What holds if one of the two does, if they are about one path.
    pub(super) fn spanning(self, other: Self) -> Option<Self> {
        if self.path != other.path {
            return None;
        }
        let ask = match (self.ask.into_range(), other.ask.into_range()) {
            (Ask::Numbers(one), Ask::Numbers(other)) => Ask::Numbers(span(one, other)),
            (Ask::Texts(one), Ask::Texts(other)) => Ask::Texts(span(one, other)),
            _ if is_known(self.path) => return None,
            _ => Ask::Present,
        };
        Some(Self {
            path: self.path,
            ask,
        })
    }
}

impl Ask<'_> {
    /// Whether nothing can answer it.
    pub(super) fn is_void(&self) -> bool {
        match self {
            Self::Numbers(range) | Self::Sizes(range) => range.is_empty(),
            Self::Texts(range) => range.start >= range.end,
            _ => false,
        }
    }

    /// Brings questions together that may become one.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Equal(_) => 0,
            Self::Holding(_) => 1,
            Self::Numbers(_) => 2,
            Self::Texts(_) => 3,
            Self::Prefix(_) => 4,
            Self::Suffix(_) => 5,
            Self::Gram(_) => 6,
            Self::Sizes(_) => 7,
            Self::Present => 8,
        }
    }

    pub(super) fn rank(&self) -> Rank {
        let sided = |closed: bool| if closed { Rank::Closed } else { Rank::OneSided };
        match self {
            Self::Equal(_) => Rank::Equal,
            Self::Holding(_) => Rank::Holding,
            Self::Numbers(range) => sided(range.both()),
            Self::Texts(range) => sided(range.both()),
            Self::Prefix(text) | Self::Suffix(text) => sided(!text.is_empty()),
            Self::Gram(_) => Rank::Gram,
            Self::Sizes(_) => Rank::OneSided,
            Self::Present => Rank::Present,
        }
    }

    /// A value as a range that holds it alone.
    fn into_range(self) -> Self {
        match self {
            Self::Equal(ScalarRef::Number(number)) => Self::Numbers(key::number(number)),
            Self::Equal(ScalarRef::Text(text)) => Self::Texts(key::text(text)),
            other => other,
        }
    }
}
