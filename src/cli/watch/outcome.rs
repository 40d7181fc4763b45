//! How `watch` ends.

use people_client::{ClientError, Disconnect, LiveEvent, TokenError};

/// How `watch` ended.
pub(super) enum WatchOutcome {
    /// After a stop, with a close frame of the server.
    Graceful,
    /// At once, because the user or a closed pipe demanded it.
    Immediate,
    /// No gateway answered the first attempt: the address is wrong, or no gateway is running.
    NoGateway(String),
    /// There was no token for the first attempt.
    NoToken(TokenError),
    Failed(ClientError),
}

impl WatchOutcome {
    /// Whether the gateway refused the token.
    pub(super) fn is_token_refused(&self) -> bool {
        matches!(self, Self::Failed(ClientError::Refused(refusal)) if refusal.status == 401)
    }
}

/// Whether a gateway ever answered.
#[derive(Default)]
pub(super) struct FirstContact(bool);

impl FirstContact {
    /// Follows an event. Returns the outcome if no gateway ever answered, or was never asked.
    pub(super) fn check(&mut self, event: &LiveEvent) -> Option<WatchOutcome> {
        match event {
            LiveEvent::Disconnected {
                why: Disconnect::Unreachable(reason),
                ..
            } if !self.0 => Some(WatchOutcome::NoGateway(reason.clone())),
            LiveEvent::Disconnected {
                why: Disconnect::NoToken(error),
                ..
            } if !self.0 => Some(WatchOutcome::NoToken(error.clone())),
            LiveEvent::Connected { .. }
            | LiveEvent::Disconnected {
                why: Disconnect::Refused(_),
                ..
            } => {
                self.0 = true;
                None
            }
            _ => None,
        }
    }
}
