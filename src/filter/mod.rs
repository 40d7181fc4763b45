//! Filters and views: which people a client asked for, and what a change means to it.
//!
//! A filter is a text in a subset of CEL (docs/filters.md). It is parsed and checked once, at the
//! edge, under limits, into a typed predicate that judges one image of a person at a time.

mod check;
mod error;
mod image;
mod index;
mod lex;
pub mod offload;
mod operand;
mod parse;
mod pattern;
mod predicate;
mod quoted;
mod scalar;
mod shared;
mod view;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use crate::domain::{FieldsJson, PersonId};
use image::Image;
use predicate::Predicate;

pub use crate::domain::Kinds;
pub use error::FilterError;
pub use index::{Census, Index, Looked};
pub use shared::SharedFilters;
pub use view::{Images, Verdict, View};

/// Which people somebody asked for. The default is everyone. Cloning it is cheap.
///
/// Filters are equal when they ask the same, however they are written: `age>30` and `( 30.0 < age
/// )` are equal.
#[derive(Clone)]
pub struct Filter(Arc<Parsed>);

struct Parsed {
    text: Box<str>,
    predicate: Predicate,
    /// Whether it has a pattern, which may take long.
    searches: bool,
    /// Where it is counted, among the shared ones.
    _in_use: Option<shared::InUse>,
}

impl Filter {
    /// Reads a filter: at most 16 KiB of text, 64 conditions, 8 levels, 1,000 list items in all,
    /// and patterns with 16,384 places in all. The empty text is everyone.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::read(text, None)
    }

    fn read(text: &str, in_use: Option<shared::InUse>) -> Result<Self, FilterError> {
        let predicate = parse::parse(text).map_err(|fault| fault.of(text))?;
        Ok(Self(Arc::new(Parsed {
            text: text.into(),
            searches: predicate.searches(),
            predicate,
            _in_use: in_use,
        })))
    }

    /// The text that it was read from, or one that asked the same.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Whether it leaves nobody out, whoever they are.
    pub fn is_everyone(&self) -> bool {
        self.0.predicate == Predicate::Constant(true)
    }

    /// Whether this person is one of those asked for. The fields are read only as far as the filter
    /// asks.
    pub fn matches(&self, id: PersonId, fields: &FieldsJson) -> bool {
        self.matches_image(&Image::new(id, fields))
    }

    /// Steps that patterns take at worst to judge this person; a million take some milliseconds.
    /// What is not a pattern takes none.
    pub fn steps(&self, id: PersonId, fields: &FieldsJson) -> u64 {
        self.steps_of_image(&Image::new(id, fields))
    }

    fn predicate(&self) -> &Predicate {
        &self.0.predicate
    }

    fn matches_image(&self, image: &Image<'_>) -> bool {
        self.0.predicate.matches(image)
    }

    fn steps_of_image(&self, image: &Image<'_>) -> u64 {
        if self.0.searches {
            self.0.predicate.steps(image)
        } else {
            0
        }
    }
}

impl Default for Filter {
    fn default() -> Self {
        static EVERYONE: LazyLock<Filter> =
            LazyLock::new(|| Filter::read("", None).expect("the empty text is everyone"));
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
