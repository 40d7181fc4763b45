//! A filter as its holders share it: the text and the predicate that was compiled from it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use prometheus_client::metrics::gauge::Gauge;

use super::error::FilterError;
use super::predicate::{Image, Predicate};
use super::syntax;
use crate::domain::{FieldsJson, PersonId};

/// Selects people. The default selects everyone. A clone is cheap.
///
/// Filters with the same meaning are equal, however they are written: `age>30` and `( 30.0 < age
/// )` are equal.
#[derive(Clone)]
pub struct Filter(pub(super) Arc<Program>);

pub(super) struct Program {
    text: Box<str>,
    predicate: Predicate,
    /// Whether it has a pattern, which may take long.
    has_pattern: bool,
    /// Of a shared program.
    _in_use: Option<UseCount>,
}

/// One in a gauge, for as long as it lives.
struct UseCount(Gauge);

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
        let predicate = syntax::parse(text).map_err(|error| error.in_text(text))?;
        Ok(Self(Arc::new(Program {
            text: text.into(),
            has_pattern: predicate.has_pattern(),
            predicate,
            _in_use: gauge.map(UseCount::new),
        })))
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

impl UseCount {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for UseCount {
    fn drop(&mut self) {
        self.0.dec();
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
