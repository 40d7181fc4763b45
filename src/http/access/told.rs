//! What was logged once and is not logged again. Callers choose the words, so their number is
//! bounded.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// How many are remembered; what comes after them is not logged.
const REMEMBERED_MAX: usize = 64;

/// Words that were logged.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashSet<String>>);

/// Whether to log a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// For the first time.
    Yes,
    /// For the first time, and others will not be logged any more.
    YesAndNoMore,
    /// It was, or there is no room to remember that it was.
    No,
}

impl Told {
    /// Whether `word` is to be logged; it is not to be logged again.
    pub(super) fn log(&self, word: &str) -> Log {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= REMEMBERED_MAX || told.contains(word) {
            return Log::No;
        }
        told.insert(word.to_owned());
        if told.len() == REMEMBERED_MAX {
            Log::YesAndNoMore
        } else {
            Log::Yes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_logged_once_and_strangers_cannot_fill_the_memory() {
        let told = Told::default();
        let logged = |word: &str| told.log(word) != Log::No;
        assert!(logged("a") && !logged("a") && logged("b") && !logged("a"));
        let many: Vec<Log> = (0..1000)
            .map(|number| told.log(&number.to_string()))
            .collect();
        assert_eq!(
            many.iter().filter(|log| **log != Log::No).count(),
            REMEMBERED_MAX - 2
        );
        assert_eq!(
            many.iter().filter(|log| **log == Log::YesAndNoMore).count(),
            1
        );
    }
}
