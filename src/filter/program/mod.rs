//! A filter as its holders share it: the text and the predicate that was compiled from it.

mod rule;
mod scoped;
mod shared;
mod weak_table;

pub use rule::{ClaimError, ClaimName, Rule};
pub use scoped::Scoped;
pub use shared::SharedFilters;
pub use weak_table::{UseCount, WeakTable};

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use prometheus_client::metrics::gauge::Gauge;

use super::error::FilterError;
use super::predicate::{Image, Predicate};
use super::syntax::{self, ClaimBinding};
use crate::domain::{FieldsJson, PersonId};

/// Selects people. The default selects everyone. A clone is cheap.
///
/// Filters with the same meaning are equal, however they are written: `age>30` and `( 30.0 < age
/// )` are equal.
#[derive(Clone)]
pub struct Filter(Arc<Program>);

pub(in crate::filter) struct Program {
    text: Box<str>,
    predicate: Predicate,
    /// Whether it has a pattern, which may take long.
    has_pattern: bool,
    /// What it was joined of.
    joined: Option<Joined>,
    /// Of a shared program.
    _in_use: Option<UseCount>,
}

/// The filters of which one was joined.
struct Joined {
    /// Keeps the rule, by whose address tables find the filters within it.
    _rule: Filter,
    asked: Filter,
}

impl Filter {
    /// Parses a filter of at most 16 KiB of text, 64 conditions, 8 levels, 1,000 list items in all,
    /// and patterns with an expanded length of 16,384 in all ([`limits`](super::limits)). The empty
    /// text selects everyone.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::compile(text, None)
    }

    /// Parses a filter and counts it in `gauge` until its last clone is dropped.
    pub(super) fn parse_counted(text: &str, gauge: &Gauge) -> Result<Self, FilterError> {
        Self::compile(text, Some(gauge))
    }

    fn compile(text: &str, gauge: Option<&Gauge>) -> Result<Self, FilterError> {
        let predicate =
            syntax::parse(text, ClaimBinding::None).map_err(|error| error.in_text(text))?;
        Ok(Self::of(text, predicate, None, gauge))
    }

    fn of(text: &str, predicate: Predicate, joined: Option<Joined>, gauge: Option<&Gauge>) -> Self {
        Self(Arc::new(Program {
            text: text.into(),
            has_pattern: predicate.has_pattern(),
            predicate,
            joined,
            _in_use: gauge.map(UseCount::new),
        }))
    }

    /// A rule whose claims have these values.
    pub(super) fn bound(text: &str, claims: ClaimBinding<'_>) -> Result<Self, FilterError> {
        let predicate = syntax::parse(text, claims).map_err(|error| error.in_text(text))?;
        Ok(Self::of(text, predicate, None, None))
    }

    /// The people of `asked` that `rule` selects as well. The rule is judged first. The text is
    /// that of `asked`.
    pub(super) fn within(rule: &Self, asked: Self, gauge: Option<&Gauge>) -> Self {
        if rule.is_everyone() {
            return asked;
        }
        let mut parts = Vec::new();
        for filter in [rule, &asked] {
            match filter.predicate() {
                Predicate::Constant(true) => {}
                Predicate::All(inner) => parts.extend_from_slice(inner),
                single => parts.push(single.clone()),
            }
        }
        let predicate = match <[Predicate; 1]>::try_from(parts) {
            Ok([single]) => single,
            Err(parts) => Predicate::All(parts),
        };
        let joined = Joined {
            _rule: rule.clone(),
            asked: asked.clone(),
        };
        Self::of(asked.text(), predicate, Some(joined), gauge)
    }

    /// The people that both select. The text is that of `other`.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self::within(self, other.clone(), None)
    }

    /// What a caller asked for, of a filter within a rule; else the filter itself.
    pub(super) fn asked(&self) -> &Self {
        self.0.joined.as_ref().map_or(self, |joined| &joined.asked)
    }

    /// The text of this filter, or of an equal one.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Whether it is the constant `true`, as the empty text is.
    pub fn is_everyone(&self) -> bool {
        self.0.predicate == Predicate::Constant(true)
    }

    /// Whether it selects this person. It parses the attributes only if a condition needs them.
    pub fn matches(&self, id: PersonId, fields: &FieldsJson) -> bool {
        self.matches_image(&Image::new(id, fields))
    }

    /// Steps that the patterns take at worst to evaluate this person; a million steps take some
    /// milliseconds. Other conditions take none.
    pub fn steps(&self, id: PersonId, fields: &FieldsJson) -> u64 {
        self.steps_of_image(&Image::new(id, fields))
    }

    pub(super) fn predicate(&self) -> &Predicate {
        &self.0.predicate
    }

    pub(super) fn matches_image(&self, image: &Image<'_>) -> bool {
        self.0.predicate.matches(image)
    }

    pub(super) fn steps_of_image(&self, image: &Image<'_>) -> u64 {
        if self.0.has_pattern {
            self.0.predicate.steps(image)
        } else {
            0
        }
    }
}

impl Default for Filter {
    fn default() -> Self {
        static EVERYONE: LazyLock<Filter> =
            LazyLock::new(|| Filter::parse("").expect("the empty text is everyone"));
        EVERYONE.clone()
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.predicate == other.0.predicate
    }
}

impl Eq for Filter {}

impl Hash for Filter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.predicate.hash(state);
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text(), f)
    }
}
