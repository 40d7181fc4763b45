//! Why connections end, and why a client gives up.

use std::time::Duration;

use super::problem::ProblemDetails;
use super::tls::TlsFault;
use super::tokens::TokenError;

/// Why a connection ended, or could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disconnect {
    /// The server sent a close frame. The code is 1005 if the frame had none.
    #[error("the server closed with {code} {reason}")]
    Closed {
        /// The close code.
        code: u16,
        /// The reason, often empty.
        reason: String,
    },
    /// The connection broke without a close frame.
    #[error("the connection was cut: {0}")]
    Cut(String),
    /// No frame arrived for this time.
    #[error("the server was silent for {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// The server did not close in time after a stop.
    #[error("the server did not answer the stop")]
    StopUnanswered,
    /// No server could be reached.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// The TLS handshake failed. Before the first connection this is [`ClientError::Tls`].
    #[error("cannot connect: {0}")]
    Tls(TlsFault),
    /// The client's source has no token, so nothing was sent.
    #[error("{0}")]
    NoToken(TokenError),
    /// The server refused the WebSocket handshake.
    #[error("{0}")]
    Refused(Refusal),
}

/// A refusal: an HTTP answer with its problem document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", self.verdict(), self.detail())]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The wait that the server asks for (`Retry-After`).
    pub retry_after: Option<Duration>,
    /// The problem document, if the answer has one.
    pub problem: Option<Box<ProblemDetails>>,
}

/// Why there are no further events.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client was stopped ([`super::LiveClient::stop`]), or the server closed with code 1000.
    #[error("the client has ended")]
    Ended,
    /// The server closed because of the client's messages. It would close again.
    #[error("the server closed with {code} {reason}: it would do so again")]
    NotAllowed {
        /// The close code.
        code: u16,
        /// The reason, often empty.
        reason: String,
    },
    /// The server refused the handshake. It would refuse the same handshake again. A token that
    /// has expired ends the client if the server refuses the next one, too.
    #[error("{0}")]
    Refused(Refusal),
    /// The first TLS handshake failed. After a first connection the client tries again instead.
    #[error("cannot connect: {0}")]
    Tls(TlsFault),
    /// The server broke the protocol, so the view could be wrong.
    #[error("the server does not speak people.v1.json: {reason}")]
    NoGateway {
        /// What the server did.
        reason: String,
    },
    /// [`super::COMMANDS_MAX`] commands wait already to be sent or answered.
    #[error("too many commands wait for the server")]
    TooManyCommands,
}

impl Refusal {
    /// Whether the server refused because the token has expired.
    pub(crate) fn is_expired(&self) -> bool {
        let reason = self
            .problem
            .as_ref()
            .and_then(|problem| problem.reason.as_deref());
        self.status == 401 && reason == Some("expired")
    }

    /// A successful handshake has status 101. Any other success comes from a web page.
    fn verdict(&self) -> String {
        match self.status {
            status @ 200..=299 => format!(
                "the server answered with status {status}, so it has no live updates there: use \
                 the gateway's address, or one that ends with /updates"
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
