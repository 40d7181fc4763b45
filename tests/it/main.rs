//! The gateway from outside: what the contract promises, call by call.

#[path = "../support/http.rs"]
mod gateway;
mod rest;

/// A person's body.
pub(crate) const ADA: &str = r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician"}"#;
/// An id that nobody has.
pub(crate) const NOBODY: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
