//! A filter as the index sees it: *branches*, of which one must hold if it matches; a branch is a
//! list of *parts* that must all hold.
//!
//! `||` has the branches of all its parts, `in` one for each item, `matches` one for each text of
//! which it needs one, any other condition is one. `!` turns `&&` and `||` into each other and
//! reaches the conditions. Of the parts of a `&&` that have several branches only one is taken
//! apart, the most selective; of the others it is known at best from where to where their values
//! lie, and the rest is left to the verdict. So branches add up and never multiply, whatever is
//! nested in what: a filter has at most 1,504 (1,000 list items; 63 other conditions with eight
//! texts at most).

mod ask;

use self::ask::{Rank, Term};
use crate::filter::predicate::Predicate;

pub(super) use self::ask::{Ask, Part};

/// A predicate, or its opposite.
#[derive(Clone, Copy)]
struct Clause<'f> {
    predicate: &'f Predicate,
    is_negated: bool,
}

/// What a clause is made of, once `!` is taken inside.
enum Shape<'f> {
    Constant(bool),
    Term(Term<'f>),
    All(&'f [Predicate]),
    Any(&'f [Predicate]),
}

/// What a clause is to the index: how many branches it has, and the rank of the worst of them. A
/// clause of rank `Anyone` has one branch without parts.
#[derive(Clone, Copy)]
struct Breadth {
    branches: usize,
    rank: Rank,
}

/// How many branches a filter has; none if nobody can match it.
pub(super) fn branches(predicate: &Predicate) -> usize {
    Clause::of(predicate).breadth().branches
}

/// The parts of a branch, those first that select most, then by path, so that filters over the same
/// fields ask in the same order. No parts: anyone may match. None: nobody can. The answer to the
/// same question is always the same.
pub(super) fn branch(predicate: &Predicate, number: usize) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    Clause::of(predicate).gather(number, &mut parts);
    parts.sort_by(|one, two| (one.path, one.ask.kind()).cmp(&(two.path, two.ask.kind())));
    parts.dedup_by(|next, kept| kept.absorb(next));
    if parts.iter().any(|part| part.ask.is_void()) {
        return None;
    }
    parts.sort_by_key(|part| part.ask.rank());
    Some(parts)
}

impl<'f> Clause<'f> {
    fn of(predicate: &'f Predicate) -> Self {
        Self {
            predicate,
            is_negated: false,
        }
    }

    fn shape(self) -> Shape<'f> {
        let is_negated = self.is_negated;
        match self.predicate {
            Predicate::Constant(value) => Shape::Constant(*value != is_negated),
            Predicate::Condition(condition) => Shape::Term(Term {
                condition,
                is_negated,
            }),
            Predicate::Not(inner) => Self {
                predicate: inner,
                is_negated: !is_negated,
            }
            .shape(),
            Predicate::All(parts) if is_negated => Shape::Any(parts),
            Predicate::Any(parts) if is_negated => Shape::All(parts),
            Predicate::All(parts) => Shape::All(parts),
            Predicate::Any(parts) => Shape::Any(parts),
        }
    }

    /// One of its parts, as deep under `!` as it is. A `!` between them changes that.
    fn part(self, predicate: &'f Predicate) -> Self {
        Self {
            predicate,
            is_negated: self.is_under_not(),
        }
    }

    /// Whether the parts of its `&&` or `||` are opposites.
    fn is_under_not(self) -> bool {
        match self.predicate {
            Predicate::Not(inner) => Self {
                predicate: inner,
                is_negated: !self.is_negated,
            }
            .is_under_not(),
            _ => self.is_negated,
        }
    }

    fn breadth(self) -> Breadth {
        match self.shape() {
            Shape::Constant(true) => Breadth::ANYONE,
            Shape::Constant(false) => Breadth::NOBODY,
            Shape::Term(term) => Breadth {
                branches: term.alternatives(),
                rank: term.rank(),
            },
            Shape::Any(parts) => {
                let sum = |sum: Breadth, part: Breadth| Breadth {
                    branches: sum.branches + part.branches,
                    rank: sum.rank.max(part.rank),
                };
                let sum = parts
                    .iter()
                    .map(|part| self.part(part).breadth())
                    .fold(Breadth::NOBODY, sum);
                if sum.rank == Rank::Anyone {
                    Breadth::ANYONE
                } else {
                    sum
                }
            }
            Shape::All(parts) => {
                let breadths: Vec<Breadth> =
                    parts.iter().map(|part| self.part(part).breadth()).collect();
                let branches = match breadths.iter().map(|breadth| breadth.branches).min() {
                    Some(0) => 0,
                    _ => taken_apart(&breadths).map_or(1, |part| breadths[part].branches),
                };
                let best = breadths.iter().map(|breadth| breadth.rank).min();
                Breadth {
                    branches,
                    rank: best.unwrap_or(Rank::Anyone),
                }
            }
        }
    }

    /// Appends the parts of a branch as they stand.
    fn gather(self, mut number: usize, parts: &mut Vec<Part<'f>>) {
        match self.shape() {
            Shape::Constant(_) => {}
            Shape::Term(term) => term.parts(number, parts),
            Shape::Any(alternatives) => {
                if self.breadth().rank == Rank::Anyone {
                    return;
                }
                for alternative in alternatives
                    .iter()
                    .map(|alternative| self.part(alternative))
                {
                    let branches = alternative.breadth().branches;
                    if number < branches {
                        return alternative.gather(number, parts);
                    }
                    number -= branches;
                }
            }
            Shape::All(all) => {
                let breadths: Vec<Breadth> =
                    all.iter().map(|part| self.part(part).breadth()).collect();
                let taken_apart = taken_apart(&breadths);
                for (at, part) in all.iter().map(|part| self.part(part)).enumerate() {
                    if Some(at) == taken_apart {
                        part.gather(number, parts);
                    } else if breadths[at].branches == 1 {
                        part.gather(0, parts);
                    } else {
                        parts.extend(part.cover());
                    }
                }
            }
        }
    }

    /// One part that holds whichever branch does, where all ask the same path.
    fn cover(self) -> Option<Part<'f>> {
        match self.shape() {
            Shape::Term(term) => term.cover(),
            Shape::Any(parts) => {
                let mut covers = parts.iter().map(|part| self.part(part).cover());
                let first = covers.next()??;
                covers.try_fold(first, |cover, next| cover.spanning(next?))
            }
            Shape::Constant(_) | Shape::All(_) => None,
        }
    }
}

/// Which part of a `&&` is taken apart: of those with several branches the one that selects most,
/// and of such the one with the fewest.
fn taken_apart(breadths: &[Breadth]) -> Option<usize> {
    let several = breadths
        .iter()
        .enumerate()
        .filter(|(_, breadth)| breadth.branches > 1);
    several
        .min_by_key(|(_, breadth)| (breadth.rank, breadth.branches))
        .map(|(part, _)| part)
}

impl Breadth {
    const ANYONE: Self = Self {
        branches: 1,
        rank: Rank::Anyone,
    };
    const NOBODY: Self = Self {
        branches: 0,
        rank: Rank::Equal,
    };
}
