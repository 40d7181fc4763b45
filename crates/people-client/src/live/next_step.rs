//! What a client does after a connection ended: stop, fail, or connect again. One table decides.

use std::time::Duration;

use crate::disconnect::{ClientError, Disconnect, Refusal};
use crate::retry_wait::RetryWait;

/// The wait for an overloaded server, before the backoff.
const OVERLOADED: Duration = Duration::from_secs(5);

/// What a client does after a disconnect.
#[derive(Debug)]
pub(super) enum NextStep {
    /// End without an error.
    End,
    /// Fail: the same attempt would fail again.
    Fail(ClientError),
    /// Connect again after this wait.
    Reconnect(RetryWait),
    /// Drop the cursor, and connect again after this wait.
    StartOver(RetryWait),
}

/// The attempt to connect that ended with a disconnect.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastAttempt {
    /// It started at a cursor.
    pub(super) resumed: bool,
    /// The token before its own was refused as expired, and none was accepted since.
    pub(super) token_refused: bool,
}

impl NextStep {
    /// The step after this disconnect.
    pub(super) fn after(disconnect: &Disconnect, last: LastAttempt) -> Self {
        match disconnect {
            Disconnect::Closed { code, reason } => Self::after_close(*code, reason),
            Disconnect::Refused(refusal) => Self::after_refusal(refusal, last),
            Disconnect::Cut(_)
            | Disconnect::NoToken(_)
            | Disconnect::Silent(_)
            | Disconnect::StopUnanswered
            | Disconnect::Unreachable(_)
            | Disconnect::Tls(_) => Self::Reconnect(RetryWait::Backoff),
        }
    }

    fn after_close(code: u16, reason: &str) -> Self {
        match code {
            1000 => Self::End,
            // The server rejects what the client sends, and would reject it again.
            1002 | 1003 | 1007 | 1008 | 1009 => Self::Fail(ClientError::NotAllowed {
                code,
                reason: reason.to_owned(),
            }),
            1001 | 1012 => {
                Self::Reconnect(retry_ms(reason).map_or(RetryWait::Backoff, RetryWait::UpTo))
            }
            1013 => Self::Reconnect(RetryWait::After(OVERLOADED)),
            // Others pass, also 4001: each attempt has a fresh token.
            _ => Self::Reconnect(RetryWait::Backoff),
        }
    }

    fn after_refusal(refusal: &Refusal, last: LastAttempt) -> Self {
        let is_about_cursor = refusal
            .problem
            .as_ref()
            .is_some_and(|problem| problem.kind == "/problems/cursor");
        match refusal.status {
            410 if last.resumed => Self::StartOver(RetryWait::Backoff),
            400 if last.resumed && is_about_cursor => Self::StartOver(RetryWait::Backoff),
            401 if refusal.is_expired() && !last.token_refused => {
                Self::Reconnect(RetryWait::Backoff)
            }
            // Timeout, too early, too many requests, server errors: they pass.
            408 | 425 | 429 | 500..=599 => Self::Reconnect(
                refusal
                    .retry_after
                    .map_or(RetryWait::Backoff, RetryWait::After),
            ),
            _ => Self::Fail(ClientError::Refused(refusal.clone())),
        }
    }
}

fn retry_ms(reason: &str) -> Option<Duration> {
    reason
        .strip_prefix("retry-ms=")?
        .parse()
        .ok()
        .map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(code: u16, reason: &str) -> String {
        let reason = reason.into();
        let disconnect = Disconnect::Closed { code, reason };
        let last = LastAttempt {
            resumed: true,
            token_refused: true,
        };
        format!("{:?}", NextStep::after(&disconnect, last))
    }

    fn refused(status: u16, kind: &str, resumed: bool) -> String {
        let last = LastAttempt {
            resumed,
            token_refused: false,
        };
        refused_because(status, serde_json::json!({"type": kind}), last)
    }

    fn refused_because(status: u16, problem: serde_json::Value, last: LastAttempt) -> String {
        let disconnect = Disconnect::Refused(Refusal {
            status,
            retry_after: Some(Duration::from_secs(2)),
            problem: serde_json::from_value(problem).unwrap(),
        });
        format!("{:?}", NextStep::after(&disconnect, last))
    }

    #[test]
    fn each_close_code_has_its_next_step() {
        assert_eq!(closed(1000, ""), "End");
        assert_eq!(closed(1012, "retry-ms=700"), "Reconnect(UpTo(700ms))");
        assert_eq!(closed(1001, "retry-ms=0"), "Reconnect(UpTo(0ns))");
        assert_eq!(
            closed(1013, ""),
            "Reconnect(After(5s))",
            "an overloaded server gets more time"
        );
        for (code, reason) in [
            (1001, ""),
            (1012, "retry-ms=soon"),
            (1011, ""),
            (4001, "expired"),
            (4001, "key"),
            (4010, ""),
            (1005, ""),
        ] {
            assert_eq!(
                closed(code, reason),
                "Reconnect(Backoff)",
                "{code} {reason}"
            );
        }
        for code in [1002, 1003, 1007, 1008, 1009] {
            assert!(closed(code, "x").starts_with("Fail(NotAllowed"), "{code}");
        }
    }

    #[test]
    fn an_expired_token_is_replaced_once_and_other_tokens_fail() {
        for (status, reason, token_refused, step) in [
            (401, "expired", false, "Reconnect(Backoff)"),
            (401, "expired", true, "Fail(Refused"),
            (401, "missing", false, "Fail(Refused"),
            (401, "signature", false, "Fail(Refused"),
            (401, "key", true, "Fail(Refused"),
            (403, "expired", false, "Fail(Refused"),
        ] {
            let problem = serde_json::json!({"type": "/problems/token", "reason": reason});
            let last = LastAttempt {
                resumed: true,
                token_refused,
            };
            let found = refused_because(status, problem, last);
            assert!(found.starts_with(step), "{status} {reason}: {found}");
        }
        assert!(refused(401, "", true).starts_with("Fail(Refused"));
    }

    #[test]
    fn a_refused_cursor_starts_over_and_other_client_errors_fail() {
        assert_eq!(refused(410, "", true), "StartOver(Backoff)");
        assert_eq!(refused(400, "/problems/cursor", true), "StartOver(Backoff)");
        for (status, kind, resumed) in [
            (400, "/problems/filter", true),
            (400, "/problems/cursor", false),
            (410, "", false),
            (403, "/problems/origin", true),
            (404, "", true),
            (426, "", true),
            (302, "", true),
            (200, "", true),
        ] {
            assert!(
                refused(status, kind, resumed).starts_with("Fail(Refused"),
                "{status} {kind} {resumed}"
            );
        }
        for status in [503, 500, 429] {
            assert_eq!(
                refused(status, "", true),
                "Reconnect(After(2s))",
                "{status}"
            );
        }
    }
}
