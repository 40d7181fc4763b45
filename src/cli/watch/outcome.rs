//! How `watch` ends.

use people_client::{ClientError, Disconnect, LiveEvent};

/// How `watch` ended.
pub(super) enum WatchOutcome {
    /// After a stop, with a close frame of the server.
    Graceful,
    /// At once, because the user or a closed pipe demanded it.
    Immediate,
    /// No gateway answered the first attempt: the address is wrong, or no gateway is running.
    NoGateway(String),
    Failed(ClientError),
}

/// Whether a gateway ever answered.
#[derive(Default)]
pub(super) struct FirstContact(bool);

impl FirstContact {
    /// Follows an event. Returns the outcome if no gateway ever answered.
    pub(super) fn check(&mut self, event: &LiveEvent) -> Option<WatchOutcome> {
        match event {
            LiveEvent::Disconnected {
                why: Disconnect::Unreachable(reason),
                ..
            } if !self.0 => Some(WatchOutcome::NoGateway(reason.clone())),
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
