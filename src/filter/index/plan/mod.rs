//! A filter as the index sees it: *branches*, of which one holds if the filter matches. A branch is
//! a list of *constraints* that must all hold.
//!
//! `||` has the branches of all its parts, `in` one for each item, `matches` one for each required
//! text, any other condition one. `!` turns `&&` and `||` into each other, down to the conditions.
//! Of the parts of a `&&` with several branches, only the most selective one is taken apart. The
//! others give one constraint at most, the range that spans their values; the evaluation does the
//! rest. So branches add up and never multiply, however a filter is nested. A filter has at most
//! 1,504 (1,000 list items; 63 other conditions with eight texts at most).

mod constraint;
mod term;

use self::constraint::Selectivity;
use self::term::Term;
use crate::filter::predicate::Predicate;

pub(super) use self::constraint::{Constraint, Test};

/// A predicate, or its negation.
#[derive(Clone, Copy)]
struct Clause<'f> {
    predicate: &'f Predicate,
    is_negated: bool,
}

/// The form of a clause after `!` is taken inside.
enum ClauseForm<'f> {
    Constant(bool),
    Term(Term<'f>),
    All(&'f [Predicate]),
    Any(&'f [Predicate]),
}

/// The number of a clause's branches, and the selectivity of the worst of them. A clause of
/// selectivity `Everyone` has one branch without constraints.
#[derive(Clone, Copy)]
struct Breadth {
    branches: usize,
    selectivity: Selectivity,
}

/// The number of a filter's branches; 0 if no person can match it.
pub(super) fn branches(predicate: &Predicate) -> usize {
    Clause::of(predicate).breadth().branches
}

/// The constraints of a branch, the most selective first, then by path, so that filters over the
/// same fields share the upper nodes. Anyone may match a branch without constraints; `None` if
/// no person can match the branch. The result depends on the arguments alone.
pub(super) fn branch(predicate: &Predicate, number: usize) -> Option<Vec<Constraint<'_>>> {
    let mut constraints = Vec::new();
    Clause::of(predicate).gather(number, &mut constraints);
    constraints.sort_by(|one, two| (one.path, one.test.order()).cmp(&(two.path, two.test.order())));
    constraints.dedup_by(|next, kept| kept.absorb(next));
    if constraints
        .iter()
        .any(|constraint| constraint.test.is_void())
    {
        return None;
    }
    constraints.sort_by_key(|constraint| constraint.test.selectivity());
    Some(constraints)
}

impl<'f> Clause<'f> {
    fn of(predicate: &'f Predicate) -> Self {
        Self {
            predicate,
            is_negated: false,
        }
    }

    fn form(self) -> ClauseForm<'f> {
        let is_negated = self.is_negated;
        match self.predicate {
            Predicate::Constant(value) => ClauseForm::Constant(*value != is_negated),
            Predicate::Condition(condition) => ClauseForm::Term(Term {
                condition,
                is_negated,
            }),
            Predicate::Not(inner) => Self {
                predicate: inner,
                is_negated: !is_negated,
            }
            .form(),
            Predicate::All(parts) if is_negated => ClauseForm::Any(parts),
            Predicate::Any(parts) if is_negated => ClauseForm::All(parts),
            Predicate::All(parts) => ClauseForm::All(parts),
            Predicate::Any(parts) => ClauseForm::Any(parts),
        }
    }

    /// One of its parts, negated if the number of `!` around it is odd.
    fn part(self, predicate: &'f Predicate) -> Self {
        Self {
            predicate,
            is_negated: self.negates_parts(),
        }
    }

    /// Whether the parts of its `&&` or `||` are negated.
    fn negates_parts(self) -> bool {
        match self.predicate {
            Predicate::Not(inner) => Self {
                predicate: inner,
                is_negated: !self.is_negated,
            }
            .negates_parts(),
            _ => self.is_negated,
        }
    }

    fn breadth(self) -> Breadth {
        match self.form() {
            ClauseForm::Constant(true) => Breadth::EVERYONE,
            ClauseForm::Constant(false) => Breadth::NOBODY,
            ClauseForm::Term(term) => Breadth {
                branches: term.alternatives(),
                selectivity: term.selectivity(),
            },
            ClauseForm::Any(parts) => {
                let sum = |sum: Breadth, part: Breadth| Breadth {
                    branches: sum.branches + part.branches,
                    selectivity: sum.selectivity.max(part.selectivity),
                };
                let sum = parts
                    .iter()
                    .map(|part| self.part(part).breadth())
                    .fold(Breadth::NOBODY, sum);
                if sum.selectivity == Selectivity::Everyone {
                    Breadth::EVERYONE
                } else {
                    sum
                }
            }
            ClauseForm::All(parts) => {
                let breadths: Vec<Breadth> =
                    parts.iter().map(|part| self.part(part).breadth()).collect();
                let branches = match breadths.iter().map(|breadth| breadth.branches).min() {
                    Some(0) => 0,
                    _ => split_part(&breadths).map_or(1, |part| breadths[part].branches),
                };
                let best = breadths.iter().map(|breadth| breadth.selectivity).min();
                Breadth {
                    branches,
                    selectivity: best.unwrap_or(Selectivity::Everyone),
                }
            }
        }
    }

    /// Appends the constraints of a branch, unsorted.
    fn gather(self, mut number: usize, into: &mut Vec<Constraint<'f>>) {
        match self.form() {
            ClauseForm::Constant(_) => {}
            ClauseForm::Term(term) => term.constraints(number, into),
            ClauseForm::Any(alternatives) => {
                if self.breadth().selectivity == Selectivity::Everyone {
                    return;
                }
                for alternative in alternatives
                    .iter()
                    .map(|alternative| self.part(alternative))
                {
                    let branches = alternative.breadth().branches;
                    if number < branches {
                        return alternative.gather(number, into);
                    }
                    number -= branches;
                }
            }
            ClauseForm::All(all) => {
                let breadths: Vec<Breadth> =
                    all.iter().map(|part| self.part(part).breadth()).collect();
                let split = split_part(&breadths);
                for (at, part) in all.iter().map(|part| self.part(part)).enumerate() {
                    if Some(at) == split {
                        part.gather(number, into);
                    } else if breadths[at].branches == 1 {
                        part.gather(0, into);
                    } else {
                        into.extend(part.cover());
                    }
                }
            }
        }
    }

    /// One constraint that holds if any branch does; `None` if their paths differ.
    fn cover(self) -> Option<Constraint<'f>> {
        match self.form() {
            ClauseForm::Term(term) => term.cover(),
            ClauseForm::Any(parts) => {
                let mut covers = parts.iter().map(|part| self.part(part).cover());
                let first = covers.next()??;
                covers.try_fold(first, |cover, next| cover.spanning(next?))
            }
            ClauseForm::Constant(_) | ClauseForm::All(_) => None,
        }
    }
}

/// The part of a `&&` to take apart: of those with several branches the most selective one, and of
/// equally selective ones the one with the fewest branches.
fn split_part(breadths: &[Breadth]) -> Option<usize> {
    let several = breadths
        .iter()
        .enumerate()
        .filter(|(_, breadth)| breadth.branches > 1);
    several
        .min_by_key(|(_, breadth)| (breadth.selectivity, breadth.branches))
        .map(|(part, _)| part)
}

impl Breadth {
    const EVERYONE: Self = Self {
        branches: 1,
        selectivity: Selectivity::Everyone,
    };
    const NOBODY: Self = Self {
        branches: 0,
        selectivity: Selectivity::Equal,
    };
}
