//! Decides whether and when a failed call is repeated.

use std::time::Duration;

use people_core::Backoff;
use tokio::time::Instant;

use super::RestError;
use crate::retry_wait::RetryWait;
use crate::timeouts::Timeouts;

/// The longest wait between two attempts of one call.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How long to repeat calls of an absent gateway, counted from its last success. Zero: not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub Duration);

/// Decides about repeats. It repeats no call of a gateway that never answered: the address is
/// wrong, or the gateway is not running. It repeats a call once whose token had expired.
#[derive(Debug)]
pub struct Retry {
    patience: Patience,
    backoff: Backoff,
    has_answered: bool,
    /// Whether the last token was refused because it had expired.
    token_refused: bool,
    failing_since: Option<Instant>,
}

impl Retry {
    /// Repeats calls with this patience.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            backoff: Backoff::new(Timeouts::default().backoff_first, WAIT_MAX),
            has_answered: false,
            token_refused: false,
            failing_since: None,
        }
    }

    /// Records a successful call.
    pub fn succeeded(&mut self) {
        self.has_answered = true;
        self.token_refused = false;
        self.failing_since = None;
        self.backoff.succeeded();
    }

    /// The wait before the same call; `None` if it would fail again, or has failed for too long.
    pub fn after(&mut self, error: &RestError) -> Option<Duration> {
        let wait = match error {
            RestError::Unreachable { .. } | RestError::Tls { .. } | RestError::NoToken(_)
                if !self.has_answered =>
            {
                return None;
            }
            RestError::Unreachable { .. }
            | RestError::Tls { .. }
            | RestError::NoToken(_)
            | RestError::Cut { .. } => RetryWait::Backoff,
            // The next attempt has a fresh token. If that is refused, too, a third would be.
            RestError::Refused(refusal) if refusal.is_expired() && !self.token_refused => {
                self.has_answered = true;
                self.token_refused = true;
                RetryWait::Backoff
            }
            RestError::Refused(refusal) if is_transient(refusal.status) => {
                self.has_answered = true;
                refusal
                    .retry_after
                    .map_or(RetryWait::Backoff, RetryWait::After)
            }
            RestError::Refused(_) | RestError::NoGateway { .. } => return None,
        };
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        (since.elapsed() < self.patience.0).then(|| wait.next(&mut self.backoff))
    }
}

/// Timeout, too early, too many requests, server errors. A full store (507) stays full.
pub(super) const fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::disconnect::Refusal;
    use crate::tokens::TokenError;

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
    fn a_client_waits_only_for_a_gateway_that_answered_before() {
        let mut retry = Retry::new(Patience(Duration::from_secs(60)));
        assert_eq!(retry.after(&unreachable()), None);
        retry.succeeded();
        assert!(retry.after(&unreachable()).is_some());
        let mut refusing = Retry::new(Patience(Duration::from_secs(60)));
        let named = Duration::from_secs(2);
        assert!(
            refusing
                .after(&refused(503, Some(named)))
                .is_some_and(|wait| wait >= named)
        );
        assert!(refusing.after(&unreachable()).is_some());
    }

    #[test]
    fn a_call_with_an_expired_token_is_repeated_once() {
        let expired = RestError::Refused(Box::new(Refusal {
            status: 401,
            retry_after: None,
            problem: serde_json::from_str(r#"{"reason":"expired"}"#).unwrap(),
        }));
        let mut retry = Retry::new(Patience(Duration::from_secs(60)));
        for _ in 0..2 {
            assert!(retry.after(&expired).is_some());
            assert_eq!(retry.after(&expired), None);
            retry.succeeded();
        }
        assert_eq!(retry.after(&refused(401, None)), None);
    }

    #[test]
    fn a_source_without_a_token_is_asked_again_once_the_gateway_has_answered() {
        let missing = RestError::NoToken(TokenError::Malformed);
        let mut retry = Retry::new(Patience(Duration::from_secs(60)));
        assert_eq!(retry.after(&missing), None);
        retry.succeeded();
        assert!(retry.after(&missing).is_some());
    }

    #[test]
    fn calls_that_would_fail_again_are_not_repeated() {
        let mut retry = Retry::new(Patience(Duration::from_secs(60)));
        retry.succeeded();
        for status in [400, 404, 409, 412, 422, 507] {
            assert_eq!(retry.after(&refused(status, None)), None, "{status}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_counts_from_the_last_success() {
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
