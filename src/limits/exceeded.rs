//! A refusal because of a limit, and what its caller is told.

use std::time::Duration;

use hyper::header::RETRY_AFTER;

use super::limit::Limit;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::telemetry::Label as _;

/// A caller has reached a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitExceeded {
    /// The limit.
    pub limit: Limit,
    /// Its number.
    pub most: u32,
    /// When a repeat makes sense.
    pub retry: Duration,
}

impl LimitExceeded {
    /// Whole seconds until a repeat makes sense, at least 1.
    fn seconds(&self) -> u64 {
        let begun = u64::from(self.retry.subsec_nanos() > 0);
        (self.retry.as_secs() + begun).max(1)
    }

    fn detail(&self) -> String {
        let most = self.most;
        let what = match self.limit {
            Limit::BadTokens => {
                return "Too many tokens from this address were refused, so no other is looked at \
                        for now. Wait as many seconds as Retry-After says, and send a valid token."
                    .to_owned();
            }
            Limit::Sessions => {
                return format!(
                    "This caller has {most} live sessions, as many as it may have here. Close one, \
                     or share one among the parts of a program, and connect again after as many \
                     seconds as Retry-After says."
                );
            }
            Limit::Connections => {
                return format!(
                    "This address has {most} connections, as many as it may have here. Close one, \
                     and connect again after as many seconds as Retry-After says."
                );
            }
            Limit::Handshakes => "handshakes of live updates",
            Limit::Requests => "requests",
            Limit::Writes => "writes",
        };
        format!(
            "This caller made more than {most} {what} a second. Wait as many seconds as \
             Retry-After says, and make fewer."
        )
    }
}

/// A 429 with the seconds until a repeat makes sense.
impl From<LimitExceeded> for Problem {
    fn from(exceeded: LimitExceeded) -> Self {
        Self::new(ProblemKind::Limit, exceeded.detail())
            .with("limit", exceeded.limit.name())
            .with_header(RETRY_AFTER, exceeded.seconds().into())
    }
}
