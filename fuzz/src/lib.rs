//! Targets for `cargo fuzz`: all that strangers send is read here, beside a judge that knows what
//! must come of it. An input that a target panics at is a finding.
//!
//! The inputs that reach the most code are kept in `corpus`, and `tests/replay.rs` runs them all.
//! Parts of an input, such as a filter and a person, are divided by [`DIVIDER`].

mod cursor;
mod filter;
mod person;
mod policy;
mod request;
mod sample;
mod token;
mod websocket;

pub use cursor::cursor;
pub use filter::filter;
pub use person::person;
pub use policy::policy;
pub use request::request;
pub use token::token;
pub use websocket::websocket;

/// Divides the parts of an input: ASCII's record separator, which no format here has by itself.
pub const DIVIDER: char = '\u{1e}';

/// The parts of an input; none where it is no text.
fn parts(input: &[u8]) -> Option<std::str::Split<'_, char>> {
    Some(std::str::from_utf8(input).ok()?.split(DIVIDER))
}

/// A target by its name, which is also that of its corpus.
pub struct FuzzTarget {
    /// Its name.
    pub name: &'static str,
    /// Reads an input, and panics at a finding.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [FuzzTarget; 7] = [
    target("cursor", cursor),
    target("filter", filter),
    target("person", person),
    target("policy", policy),
    target("request", request),
    target("token", token),
    target("websocket", websocket),
];

const fn target(name: &'static str, run: fn(&[u8])) -> FuzzTarget {
    FuzzTarget { name, run }
}
