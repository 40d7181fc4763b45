//! How changes are handed out.

use std::time::Duration;

use super::egress::EgressChoice;

/// The pace of the serving thread.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long clients may not know their position after it moved.
    pub position_interval: Duration,
    /// By which system calls sockets are written to.
    pub egress: EgressChoice,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            position_interval: Duration::from_secs(10),
            egress: EgressChoice::default(),
        }
    }
}
