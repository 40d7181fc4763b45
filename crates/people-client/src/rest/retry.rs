//! Whether a call that failed is made again, and when.

use std::time::Duration;

use people_core::Backoff;
use tokio::time::Instant;

use super::RestError;
use crate::loss::Wait;
use crate::options::Limits;

/// Between two attempts of one call.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a gateway may be away, counted from its last good answer. Zero: it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub Duration);

/// Decides about repeats. A gateway that never answered is given up at once: its address is wrong,
/// or it is not started.
#[derive(Debug)]
pub struct Retry {
    patience: Patience,
    backoff: Backoff,
    met: bool,
    failing_since: Option<Instant>,
}

impl Retry {
    /// Repeats for so long.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            backoff: Backoff::new(Limits::default().backoff_first, WAIT_MAX),
            met: false,
            failing_since: None,
        }
    }

    /// There was a good answer.
    pub fn succeeded(&mut self) {
        self.met = true;
        self.failing_since = None;
        self.backoff.succeeded();
    }

    /// How long to wait before the same call; none where it would fail again, or has failed for too
    /// long.
    pub fn after(&mut self, error: &RestError) -> Option<Duration> {
        let wait = match error {
            RestError::Unreachable { .. } | RestError::Tls { .. } if !self.met => return None,
            RestError::Unreachable { .. } | RestError::Tls { .. } | RestError::Cut { .. } => {
                Wait::Backoff
            }
            RestError::Refused(refusal) if is_transient(refusal.status) => {
                self.met = true;
                refusal.retry_after.map_or(Wait::Backoff, Wait::After)
            }
            RestError::Refused(_) | RestError::NoGateway { .. } => return None,
        };
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        (since.elapsed() < self.patience.0).then(|| wait.next(&mut self.backoff))
    }
}

/// Too slow, too early, too often, or not able at present. A full store (507) does not empty
/// itself.
pub(super) const fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::loss::Refusal;

    fn unreachable() -> RestError {
        RestError::Unreachable {
            base: "b".into(),
            reason: "r".into(),
        }
    }

    fn refused(status: u16, retry_after: Option<Duration>) -> RestError {
        RestError::Refused(Box::new(Refusal {
            status,
            retry_after,
            problem: None,
        }))
    }

    #[test]
    fn a_gateway_that_never_answered_is_given_up_at_once_and_one_that_did_is_waited_for() {
        let mut retry = Retry::new(Patience(Duration::from_secs(60)));
        assert_eq!(retry.after(&unreachable()), None);
        retry.succeeded();
        assert!(retry.after(&unreachable()).is_some());
        let mut told = Retry::new(Patience(Duration::from_secs(60)));
        let named = Duration::from_secs(2);
        assert!(
            told.after(&refused(503, Some(named)))
                .is_some_and(|wait| wait >= named)
        );
        assert!(told.after(&unreachable()).is_some());
    }

    #[test]
    fn what_would_fail_again_is_not_repeated() {
        let mut retry = Retry::new(Patience(Duration::from_secs(60)));
        retry.succeeded();
        for status in [400, 404, 409, 412, 422, 507] {
            assert_eq!(retry.after(&refused(status, None)), None, "{status}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_counts_from_the_last_good_answer() {
        let mut retry = Retry::new(Patience(Duration::from_secs(60)));
        retry.succeeded();
        for _ in 0..3 {
            assert!(retry.after(&unreachable()).is_some());
            advance(Duration::from_secs(59)).await;
            assert!(retry.after(&unreachable()).is_some());
            retry.succeeded();
        }
        assert!(retry.after(&unreachable()).is_some());
        advance(Duration::from_secs(60)).await;
        assert_eq!(retry.after(&unreachable()), None);
        let mut none = Retry::new(Patience(Duration::ZERO));
        none.succeeded();
        assert_eq!(none.after(&unreachable()), None);
    }
}
