//! How often and how long a call is tried: pauses that grow and are half random, under one time limit.

use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;

/// Pauses between attempts to reach the server.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    max: Duration,
}

/// The attempts of one call.
pub(super) struct Attempts {
    deadline: Instant,
    backoff: Backoff,
}

impl Backoff {
    /// The first pause is about `min`; none is longer than `max`.
    pub fn new(min: Duration, max: Duration) -> Self {
        Self { next: min.min(max), max }
    }

    /// The next pause: at least half of what is due, the rest random, so that gateways do not come back in step.
    pub fn pause(&mut self) -> Duration {
        let pause = self.next.mul_f64(rand::random_range(0.5..=1.0));
        self.next = (self.next * 2).min(self.max);
        pause
    }
}

impl Attempts {
    /// A call that may take `limit` in all.
    pub(super) fn within(limit: Duration) -> Self {
        let backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(300));
        Self { deadline: Instant::now() + limit, backoff }
    }

    /// When the time is up.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether another attempt after this failure has a point and the time for it; waits before it answers.
    pub(super) async fn again(&mut self, after: &Failure) -> bool {
        let pause = match after {
            Failure::Lost(_) => Duration::ZERO,
            Failure::NoScript | Failure::NotNow(_) => self.backoff.pause(),
            Failure::Overloaded | Failure::Full(_) | Failure::Refused(_) => return false,
        };
        if Instant::now() + pause >= self.deadline {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit_and_differ() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(400));
        for due in [100, 200, 400, 400] {
            let pause = backoff.pause();
            let due = Duration::from_millis(due);
            assert!(pause >= due / 2 && pause <= due, "{pause:?} of {due:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_tried_until_its_time_is_up_and_what_cannot_get_better_is_not() {
        let mut attempts = Attempts::within(Duration::from_secs(1));
        let started = Instant::now();
        let mut tries = 0;
        while attempts.again(&Failure::NotNow(String::new())).await {
            tries += 1;
        }
        assert!(tries > 3 && started.elapsed() < Duration::from_secs(1));
        for failure in [Failure::Overloaded, Failure::Full(String::new()), Failure::Refused(String::new())] {
            assert!(!Attempts::within(Duration::from_secs(1)).again(&failure).await);
        }
    }
}
