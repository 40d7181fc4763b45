//! How often and how long a call is tried: random waits that grow, under one time limit.

use std::time::Duration;

use people_core::Backoff;
use tokio::time::Instant;

use crate::store::redis::failure::Failure;

/// The attempts of one call.
pub(super) struct Attempts {
    deadline: Instant,
    backoff: Backoff,
}

impl Attempts {
    /// A call that may take `limit` in all.
    pub(super) fn within(limit: Duration) -> Self {
        let backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(300));
        Self {
            deadline: Instant::now() + limit,
            backoff,
        }
    }

    /// When the time is up.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether another attempt after this failure has a point and the time for it; waits before it
    /// answers.
    pub(super) async fn again(&mut self, after: &Failure) -> bool {
        let pause = match after {
            Failure::Lost(_) => Duration::ZERO,
            Failure::NoScript | Failure::NotNow(_) => self.backoff.next_wait(),
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

    #[tokio::test(start_paused = true)]
    async fn a_call_is_tried_until_its_time_is_up_and_what_cannot_get_better_is_not() {
        let mut attempts = Attempts::within(Duration::from_secs(1));
        let started = Instant::now();
        let mut tries = 0;
        while attempts.again(&Failure::NotNow(String::new())).await {
            tries += 1;
        }
        assert!(tries > 3 && started.elapsed() < Duration::from_secs(1));
        for failure in [
            Failure::Overloaded,
            Failure::Full(String::new()),
            Failure::Refused(String::new()),
        ] {
            assert!(
                !Attempts::within(Duration::from_secs(1))
                    .again(&failure)
                    .await
            );
        }
    }
}
