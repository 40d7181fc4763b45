//! The numbers of the limits, with their defaults.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use super::limit::Limit;
use super::rate::Rate;

/// Of the bad tokens of a minute, the share that may come at once.
const BAD_TOKENS_AT_ONCE: u32 = 3;
/// The seconds whose requests or writes may come at once.
const SECONDS_AT_ONCE: u32 = 2;

/// How much callers may do; a limit that is none is off.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Callers that are remembered.
    pub callers: NonZeroUsize,
    /// Refused tokens of an address in a minute; a third of them may come at once.
    pub bad_tokens_per_minute: Option<NonZeroU32>,
    /// Open sessions of a caller.
    pub sessions: Option<NonZeroU32>,
    /// Open connections of a peer's address.
    pub connections: Option<NonZeroU32>,
    /// Handshakes of an address in a second; those of two seconds may come at once.
    pub handshakes_per_second: Option<NonZeroU32>,
    /// Requests of a caller in a second; those of two seconds may come at once.
    pub requests_per_second: Option<NonZeroU32>,
    /// Writes of a caller in a second; those of two seconds may come at once.
    pub writes_per_second: Option<NonZeroU32>,
}

impl Options {
    /// The number of a limit.
    pub(super) const fn most(&self, limit: Limit) -> Option<NonZeroU32> {
        match limit {
            Limit::BadTokens => self.bad_tokens_per_minute,
            Limit::Sessions => self.sessions,
            Limit::Connections => self.connections,
            Limit::Handshakes => self.handshakes_per_second,
            Limit::Requests => self.requests_per_second,
            Limit::Writes => self.writes_per_second,
        }
    }

    /// The rate of a limit that has one and is on.
    pub(super) fn rate(&self, limit: Limit) -> Option<Rate> {
        let most = self.most(limit)?;
        match limit {
            Limit::Sessions | Limit::Connections => None,
            Limit::BadTokens => {
                let burst = NonZeroU32::new(most.get() / BAD_TOKENS_AT_ONCE);
                let burst = burst.unwrap_or(NonZeroU32::MIN);
                Some(Rate::new(most, Duration::from_secs(60), burst))
            }
            Limit::Handshakes | Limit::Requests | Limit::Writes => {
                let burst = most.saturating_mul(NonZeroU32::new(SECONDS_AT_ONCE)?);
                Some(Rate::new(most, Duration::from_secs(1), burst))
            }
        }
    }
}

/// Those of a gateway without authentication: none that is on by default concerns its callers.
impl Default for Options {
    fn default() -> Self {
        Self {
            callers: NonZeroUsize::new(65_536).expect("not zero"),
            bad_tokens_per_minute: NonZeroU32::new(60),
            sessions: None,
            connections: None,
            handshakes_per_second: None,
            requests_per_second: None,
            writes_per_second: None,
        }
    }
}
