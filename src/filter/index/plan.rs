//! A filter as the index sees it: *branches*, of which one must hold if it matches; a branch is a list of *parts* that
//! must all hold.
//!
//! `||` has the branches of all its parts, `in` one for each item, a condition is one. Of the parts of a `&&` that have
//! several branches only one is taken apart, the most selective; the others are left to the verdict. So branches add up
//! and never multiply: a filter has at most 1,126 (1,000 list items; 63 other conditions, at most two each: `<= true`).

use std::ops::Range;

use super::key::{self, Ends as _, TextEdge};
use crate::filter::image::Path;
use crate::filter::predicate::{Condition, Predicate, TextTest};
use crate::filter::scalar::{Relation, Scalar, ScalarRef};

/// Parts of a branch that are looked at. More would select hardly better, and a branch of 64 could make 64 nodes.
const PARTS: usize = 8;

/// What a branch asks of one path.
#[derive(Debug)]
pub(super) struct Part<'f> {
    pub(super) path: &'f Path,
    pub(super) ask: Ask<'f>,
}

/// The questions that the index can answer.
#[derive(Debug)]
pub(super) enum Ask<'f> {
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
    /// Anything.
    Present,
}

/// How few people a part is expected to let through; the first is the most selective.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Equal,
    Holding,
    Closed,
    OneSided,
    Present,
    /// It asks nothing that the index knows.
    Anyone,
}

/// What a predicate is to the index: how many branches it has, and the rank of the worst of them. A predicate of rank
/// `Anyone` has one branch without parts.
#[derive(Clone, Copy)]
struct Breadth {
    branches: usize,
    rank: Rank,
}

/// How many branches a filter has; none if nobody can match it.
pub(super) fn branches(predicate: &Predicate) -> usize {
    breadth(predicate).branches
}

/// The parts of a branch, those first that select most, then by path, so that filters over the same fields ask in the same
/// order. No parts: anyone may match. None: nobody can. The answer to the same question is always the same.
pub(super) fn branch(predicate: &Predicate, number: usize) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    gather(predicate, number, &mut parts);
    parts.sort_by(|one, two| (one.path, one.ask.kind()).cmp(&(two.path, two.ask.kind())));
    parts.dedup_by(|next, kept| kept.absorb(next));
    if parts.iter().any(|part| part.ask.is_void()) {
        return None;
    }
    parts.sort_by_key(|part| part.ask.rank());
    parts.truncate(PARTS);
    Some(parts)
}

fn breadth(predicate: &Predicate) -> Breadth {
    match predicate {
        Predicate::Constant(true) | Predicate::Not(_) => Breadth::ANYONE,
        Predicate::Constant(false) => Breadth { branches: 0, rank: Rank::Equal },
        Predicate::Condition(condition) => Breadth { branches: alternatives(condition), rank: rank(condition) },
        Predicate::Any(parts) => {
            let sum = |sum: Breadth, part: Breadth| Breadth {
                branches: sum.branches + part.branches,
                rank: sum.rank.max(part.rank),
            };
            let sum = parts.iter().map(breadth).fold(Breadth { branches: 0, rank: Rank::Equal }, sum);
            if sum.rank == Rank::Anyone { Breadth::ANYONE } else { sum }
        }
        Predicate::All(parts) => {
            let best = parts.iter().map(|part| breadth(part).rank).min();
            let least = parts.iter().map(|part| breadth(part).branches).min();
            let branches = match least {
                Some(0) => 0,
                _ => taken_apart(parts).map_or(1, |part| breadth(&parts[part]).branches),
            };
            Breadth { branches, rank: best.unwrap_or(Rank::Anyone) }
        }
    }
}

/// Which part of a `&&` is taken apart: of those with several branches the one that selects most, and of such the one with
/// the fewest.
fn taken_apart(parts: &[Predicate]) -> Option<usize> {
    let several = parts.iter().map(breadth).enumerate().filter(|(_, breadth)| breadth.branches > 1);
    several.min_by_key(|(_, breadth)| (breadth.rank, breadth.branches)).map(|(part, _)| part)
}

/// Appends the parts of a branch as they stand.
fn gather<'f>(predicate: &'f Predicate, mut number: usize, parts: &mut Vec<Part<'f>>) {
    match predicate {
        Predicate::Constant(_) | Predicate::Not(_) => {}
        Predicate::Condition(condition) => parts.extend(part(condition, number)),
        Predicate::Any(alternatives) => {
            if breadth(predicate).rank == Rank::Anyone {
                return;
            }
            for alternative in alternatives {
                let branches = branches(alternative);
                if number < branches {
                    return gather(alternative, number, parts);
                }
                number -= branches;
            }
        }
        Predicate::All(all) => {
            let taken_apart = taken_apart(all);
            for (at, one) in all.iter().enumerate() {
                if Some(at) == taken_apart {
                    gather(one, number, parts);
                } else if branches(one) == 1 {
                    gather(one, 0, parts);
                }
            }
        }
    }
}

/// The branches of a condition.
fn alternatives(condition: &Condition) -> usize {
    match condition {
        Condition::Among(_, set) => set.0.len(),
        Condition::Compared(_, Relation::Equal | Relation::Unequal, _) => 1,
        Condition::Compared(_, relation, Scalar::Bool(literal)) => booleans(*relation, *literal).count(),
        Condition::Compared(_, _, Scalar::Null) => 0,
        _ => 1,
    }
}

/// The part of one branch of a condition; none if it says nothing that the index knows.
fn part(condition: &Condition, number: usize) -> Option<Part<'_>> {
    let (path, ask) = match condition {
        Condition::Compared(path, Relation::Equal, literal) => (path, Ask::Equal(literal.as_ref())),
        Condition::Compared(path, Relation::Unequal, _) => (path, Ask::Present),
        Condition::Compared(path, relation, Scalar::Number(literal)) => {
            (path, Ask::Numbers(key::numbers(*relation, *literal)))
        }
        Condition::Compared(path, relation, Scalar::Text(literal)) => {
            (path, Ask::Texts(key::texts(*relation, literal)))
        }
        Condition::Compared(path, relation, Scalar::Bool(literal)) => {
            (path, Ask::Equal(ScalarRef::Bool(booleans(*relation, *literal).nth(number)?)))
        }
        Condition::Among(path, set) => (path, Ask::Equal(set.0.get(number)?.as_ref())),
        Condition::Holds(path, literal) => (path, Ask::Holding(literal.as_ref())),
        Condition::Text(path, TextTest::StartsWith(prefix)) => (path, Ask::Prefix(prefix)),
        Condition::Compared(path, ..) | Condition::Text(path, _) | Condition::Size(path, ..) | Condition::Has(path) => {
            (path, Ask::Present)
        }
    };
    let said = !matches!((path, &ask), (known, Ask::Present) if !matches!(known, Path::Attribute(_)));
    said.then_some(Part { path, ask })
}

/// The booleans that have this relation to a literal.
fn booleans(relation: Relation, literal: bool) -> impl Iterator<Item = bool> {
    let holds = move |value: &bool| relation.holds(Some(ScalarRef::Bool(*value)), ScalarRef::Bool(literal));
    [false, true].into_iter().filter(holds)
}

fn rank(condition: &Condition) -> Rank {
    match alternatives(condition) {
        0 => Rank::Equal,
        _ => part(condition, 0).map_or(Rank::Anyone, |part| part.ask.rank()),
    }
}

/// Leaves of a range what is in the other, too.
fn narrow<K: Ord + Clone>(range: &mut Range<K>, other: &Range<K>) {
    let start = (&range.start).max(&other.start).clone();
    *range = start..(&range.end).min(&other.end).clone();
}

impl Breadth {
    const ANYONE: Self = Self { branches: 1, rank: Rank::Anyone };
}

impl Part<'_> {
    /// Becomes what both ask, if that is one question about one path.
    fn absorb(&mut self, other: &mut Self) -> bool {
        if self.path != other.path {
            return false;
        }
        match (&mut self.ask, &other.ask) {
            (Ask::Numbers(range), Ask::Numbers(other)) => narrow(range, other),
            (Ask::Texts(range), Ask::Texts(other)) => narrow(range, other),
            (Ask::Prefix(prefix), Ask::Prefix(other)) if other.starts_with(*prefix) => *prefix = other,
            (Ask::Prefix(prefix), Ask::Prefix(other)) if prefix.starts_with(*other) => {}
            (Ask::Present, Ask::Present) => {}
            _ => return false,
        }
        true
    }
}

impl Ask<'_> {
    /// Whether nothing can answer it.
    fn is_void(&self) -> bool {
        match self {
            Self::Numbers(range) => range.is_empty(),
            Self::Texts(range) => range.start >= range.end,
            Self::Equal(_) | Self::Holding(_) | Self::Prefix(_) | Self::Present => false,
        }
    }

    /// Brings questions together that may become one.
    fn kind(&self) -> u8 {
        match self {
            Self::Equal(_) => 0,
            Self::Holding(_) => 1,
            Self::Numbers(_) => 2,
            Self::Texts(_) => 3,
            Self::Prefix(_) => 4,
            Self::Present => 5,
        }
    }

    fn rank(&self) -> Rank {
        let sided = |closed: bool| if closed { Rank::Closed } else { Rank::OneSided };
        match self {
            Self::Equal(_) => Rank::Equal,
            Self::Holding(_) => Rank::Holding,
            Self::Numbers(range) => sided(range.both()),
            Self::Texts(range) => sided(range.both()),
            Self::Prefix(prefix) => sided(!prefix.is_empty()),
            Self::Present => Rank::Present,
        }
    }
}
