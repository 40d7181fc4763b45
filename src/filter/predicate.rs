//! A checked filter: what it asks, and whether one person answers it. Two-valued: a condition whose
//! path is missing, or whose value is of a type that it does not speak of, is false.

use super::image::{Found, Image, Path};
use super::pattern::Pattern;
use super::scalar::{Number, Relation, Scalar, ScalarRef};

/// What a filter asks of a person. Equal predicates judge alike, so filters are equal when these
/// are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Predicate {
    Constant(bool),
    Condition(Condition),
    Not(Box<Predicate>),
    /// `&&`; no part is an `All` itself.
    All(Vec<Predicate>),
    /// `||`; no part is an `Any` itself.
    Any(Vec<Predicate>),
}

/// One question about one path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Condition {
    /// `PATH == LITERAL` and its like.
    Compared(Path, Relation, Scalar),
    /// `PATH in [LITERAL, ...]`.
    Among(Path, Set),
    /// `LITERAL in PATH`.
    Holds(Path, Scalar),
    /// `PATH.startsWith("...")` and its like.
    Text(Path, TextTest),
    /// `size(PATH) == LITERAL` and its like.
    Size(Path, Relation, Number),
    /// `has(attributes.x)`.
    Has(Path),
}

/// A question about a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum TextTest {
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Contains(Box<str>),
    Matches(Pattern),
}

/// Literals, sorted and each once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Set(pub(super) Box<[Scalar]>);

impl Predicate {
    /// Whether a person answers it. Recursion ends at the depth that a filter may have.
    pub(super) fn matches(&self, image: &Image<'_>) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Condition(condition) => condition.matches(image),
            Self::Not(inner) => !inner.matches(image),
            Self::All(parts) => parts.iter().all(|part| part.matches(image)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(image)),
        }
    }

    /// Whether it has a pattern.
    pub(super) fn searches(&self) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Condition(condition) => {
                matches!(condition, Condition::Text(_, TextTest::Matches(_)))
            }
            Self::Not(inner) => inner.searches(),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::searches),
        }
    }

    /// Steps that all its patterns take at worst.
    pub(super) fn steps(&self, image: &Image<'_>) -> u64 {
        match self {
            Self::Condition(Condition::Text(path, TextTest::Matches(pattern))) => image
                .get(path)
                .and_then(Found::text)
                .map_or(0, |text| pattern.steps(text)),
            Self::Constant(_) | Self::Condition(_) => 0,
            Self::Not(inner) => inner.steps(image),
            Self::All(parts) | Self::Any(parts) => parts
                .iter()
                .map(|part| part.steps(image))
                .fold(0, u64::saturating_add),
        }
    }
}

impl Condition {
    fn matches(&self, image: &Image<'_>) -> bool {
        let (Self::Compared(path, ..)
        | Self::Among(path, _)
        | Self::Holds(path, _)
        | Self::Text(path, _)
        | Self::Size(path, ..)
        | Self::Has(path)) = self;
        let Some(found) = image.get(path) else {
            return false;
        };
        match self {
            Self::Compared(_, relation, literal) => {
                relation.holds(found.scalar(), literal.as_ref())
            }
            Self::Among(_, set) => found.scalar().is_some_and(|scalar| set.has(scalar)),
            Self::Holds(_, literal) => found.holds(literal.as_ref()),
            Self::Text(_, test) => found.text().is_some_and(|text| test.holds(text)),
            Self::Size(_, relation, literal) => found.size().is_some_and(|size| {
                relation.holds(
                    Some(ScalarRef::Number(Number::from_size(size))),
                    ScalarRef::Number(*literal),
                )
            }),
            Self::Has(_) => true,
        }
    }
}

impl TextTest {
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::StartsWith(part) => text.starts_with(&**part),
            Self::EndsWith(part) => text.ends_with(&**part),
            Self::Contains(part) => text.contains(&**part),
            Self::Matches(pattern) => pattern.is_in(text),
        }
    }
}

impl Set {
    pub(super) fn new(mut literals: Vec<Scalar>) -> Self {
        literals.sort_unstable();
        literals.dedup();
        Self(literals.into())
    }

    fn has(&self, scalar: ScalarRef<'_>) -> bool {
        self.0
            .binary_search_by(|literal| literal.as_ref().cmp(&scalar))
            .is_ok()
    }
}
