//! From a filter's text to its predicate: recursive descent over one token at a time. Each
//! condition is checked where it ends, so the first error of a text is the one that is reported.

mod claims;
mod lex;
mod operand;
mod parse;
mod path;
mod quoted;
mod tokens;

pub(super) use claims::claim_value;
pub(super) use parse::{claims_of, parse, parse_hiding};
pub(super) use path::{attribute_names, field_names};
pub(super) use tokens::ClaimBinding;
