//! How long to wait before the next attempt: exponential, with full jitter, so that peers which
//! were cut off together don't come back together (M. Brooker, "Exponential Backoff and Jitter",
//! AWS 2015).

use std::time::Duration;

/// Doublings beyond this change nothing for any limit that makes sense.
const DOUBLINGS_MAX: u32 = 24;

/// Counts the attempts since the last success.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// The first wait is at most `first`; none is longer than `max`.
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self {
            first,
            max,
            failures: 0,
        }
    }

    /// The longest wait.
    pub const fn max(&self) -> Duration {
        self.max
    }

    /// What failed before no longer counts.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// A random wait before the next attempt; what it may be at most doubles with each attempt.
    pub fn next_wait(&mut self) -> Duration {
        let ceiling = self.first.saturating_mul(1 << self.failures).min(self.max);
        self.failures = (self.failures + 1).min(DOUBLINGS_MAX);
        jitter(ceiling)
    }
}

/// A random time from nothing up to `max`.
pub fn jitter(max: Duration) -> Duration {
    max.mul_f64(rand::random_range(0.0..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const MAX: Duration = Duration::from_secs(3);

    fn after(failures: u32) -> Backoff {
        Backoff {
            failures,
            ..Backoff::new(FIRST, MAX)
        }
    }

    #[test]
    fn waits_double_are_spread_over_all_of_the_time_and_are_bounded() {
        for (failures, ceiling) in [
            (0, 100),
            (1, 200),
            (4, 1600),
            (5, 3000),
            (DOUBLINGS_MAX, 3000),
        ] {
            let ceiling = Duration::from_millis(ceiling);
            let waits: Vec<_> = (0..2000).map(|_| after(failures).next_wait()).collect();
            let (longest, shortest) = (waits.iter().max(), waits.iter().min());
            assert!(longest.is_some_and(|wait| *wait <= ceiling && *wait > ceiling.mul_f64(0.9)));
            assert!(shortest.is_some_and(|wait| *wait < ceiling.mul_f64(0.1)));
        }
    }

    #[test]
    fn a_success_begins_anew_and_failures_are_counted_up_to_a_limit() {
        let mut backoff = after(0);
        for _ in 0..100 {
            assert!(backoff.next_wait() <= MAX);
        }
        assert_eq!(backoff.failures, DOUBLINGS_MAX);
        backoff.succeeded();
        assert!(backoff.next_wait() <= FIRST);
    }
}
