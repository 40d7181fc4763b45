//! The wait before the next attempt: exponential, with full jitter, so that peers that lost their
//! connections together don't reconnect together (M. Brooker, "Exponential Backoff and Jitter", AWS
//! 2015).

use std::time::Duration;

/// More doublings change nothing for any limit in use.
const DOUBLINGS_MAX: u32 = 24;

/// The failed attempts since the last success, and the bounds of the waits.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// The first wait is at most `first`, and every wait at most `max`.
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

    /// Forgets the failures so far.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// A random wait before the next attempt. Its upper bound doubles with each attempt.
    pub fn next_wait(&mut self) -> Duration {
        let ceiling = self.first.saturating_mul(1 << self.failures).min(self.max);
        self.failures = (self.failures + 1).min(DOUBLINGS_MAX);
        jitter(ceiling)
    }
}

/// A random time between zero and `max`.
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
    fn waits_are_spread_up_to_a_bound_that_doubles_until_the_maximum() {
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
    fn a_success_resets_the_wait_and_the_failure_count_has_a_limit() {
        let mut backoff = after(0);
        for _ in 0..100 {
            assert!(backoff.next_wait() <= MAX);
        }
        assert_eq!(backoff.failures, DOUBLINGS_MAX);
        backoff.succeeded();
        assert!(backoff.next_wait() <= FIRST);
    }
}
