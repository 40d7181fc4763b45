//! The values that a filter compares: null, booleans, numbers by their exact value, texts by code
//! point.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A number by its value: 1 and 1.0 are one and the same. Every value has one representation, so
/// that equality is exact and nothing is ever rounded for a comparison.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    /// An integer, also one that was written as `1.0` or `1e20`: one of 64 bits, or one that a
    /// double can hold.
    Integer(i128),
    /// A double that no `i128` equals: one with a fraction, or one of 2^127 and more.
    Other(f64),
}

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text(Box<str>),
}

/// A value as it stands in a person or in a literal. The order sorts by type first; whether two
/// values are ordered at all is for [`Relation::holds`] to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ScalarRef<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'a str),
}

/// How a value is compared with a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Relation {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Number {
    /// The number that a double stands for; it must be finite.
    pub(super) fn from_f64(value: f64) -> Self {
        // 2^127: doubles below it, in both directions, fit into an i128 when they have no fraction.
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

    /// The number in a JSON text; numbers there are 64-bit integers or finite doubles.
    pub(super) fn from_json(number: &serde_json::Number) -> Option<Self> {
        let integer = number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from));
        integer
            .map(Self::Integer)
            .or_else(|| number.as_f64().map(Self::from_f64))
    }

    /// How many there are.
    pub(super) fn from_size(size: usize) -> Self {
        Self::Integer(i128::try_from(size).expect("nothing in memory has 2^127 elements"))
    }

    /// The number with the other sign.
    pub(super) fn negated(self) -> Self {
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
    pub(super) fn as_ref(&self) -> ScalarRef<'_> {
        match self {
            Self::Null => ScalarRef::Null,
            Self::Bool(value) => ScalarRef::Bool(*value),
            Self::Number(value) => ScalarRef::Number(*value),
            Self::Text(text) => ScalarRef::Text(text),
        }
    }
}

impl<'a> ScalarRef<'a> {
    /// The value of a JSON text; lists and objects are none.
    pub(super) fn from_json(value: &'a serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::Null => Some(Self::Null),
            serde_json::Value::Bool(value) => Some(Self::Bool(*value)),
            serde_json::Value::Number(number) => Number::from_json(number).map(Self::Number),
            serde_json::Value::String(text) => Some(Self::Text(text)),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
        }
    }

    /// How two values of one type are ordered; there is no order between types, nor between nulls.
    fn ordered(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(_), Self::Bool(_))
            | (Self::Number(_), Self::Number(_))
            | (Self::Text(_), Self::Text(_)) => Some(self.cmp(&other)),
            _ => None,
        }
    }
}

impl Relation {
    /// Whether it holds between a value and a literal. A list or an object (`None`) is unequal to
    /// every literal.
    pub(super) fn holds(self, value: Option<ScalarRef<'_>>, literal: ScalarRef<'_>) -> bool {
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

    /// The relation that holds between two values of one type where this one does not.
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::Equal => Self::Unequal,
            Self::Unequal => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// The same relation seen from its other side.
    pub(super) const fn turned(self) -> Self {
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
    fn values_of_different_types_are_unequal_and_without_order() {
        let values = [
            ScalarRef::Null,
            ScalarRef::Bool(true),
            ScalarRef::Number(Number::Integer(1)),
            ScalarRef::Text("1"),
        ];
        for one in values {
            for other in values {
                assert_eq!(Relation::Equal.holds(Some(one), other), one == other);
                assert_eq!(Relation::Unequal.holds(Some(one), other), one != other);
                let orders = [
                    Relation::Less,
                    Relation::LessOrEqual,
                    Relation::Greater,
                    Relation::GreaterOrEqual,
                ];
                let holding = orders
                    .iter()
                    .filter(|relation| relation.holds(Some(one), other))
                    .count();
                let expected = if one == other && one != ScalarRef::Null {
                    2
                } else {
                    0
                };
                assert_eq!(holding, expected, "{one:?} {other:?}");
                if one == other && one != ScalarRef::Null {
                    for relation in orders
                        .into_iter()
                        .chain([Relation::Equal, Relation::Unequal])
                    {
                        let holds = relation.holds(Some(one), other);
                        assert_ne!(
                            relation.opposite().holds(Some(one), other),
                            holds,
                            "{relation:?} {one:?}"
                        );
                    }
                }
            }
            assert!(Relation::Unequal.holds(None, one) && !Relation::Equal.holds(None, one));
        }
    }
}
