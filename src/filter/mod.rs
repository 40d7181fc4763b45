//! Filters and views: which people a client subscribes to, and what a change means to its view.
//!
//! A filter is a text in a subset of CEL (docs/filters.md). The gateway parses and checks it once,
//! at the edge and under limits, into a typed predicate. The predicate is evaluated for one image
//! of a person at a time.
//!
//! `syntax` reads a text and hands each condition to `check`, which makes a `predicate` of it; a
//! `program` is the result. `view` turns two evaluations into a verdict, `index` finds the views
//! that a change may concern, and `offload` keeps evaluations that may take long from delaying
//! others.

mod check;
mod error;
mod field_path;
mod index;
pub mod limits;
pub mod offload;
mod predicate;
mod program;
mod syntax;
mod verdict_counts;
mod view;

pub use crate::domain::Kinds;
pub use check::{Function, Method};
pub use error::FilterError;
pub use field_path::{FieldPath, write_names};
pub use index::{Census, Index, SearchCost};
pub use program::{
    ClaimError, ClaimName, Filter, Rule, Scoped, SharedFilters, UseCount, WeakTable,
};
pub use verdict_counts::VerdictCounts;
pub use view::{Images, Verdict, View};

/// The names of a path below `attributes`, as filters write them: `city`, `address.street`,
/// `["any name"].x`; none for any other text.
pub fn attribute_names(text: &str) -> Option<Vec<Box<str>>> {
    syntax::attribute_names(text)
}
