//! The promises of filters and views, checked against another implementation of CEL, a scan of all
//! views, histories of changes, any text, and docs/filters.md.

mod any_text;
mod document;
mod index;
mod meaning;
mod oracle;
pub(crate) mod people;
mod refusals;
pub(crate) mod views;
