//! How long to wait before the next attempt: exponential, with full jitter, so that clients which were cut off together
//! don't come back together (M. Brooker, "Exponential Backoff and Jitter", AWS 2015).

use std::time::Duration;

use super::loss::Wait;
use super::options::Limits;

/// Doublings beyond this change nothing for any limit that makes sense.
const DOUBLINGS_MAX: u32 = 24;

/// Counts the attempts since the client was last live.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The client is live: what failed before no longer counts.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// A random wait before the next attempt, at most `limits.backoff_most`.
    pub(super) fn next(&mut self, wait: Wait, limits: &Limits) -> Duration {
        let ceiling = limits.backoff_first.saturating_mul(1 << self.failures).min(limits.backoff_most);
        self.failures = (self.failures + 1).min(DOUBLINGS_MAX);
        let (least, spread) = match wait {
            Wait::Backoff => (Duration::ZERO, ceiling),
            Wait::UpTo(named) => (Duration::ZERO, named),
            Wait::After(named) => (named, ceiling),
        };
        least.saturating_add(jitter(spread.min(limits.backoff_most))).min(limits.backoff_most)
    }
}

/// A random time from nothing up to this.
fn jitter(most: Duration) -> Duration {
    most.mul_f64(rand::random_range(0.0..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let (first, most) = (Duration::from_millis(100), Duration::from_secs(3));
        Limits { backoff_first: first, backoff_most: most, ..Limits::default() }
    }

    /// The longest of many random waits after so many failures.
    fn longest(failures: u32, wait: Wait) -> Duration {
        (0..2000).map(|_| Backoff { failures }.next(wait, &limits())).max().expect("many")
    }

    #[test]
    fn waits_double_are_spread_over_all_of_the_time_and_are_bounded() {
        for (failures, ceiling) in [(0, 100), (1, 200), (4, 1600), (5, 3000), (DOUBLINGS_MAX, 3000)] {
            let (longest, ceiling) = (longest(failures, Wait::Backoff), Duration::from_millis(ceiling));
            assert!(longest <= ceiling && longest > ceiling.mul_f64(0.9), "{failures}: {longest:?}");
            let shortest = (0..2000).map(|_| Backoff { failures }.next(Wait::Backoff, &limits())).min();
            assert!(shortest.expect("many") < ceiling.mul_f64(0.1));
        }
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            assert!(backoff.next(Wait::Backoff, &limits()) <= limits().backoff_most);
        }
        assert_eq!(backoff.failures, DOUBLINGS_MAX);
        backoff.succeeded();
        assert!(backoff.next(Wait::Backoff, &limits()) <= limits().backoff_first);
    }

    #[test]
    fn a_time_that_the_server_names_counts_up_to_our_own_limit() {
        let named = Duration::from_millis(700);
        let up_to = longest(0, Wait::UpTo(named));
        assert!(up_to <= named && up_to > named.mul_f64(0.9), "{up_to:?}");
        assert!(Backoff::default().next(Wait::After(named), &limits()) >= named);
        assert!(longest(0, Wait::After(Duration::from_secs(60))) <= limits().backoff_most);
    }
}
