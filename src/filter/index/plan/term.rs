//! A condition, or its negation, as constraints: alternatives of which one must hold, and for each
//! of them the constraints that must all hold.

use smallvec::{SmallVec, smallvec};

use super::constraint::{Constraint, Selectivity, Test, is_known};
use crate::filter::index::grams::Gram;
use crate::filter::index::key;
use crate::filter::predicate::{Condition, Number, Operator, Scalar, ScalarRef, TextTest};

#[derive(Clone, Copy)]
pub(super) struct Term<'f> {
    pub(super) condition: &'f Condition,
    pub(super) is_negated: bool,
}

/// The tests of one alternative.
type Tests<'f> = SmallVec<[Test<'f>; 2]>;

impl<'f> Term<'f> {
    /// The number of alternatives: values, list items or texts; 0 if no person fulfils the term.
    pub(super) fn alternatives(self) -> usize {
        if self.selects_everyone() {
            return 1;
        }
        match self.condition {
            Condition::In(_, set) => set.as_slice().len(),
            Condition::Compare(_, operator, literal) => match (self.operator(*operator), literal) {
                (Operator::Equal | Operator::Unequal, _) => 1,
                (operator, Scalar::Bool(literal)) => booleans(operator, *literal).count(),
                (_, Scalar::Null) => 0,
                _ => 1,
            },
            Condition::Text(_, test) => text_alternatives(test),
            Condition::Holds(..) | Condition::Size(..) | Condition::Has(_) => 1,
        }
    }

    /// Appends the constraints of one alternative; none if it has none that the index can look up.
    pub(super) fn constraints(self, alternative: usize, into: &mut Vec<Constraint<'f>>) {
        if self.selects_everyone() {
            return;
        }
        let one = |test| smallvec![test];
        let tests: Tests<'f> = match self.condition {
            Condition::Compare(_, operator, literal) => {
                compare(self.operator(*operator), literal, alternative)
                    .into_iter()
                    .collect()
            }
            Condition::In(_, set) => {
                let item = set.as_slice().get(alternative);
                item.map(|item| Test::Equal(item.as_ref()))
                    .into_iter()
                    .collect()
            }
            Condition::Holds(_, literal) => one(Test::Holds(literal.as_ref())),
            Condition::Text(_, test) => text_tests(test, alternative),
            Condition::Size(_, operator, size) => one(sizes(self.operator(*operator), *size)),
            Condition::Has(_) => one(Test::Present),
        };
        let path = self.condition.path();
        // Everyone has a value at a known path, so its presence is no constraint.
        let tests = tests
            .into_iter()
            .filter(|test| !matches!(test, Test::Present) || !is_known(path));
        into.extend(tests.map(|test| Constraint { path, test }));
    }

    pub(super) fn selectivity(self) -> Selectivity {
        if self.alternatives() == 0 {
            return Selectivity::Equal;
        }
        let mut constraints = Vec::new();
        self.constraints(0, &mut constraints);
        constraints
            .iter()
            .map(|constraint| constraint.test.selectivity())
            .min()
            .unwrap_or(Selectivity::Everyone)
    }

    /// One constraint that holds if any alternative does.
    pub(super) fn cover(self) -> Option<Constraint<'f>> {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        self.constraints(0, &mut first);
        if matches!(self.condition, Condition::Text(..)) {
            let Constraint { path, .. } = first
                .into_iter()
                .next()
                .filter(|constraint| !is_known(constraint.path))?;
            return Some(Constraint {
                path,
                test: Test::Present,
            });
        }
        // Items of a list ascend.
        self.constraints(self.alternatives().checked_sub(1)?, &mut last);
        first.pop()?.spanning(last.pop()?)
    }

    /// Whether the term may hold for anyone, as far as the index knows: the negation of a condition
    /// also holds where the path is missing or the value has another type. A known path always has
    /// a value of its type, so there the negation of a comparison is a comparison.
    fn selects_everyone(self) -> bool {
        let negation_is_comparison = match self.condition {
            Condition::Compare(path, _, Scalar::Number(_) | Scalar::Text(_))
            | Condition::Size(path, ..) => is_known(path),
            Condition::Compare(_, _, Scalar::Null | Scalar::Bool(_))
            | Condition::In(..)
            | Condition::Holds(..)
            | Condition::Text(..)
            | Condition::Has(_) => false,
        };
        self.is_negated && !negation_is_comparison
    }

    /// The operator that must hold.
    fn operator(self, operator: Operator) -> Operator {
        if self.is_negated {
            operator.opposite()
        } else {
            operator
        }
    }
}

/// The test of one alternative of `PATH OPERATOR LITERAL`.
fn compare(operator: Operator, literal: &Scalar, alternative: usize) -> Option<Test<'_>> {
    Some(match (operator, literal) {
        (Operator::Equal, literal) => Test::Equal(literal.as_ref()),
        (Operator::Unequal, _) | (_, Scalar::Null) => Test::Present,
        (operator, Scalar::Number(literal)) => Test::Numbers(key::numbers(operator, *literal)),
        (operator, Scalar::Text(literal)) => Test::Texts(key::texts(operator, literal)),
        (operator, Scalar::Bool(literal)) => {
            let value = booleans(operator, *literal).nth(alternative)?;
            Test::Equal(ScalarRef::Bool(value))
        }
    })
}

/// The booleans that fulfil `operator` with a literal.
fn booleans(operator: Operator, literal: bool) -> impl Iterator<Item = bool> {
    let holds =
        move |value: &bool| operator.holds(Some(ScalarRef::Bool(*value)), ScalarRef::Bool(literal));
    [false, true].into_iter().filter(holds)
}

fn text_alternatives(test: &TextTest) -> usize {
    match test {
        TextTest::StartsWith(_) | TextTest::EndsWith(_) | TextTest::Contains(_) => 1,
        TextTest::Matches(pattern) => pattern.required().len().max(1),
    }
}

fn text_tests(test: &TextTest, alternative: usize) -> Tests<'_> {
    match test {
        TextTest::StartsWith(part) => smallvec![Test::Prefix(part)],
        TextTest::EndsWith(part) => smallvec![Test::Suffix(part)],
        TextTest::Contains(part) => grams(part),
        TextTest::Matches(pattern) => {
            grams(pattern.required().get(alternative).map_or("", |text| text))
        }
    }
}

/// The tests for a text that holds `part`: the grams at the two ends of it.
fn grams<'f>(part: &str) -> Tests<'f> {
    match (Gram::first_of(part), Gram::last_of(part)) {
        (Some(first), Some(last)) if first == last => smallvec![Test::Gram(first)],
        (Some(first), Some(last)) => smallvec![Test::Gram(first), Test::Gram(last)],
        _ => smallvec![Test::Present],
    }
}

fn sizes<'f>(operator: Operator, size: Number) -> Test<'f> {
    match operator {
        Operator::Unequal => Test::Present,
        Operator::Equal => Test::Sizes(key::number(size)),
        operator => Test::Sizes(key::numbers(operator, size)),
    }
}
