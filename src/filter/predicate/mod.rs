//! A checked filter as a tree of conditions, and its value for one image of a person. The value is
//! true or false: a condition is false where its path is missing or the value has another type.

mod image;
mod pattern;
mod scalar;

pub(crate) use image::{Image, Path, PathValue};
pub(crate) use pattern::Pattern;
pub(crate) use scalar::{Number, Operator, Scalar, ScalarRef};

/// The condition of a whole filter. Equal predicates have equal values for every person.
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

/// A test of the value at one path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Condition {
    /// `PATH == LITERAL` and the other comparisons.
    Compare(Path, Operator, Scalar),
    /// `PATH in [LITERAL, ...]`.
    In(Path, LiteralSet),
    /// `LITERAL in PATH`.
    Holds(Path, Scalar),
    /// `PATH.startsWith("...")` and the other methods with a text.
    Text(Path, TextTest),
    /// `size(PATH) == LITERAL` and the other comparisons.
    Size(Path, Operator, Number),
    /// `has(attributes.x)`.
    Has(Path),
}

/// A test of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum TextTest {
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Contains(Box<str>),
    Matches(Pattern),
}

/// Literals in ascending order, without duplicates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LiteralSet(Box<[Scalar]>);

impl Predicate {
    /// Whether a person fulfils it. The recursion is as deep as a filter has levels.
    pub(super) fn matches(&self, image: &Image<'_>) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Condition(condition) => condition.matches(image),
            Self::Not(inner) => !inner.matches(image),
            Self::All(parts) => parts.iter().all(|part| part.matches(image)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(image)),
        }
    }

    pub(super) fn has_pattern(&self) -> bool {
        self.has_any(&|condition| condition.pattern().is_some())
    }

    /// Whether a condition is about a path for which `is_sought` holds.
    pub(super) fn names_any(&self, is_sought: &dyn Fn(&Path) -> bool) -> bool {
        self.has_any(&|condition| is_sought(condition.path()))
    }

    fn has_any(&self, is_sought: &dyn Fn(&Condition) -> bool) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Condition(condition) => is_sought(condition),
            Self::Not(inner) => inner.has_any(is_sought),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.has_any(is_sought)),
        }
    }

    /// Steps that all its patterns take at worst.
    pub(super) fn steps(&self, image: &Image<'_>) -> u64 {
        match self {
            Self::Constant(_) => 0,
            Self::Condition(condition) => condition.pattern().map_or(0, |(path, pattern)| {
                let text = image.get(path).and_then(PathValue::text);
                text.map_or(0, |text| pattern.steps(text))
            }),
            Self::Not(inner) => inner.steps(image),
            Self::All(parts) | Self::Any(parts) => parts
                .iter()
                .map(|part| part.steps(image))
                .fold(0, u64::saturating_add),
        }
    }
}

impl Condition {
    pub(super) const fn path(&self) -> &Path {
        match self {
            Self::Compare(path, ..)
            | Self::In(path, _)
            | Self::Holds(path, _)
            | Self::Text(path, _)
            | Self::Size(path, ..)
            | Self::Has(path) => path,
        }
    }

    fn matches(&self, image: &Image<'_>) -> bool {
        let Some(value) = image.get(self.path()) else {
            return false;
        };
        match self {
            Self::Compare(_, operator, literal) => operator.holds(value.scalar(), literal.as_ref()),
            Self::In(_, set) => value.scalar().is_some_and(|scalar| set.contains(scalar)),
            Self::Holds(_, literal) => value.holds(literal.as_ref()),
            Self::Text(_, test) => value.text().is_some_and(|text| test.matches(text)),
            Self::Size(_, operator, literal) => value.size().is_some_and(|size| {
                operator.holds(
                    Some(ScalarRef::Number(Number::from_size(size))),
                    ScalarRef::Number(*literal),
                )
            }),
            Self::Has(_) => true,
        }
    }

    /// Its pattern, if it has one, and the path of the text to search.
    fn pattern(&self) -> Option<(&Path, &Pattern)> {
        match self {
            Self::Text(path, test) => test.pattern().map(|pattern| (path, pattern)),
            Self::Compare(..) | Self::In(..) | Self::Holds(..) | Self::Size(..) | Self::Has(_) => {
                None
            }
        }
    }
}

impl TextTest {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::StartsWith(part) => text.starts_with(&**part),
            Self::EndsWith(part) => text.ends_with(&**part),
            Self::Contains(part) => text.contains(&**part),
            Self::Matches(pattern) => pattern.is_match(text),
        }
    }

    /// Its pattern, if it has one: a test that may take more time than the text is long.
    pub(super) const fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::StartsWith(_) | Self::EndsWith(_) | Self::Contains(_) => None,
            Self::Matches(pattern) => Some(pattern),
        }
    }
}

impl LiteralSet {
    pub(super) fn new(mut literals: Vec<Scalar>) -> Self {
        literals.sort_unstable();
        literals.dedup();
        Self(literals.into())
    }

    /// In ascending order.
    pub(super) fn as_slice(&self) -> &[Scalar] {
        &self.0
    }

    fn contains(&self, scalar: ScalarRef<'_>) -> bool {
        self.0
            .binary_search_by(|literal| literal.as_ref().cmp(&scalar))
            .is_ok()
    }
}
