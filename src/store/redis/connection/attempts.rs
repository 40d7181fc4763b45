//! The attempts of one call: random pauses that grow, within one time limit.

use std::time::Duration;

use people_core::Backoff;
use tokio::time::Instant;

use super::failure::CommandFailure;

/// The attempts of one call.
#[derive(Clone)]
pub(in crate::store::redis) struct Attempts {
    deadline: Instant,
    backoff: Backoff,
}

impl Attempts {
    /// A call that may take `limit` in all.
    pub(in crate::store::redis) fn within(limit: Duration) -> Self {
        let backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(300));
        Self {
            deadline: Instant::now() + limit,
            backoff,
        }
    }

    /// The end of the time limit.
    pub(in crate::store::redis) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether another attempt after this failure may succeed, and has time; pauses before it
    /// returns true.
    pub(in crate::store::redis) async fn again(&mut self, after: &CommandFailure) -> bool {
        let pause = match after {
            CommandFailure::Lost(_) => Duration::ZERO,
            CommandFailure::NoScript
            | CommandFailure::NotNow(_)
            | CommandFailure::Redirected(..)
            | CommandFailure::Unconfirmed { .. } => self.backoff.next_wait(),
            CommandFailure::Overloaded | CommandFailure::Full(_) | CommandFailure::Refused(_) => {
                return false;
            }
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
    async fn a_call_is_repeated_until_the_time_limit_unless_a_repeat_cannot_succeed() {
        let mut attempts = Attempts::within(Duration::from_secs(1));
        let started = Instant::now();
        let mut tries = 0;
        while attempts.again(&CommandFailure::NotNow("".into())).await {
            tries += 1;
        }
        assert!(tries > 3 && started.elapsed() < Duration::from_secs(1));
        for failure in [
            CommandFailure::Overloaded,
            CommandFailure::Full("".into()),
            CommandFailure::Refused("".into()),
        ] {
            assert!(
                !Attempts::within(Duration::from_secs(1))
                    .again(&failure)
                    .await
            );
        }
    }
}
