//! Logs each refused host or origin once. Callers choose these texts, so the number of remembered
//! ones is bounded.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Texts that are remembered; the ones after them are not logged.
const REMEMBERED_MAX: usize = 64;

/// The texts that were logged.
#[derive(Debug, Default)]
pub(super) struct LogOnce(Mutex<HashSet<String>>);

/// Whether to log a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogDecision {
    /// It is new.
    Log,
    /// It is new and fills the memory: no later one will be logged.
    LogAsLast,
    /// It was logged before, or the memory is full.
    Skip,
}

impl LogOnce {
    /// Decides about `text`, and remembers it.
    pub(super) fn decide(&self, text: &str) -> LogDecision {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() >= REMEMBERED_MAX || logged.contains(text) {
            return LogDecision::Skip;
        }
        logged.insert(text.to_owned());
        if logged.len() == REMEMBERED_MAX {
            LogDecision::LogAsLast
        } else {
            LogDecision::Log
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_logged_once_and_callers_cannot_fill_the_memory() {
        let once = LogOnce::default();
        let logs = |text: &str| once.decide(text) != LogDecision::Skip;
        assert!(logs("a") && !logs("a") && logs("b") && !logs("a"));
        let decisions: Vec<LogDecision> = (0..1000)
            .map(|number| once.decide(&number.to_string()))
            .collect();
        let count = |decision| decisions.iter().filter(|one| **one == decision).count();
        assert_eq!(count(LogDecision::Log), REMEMBERED_MAX - 3);
        assert_eq!(count(LogDecision::LogAsLast), 1);
    }
}
