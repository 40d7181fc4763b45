//! The wait before the next attempt, with or without a time that the server names.

use std::time::Duration;

use people_core::{Backoff, jitter};

/// How to wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryWait {
    /// The backoff alone.
    Backoff,
    /// A random time up to this.
    UpTo(Duration),
    /// This time, and then the backoff.
    After(Duration),
}

impl RetryWait {
    /// The duration of the wait, at most the backoff's longest. Counts as an attempt.
    pub(crate) fn next(self, backoff: &mut Backoff) -> Duration {
        let wait = backoff.next_wait();
        match self {
            Self::Backoff => wait,
            Self::UpTo(named) => jitter(named.min(backoff.max())),
            Self::After(named) => named.saturating_add(wait).min(backoff.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_from_the_server_counts_up_to_our_own_limit() {
        let (first, max) = (Duration::from_millis(100), Duration::from_secs(3));
        let waits = |wait: RetryWait| -> Vec<Duration> {
            (0..2000)
                .map(|_| wait.next(&mut Backoff::new(first, max)))
                .collect()
        };
        let longest = |wait| waits(wait).into_iter().max().expect("many");
        let named = Duration::from_millis(700);
        assert!(longest(RetryWait::Backoff) <= first);
        let up_to = longest(RetryWait::UpTo(named));
        assert!(up_to <= named && up_to > named.mul_f64(0.9), "{up_to:?}");
        assert!(
            waits(RetryWait::After(named))
                .iter()
                .all(|wait| *wait >= named)
        );
        let minute = Duration::from_secs(60);
        assert!(longest(RetryWait::After(minute)) <= max);
        assert!(longest(RetryWait::UpTo(minute)) <= max);
    }
}
