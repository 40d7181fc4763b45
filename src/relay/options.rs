//! The limits and pace of the relay.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::store::FeedLimits;

/// How the relay reads.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How often the store's heads are compared with what was passed on.
    pub head_interval: Duration,
    /// Bounds of what waits between the channel and the relay.
    pub feed: FeedLimits,
    /// Changes of each partition that are read into memory at the start.
    pub tail: NonZeroUsize,
    /// Changes that one question to the log may bring.
    pub page: NonZeroUsize,
    /// How long continuity may be unproved before clients get `stale`: their view may lack changes.
    pub stale_after: Duration,
    /// How often `stale` is repeated.
    pub stale_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let count = |n: usize| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
        Self {
            head_interval: Duration::from_secs(1),
            feed: FeedLimits {
                events: count(16 * 1024),
                bytes: count(32 * 1024 * 1024),
            },
            tail: count(1000),
            page: count(1000),
            stale_after: Duration::from_secs(5),
            stale_interval: Duration::from_secs(10),
        }
    }
}
