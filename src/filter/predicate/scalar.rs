//! The values that a filter compares: null, booleans, numbers by their exact value, texts by code
//! point.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A number by its value: 1 and 1.0 are the same number. Every value has one representation, so
/// equality is exact and no comparison rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    /// An integer, also one that is written as `1.0` or `1e20`: within 64 bits, or the value of a
    /// double.
    Integer(i128),
    /// A double that equals no `i128`: with a fraction, or from 2^127 on.
    Other(f64),
}

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text(Box<str>),
}

/// A value in a person, or a literal. `Ord` sorts by type first; [`Operator::holds`] knows no order
/// between types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ScalarRef<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'a str),
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Number {
    /// The number of a finite double.
    pub(crate) fn from_f64(value: f64) -> Self {
        // Doubles within 2^127 fit into an i128 when they have no fraction.
        let limit = 2_f64.powi(127);
        if value.fract() == 0.0 && value.abs() < limit {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "an integer within the range of i128, as was just seen"
            )]
            return Self::Integer(value as i128);
        }
        Self::Other(value)
    }

    /// The number in a JSON text, which is a 64-bit integer or a finite double.
    pub(crate) fn from_json(number: &serde_json::Number) -> Option<Self> {
        let integer = number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from));
        integer
            .map(Self::Integer)
            .or_else(|| number.as_f64().map(Self::from_f64))
    }

    pub(crate) fn from_size(size: usize) -> Self {
        Self::Integer(i128::try_from(size).expect("nothing in memory has 2^127 elements"))
    }

    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Integer(value) => Self::Integer(-value),
            Self::Other(value) => Self::Other(-value),
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Integer(one), Self::Integer(two)) => one.cmp(&two),
            (Self::Other(one), Self::Other(two)) => one.total_cmp(&two),
            // The nearest double of an integer is on the same side of a double that equals no
            // integer: rounding keeps the order, and the integers beside a fraction are small
            // enough not to be rounded.
            (Self::Integer(one), Self::Other(two)) => (one as f64).total_cmp(&two),
            (Self::Other(one), Self::Integer(two)) => one.total_cmp(&(two as f64)),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Integer(value) => value.hash(state),
            Self::Other(value) => value.to_bits().hash(state),
        }
    }
}

impl Scalar {
    pub(crate) fn as_ref(&self) -> ScalarRef<'_> {
        match self {
            Self::Null => ScalarRef::Null,
            Self::Bool(value) => ScalarRef::Bool(*value),
            Self::Number(value) => ScalarRef::Number(*value),
            Self::Text(text) => ScalarRef::Text(text),
        }
    }
}

impl From<ScalarRef<'_>> for Scalar {
    fn from(value: ScalarRef<'_>) -> Self {
        match value {
            ScalarRef::Null => Self::Null,
            ScalarRef::Bool(value) => Self::Bool(value),
            ScalarRef::Number(value) => Self::Number(value),
            ScalarRef::Text(text) => Self::Text(text.into()),
        }
    }
}

impl<'a> ScalarRef<'a> {
    /// The value in a JSON text; `None` for a list or an object.
    pub(crate) fn from_json(value: &'a serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::Null => Some(Self::Null),
            serde_json::Value::Bool(value) => Some(Self::Bool(*value)),
            serde_json::Value::Number(number) => Number::from_json(number).map(Self::Number),
            serde_json::Value::String(text) => Some(Self::Text(text)),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
        }
    }

    /// The order of two values of one type; there is none between types or between nulls.
    fn ordered(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(_), Self::Bool(_))
            | (Self::Number(_), Self::Number(_))
            | (Self::Text(_), Self::Text(_)) => Some(self.cmp(&other)),
            _ => None,
        }
    }
}

impl Operator {
    /// Whether it holds between a value and a literal. A list or an object (`None`) is unequal to
    /// every literal.
    pub(crate) fn holds(self, value: Option<ScalarRef<'_>>, literal: ScalarRef<'_>) -> bool {
        let order = value.and_then(|value| value.ordered(literal));
        match self {
            Self::Equal => value == Some(literal),
            Self::Unequal => value != Some(literal),
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order.is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }

    /// The operator that holds between two values of one type where this one does not.
    pub(crate) const fn opposite(self) -> Self {
        match self {
            Self::Equal => Self::Unequal,
            Self::Unequal => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// The operator with its two sides exchanged.
    pub(crate) const fn flipped(self) -> Self {
        match self {
            Self::Equal | Self::Unequal => self,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value_and_exactly() {
        let (two53, two63, two64) = (9_007_199_254_740_992_i128, 1_i128 << 63, 1_i128 << 64);
        let double = Number::from_f64;
        let ascending = [
            double(f64::MIN),
            double(-2_f64.powi(127)),
            Number::Integer(-two63 - 1),
            double(-2_f64.powi(63)),
            Number::Integer(-two63 + 1),
            double(-1.5),
            Number::Integer(-1),
            double(-f64::MIN_POSITIVE),
            double(-0.0),
            double(5e-324),
            double(0.999_999_999_999_999_9),
            Number::Integer(1),
            double(1.000_000_000_000_000_2),
            double(2_f64.powi(53)),
            Number::Integer(two53 + 1),
            double(2_f64.powi(53) + 2.0),
            Number::Integer(two63 - 1),
            double(2_f64.powi(63)),
            Number::Integer(two63 + 1),
            Number::Integer(two64 - 1),
            double(2_f64.powi(64)),
            double(1e20),
            double(2_f64.powi(127)),
            double(f64::MAX),
        ];
        for (at, one) in ascending.iter().enumerate() {
            for (other_at, other) in ascending.iter().enumerate() {
                assert_eq!(one.cmp(other), at.cmp(&other_at), "{one:?} {other:?}");
            }
        }
        assert_eq!(double(-0.0), Number::Integer(0));
        assert_eq!(double(1e20), Number::Integer(100_000_000_000_000_000_000));
    }

    #[test]
    fn values_of_different_types_are_unequal_and_have_no_order() {
        let values = [
            ScalarRef::Null,
            ScalarRef::Bool(true),
            ScalarRef::Number(Number::Integer(1)),
            ScalarRef::Text("1"),
        ];
        for one in values {
            for other in values {
                assert_eq!(Operator::Equal.holds(Some(one), other), one == other);
                assert_eq!(Operator::Unequal.holds(Some(one), other), one != other);
                let orders = [
                    Operator::Less,
                    Operator::LessOrEqual,
                    Operator::Greater,
                    Operator::GreaterOrEqual,
                ];
                let holding = orders
                    .iter()
                    .filter(|operator| operator.holds(Some(one), other))
                    .count();
                let expected = if one == other && one != ScalarRef::Null {
                    2
                } else {
                    0
                };
                assert_eq!(holding, expected, "{one:?} {other:?}");
                if one == other && one != ScalarRef::Null {
                    for operator in orders
                        .into_iter()
                        .chain([Operator::Equal, Operator::Unequal])
                    {
                        let holds = operator.holds(Some(one), other);
                        assert_ne!(
                            operator.opposite().holds(Some(one), other),
                            holds,
                            "{operator:?} {one:?}"
                        );
                    }
                }
            }
            assert!(Operator::Unequal.holds(None, one) && !Operator::Equal.holds(None, one));
        }
    }
}
