//! How connections end, and what follows from it: to end, to fail, or to come again. One table
//! decides.

use std::time::Duration;

use people_core::{Backoff, jitter};

use super::event::Problem;
use super::tls::TlsFault;

/// Before the backoff, when the server says that it is overloaded.
const OVERLOADED: Duration = Duration::from_secs(5);

/// Why a connection is gone, or could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The server closed it. The code is 1005 where it gave none.
    #[error("the server closed with {code} {reason}")]
    Closed {
        /// The close code.
        code: u16,
        /// The reason, often empty.
        reason: String,
    },
    /// It broke off without a close frame.
    #[error("the connection was cut: {0}")]
    Cut(String),
    /// No frame came for so long.
    #[error("the server was silent for {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// The server did not close in time after a stop.
    #[error("the server did not answer the stop")]
    StopUnanswered,
    /// Nobody could be reached.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// It is not trusted, or there is no TLS to be had. Before the first connection this is
    /// [`ClientError::Tls`].
    #[error("cannot connect: {0}")]
    Tls(TlsFault),
    /// The handshake was answered with a refusal.
    #[error("{0}")]
    Refused(Refusal),
}

/// An answer that is not the handshake's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", self.verdict(), self.detail())]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// When to come again, where the server said so.
    pub retry_after: Option<Duration>,
    /// Why, where the server said so.
    pub problem: Option<Box<Problem>>,
}

/// Why there will be no further events.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It ended as it was asked to, by [`super::Live::stop`] or by the server's close code 1000.
    #[error("the connection has ended as asked")]
    Ended,
    /// What we do is not allowed; the same again would be refused again.
    #[error("the server closed with {code} {reason}: it would do so again")]
    NotAllowed {
        /// The close code.
        code: u16,
        /// The reason, often empty.
        reason: String,
    },
    /// The handshake was refused; the same again would be refused again.
    #[error("{0}")]
    Refused(Refusal),
    /// The server could not be trusted, or does not speak TLS, and never did. One that we had a
    /// connection to before is tried again.
    #[error("cannot connect: {0}")]
    Tls(TlsFault),
    /// The other side broke the protocol. Going on could show a wrong view.
    #[error("this is no server of people.v1.json: {reason}")]
    NoGateway {
        /// What it did.
        reason: String,
    },
    /// More than [`super::COMMANDS_MAX`] commands wait to be sent or answered.
    #[error("too many commands wait for the server")]
    TooManyCommands,
}

/// What follows from a loss.
#[derive(Debug)]
pub(super) enum Sequel {
    /// Nothing: it was asked for.
    End,
    /// Trying the same again would not help.
    Fail(ClientError),
    /// The next attempt, after this wait.
    Again(Wait),
    /// The next attempt, but the cursor is of no use any more.
    Anew(Wait),
}

/// How long to wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// As the backoff says.
    Backoff,
    /// A random time up to this.
    UpTo(Duration),
    /// This, and the backoff on top.
    After(Duration),
}

impl Wait {
    /// How long that is now, at most the backoff's longest wait; counts the attempt.
    pub(super) fn next(self, backoff: &mut Backoff) -> Duration {
        let wait = backoff.next_wait();
        match self {
            Self::Backoff => wait,
            Self::UpTo(named) => jitter(named.min(backoff.max())),
            Self::After(named) => named.saturating_add(wait).min(backoff.max()),
        }
    }
}

impl Loss {
    /// What follows; `resumed` when the connection was begun with a cursor.
    pub(super) fn sequel(&self, resumed: bool) -> Sequel {
        match self {
            Self::Closed { code, reason } => match code {
                1000 => Sequel::End,
                // What we send is at fault, and would be again.
                1002 | 1003 | 1007 | 1008 | 1009 => Sequel::Fail(ClientError::NotAllowed {
                    code: *code,
                    reason: reason.clone(),
                }),
                1001 | 1012 => Sequel::Again(retry_ms(reason).map_or(Wait::Backoff, Wait::UpTo)),
                1013 => Sequel::Again(Wait::After(OVERLOADED)),
                _ => Sequel::Again(Wait::Backoff),
            },
            Self::Refused(refusal) => refusal.sequel(resumed),
            Self::Cut(_)
            | Self::Silent(_)
            | Self::StopUnanswered
            | Self::Unreachable(_)
            | Self::Tls(_) => Sequel::Again(Wait::Backoff),
        }
    }
}

impl Refusal {
    fn sequel(&self, resumed: bool) -> Sequel {
        let about_cursor = self
            .problem
            .as_ref()
            .is_some_and(|problem| problem.kind == "/problems/cursor");
        match self.status {
            410 if resumed => Sequel::Anew(Wait::Backoff),
            400 if resumed && about_cursor => Sequel::Anew(Wait::Backoff),
            // Too slow, too early, too often, or not able at present.
            408 | 425 | 429 | 500..=599 => {
                Sequel::Again(self.retry_after.map_or(Wait::Backoff, Wait::After))
            }
            _ => Sequel::Fail(ClientError::Refused(self.clone())),
        }
    }

    /// A handshake that succeeds has status 101; with any other success, what answers is a page.
    fn verdict(&self) -> String {
        match self.status {
            status @ 200..=299 => format!(
                "the server answered with status {status}, so no live updates are there: the \
                 address is that of the gateway, or ends with /updates"
            ),
            status => format!("the server refused with status {status}"),
        }
    }

    fn detail(&self) -> String {
        self.problem
            .as_ref()
            .map_or_else(String::new, |problem| format!(": {}", problem.words()))
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
        format!(
            "{:?}",
            Loss::Closed {
                code,
                reason: reason.into()
            }
            .sequel(true)
        )
    }

    fn refused(status: u16, kind: &str, resumed: bool) -> String {
        let problem = serde_json::from_value(serde_json::json!({"type": kind})).unwrap();
        let refusal = Refusal {
            status,
            retry_after: Some(Duration::from_secs(2)),
            problem,
        };
        format!("{:?}", Loss::Refused(refusal).sequel(resumed))
    }

    #[test]
    fn a_time_that_the_server_names_counts_up_to_our_own_limit() {
        let (first, max) = (Duration::from_millis(100), Duration::from_secs(3));
        let waits = |wait: Wait| -> Vec<Duration> {
            (0..2000)
                .map(|_| wait.next(&mut Backoff::new(first, max)))
                .collect()
        };
        let longest = |wait| waits(wait).into_iter().max().expect("many");
        let named = Duration::from_millis(700);
        assert!(longest(Wait::Backoff) <= first);
        let up_to = longest(Wait::UpTo(named));
        assert!(up_to <= named && up_to > named.mul_f64(0.9), "{up_to:?}");
        assert!(waits(Wait::After(named)).iter().all(|wait| *wait >= named));
        let minute = Duration::from_secs(60);
        assert!(longest(Wait::After(minute)) <= max && longest(Wait::UpTo(minute)) <= max);
    }

    #[test]
    fn each_close_code_has_its_sequel() {
        assert_eq!(closed(1000, ""), "End");
        assert_eq!(closed(1012, "retry-ms=700"), "Again(UpTo(700ms))");
        assert_eq!(closed(1001, "retry-ms=0"), "Again(UpTo(0ns))");
        assert_eq!(
            closed(1013, ""),
            "Again(After(5s))",
            "it asked to be left alone for longer"
        );
        for (code, reason) in [
            (1001, ""),
            (1012, "retry-ms=soon"),
            (1011, ""),
            (4010, ""),
            (1005, ""),
        ] {
            assert_eq!(closed(code, reason), "Again(Backoff)", "{code} {reason}");
        }
        for code in [1002, 1003, 1007, 1008, 1009] {
            assert!(closed(code, "x").starts_with("Fail(NotAllowed"), "{code}");
        }
    }

    #[test]
    fn a_refused_cursor_begins_anew_and_other_refusals_of_what_we_ask_fail() {
        assert_eq!(refused(410, "", true), "Anew(Backoff)");
        assert_eq!(refused(400, "/problems/cursor", true), "Anew(Backoff)");
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
            assert_eq!(refused(status, "", true), "Again(After(2s))", "{status}");
        }
    }
}
