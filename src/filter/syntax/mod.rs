//! From a filter's text to its predicate: recursive descent over one token at a time. Each
//! condition is checked where it ends, so the first error of a text is the one that is reported.

mod lex;
mod operand;
mod parse;
mod path;
mod quoted;
mod tokens;

pub(super) use parse::parse;
pub(super) use path::attribute_names;
