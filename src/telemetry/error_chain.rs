//! An error with its causes, in one line.

use std::error::Error;
use std::fmt;

/// Shows an error and its causes, separated by colons. A cause whose text the line already contains
/// is left out: many libraries repeat the cause in the text of the outer error.
pub struct ErrorChain<'a>(pub &'a dyn Error);

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !line.contains(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            cause = error.source();
        }
        f.write_str(&line)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner: {0}")]
    struct Inner(#[source] io::Error);

    #[test]
    fn every_cause_is_shown_once() {
        let error = Outer(Inner(io::Error::other("cause")));
        assert_eq!(ErrorChain(&error).to_string(), "outer: inner: cause");
        assert_eq!(ErrorChain(&error.0).to_string(), "inner: cause");
    }
}
