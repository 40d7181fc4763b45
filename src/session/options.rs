//! The limits of sessions.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// The limits of sessions and of their peers.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Changes that may wait for one slow session before it has to catch up.
    pub queue_changes: NonZeroUsize,
    /// The same in bytes of frames.
    pub queue_bytes: NonZeroUsize,
    /// How often a session is pinged.
    pub ping_interval: Duration,
    /// How long a peer may neither send anything nor take anything of what waits for it.
    pub silence_limit: Duration,
    /// How long the peer has to answer a close frame; also how long it may take nothing of what is
    /// sent before that.
    pub close_timeout: Duration,
    /// A client learns that its token expires between two and one times this before.
    pub refresh_lead: Duration,
    /// Commands (joins, leaves, new filters) that may wait for the dispatcher; beyond it their
    /// senders wait.
    pub commands: NonZeroUsize,
    /// Bytes of one message from the peer.
    pub message_bytes: NonZeroUsize,
    /// Messages a second, over the window.
    pub messages_per_second: NonZeroU32,
    /// Fragments a second, over the window: frames that are not the last of their message.
    pub fragments_per_second: NonZeroU32,
    /// Bytes a second, over the window, headers of frames included.
    pub bytes_per_second: NonZeroU32,
    /// The window over which they are counted.
    pub message_window: Duration,
    /// Changes that a session which fell behind memory reads from the log at once.
    pub log_page: NonZeroUsize,
    /// Pause after a failed reading of the log.
    pub log_retry: Duration,
    /// How long a session waits for what cannot be read; then it is closed.
    pub read_limit: Duration,
    /// People that a snapshot reads at once.
    pub page_people: NonZeroUsize,
    /// Memory for readings of the store that sessions share, in bytes.
    pub shared_bytes: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        let size = |n: usize| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
        let rate = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            queue_changes: size(256),
            queue_bytes: size(256 * 1024),
            ping_interval: Duration::from_secs(15),
            silence_limit: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            refresh_lead: Duration::from_secs(60),
            commands: size(4096),
            message_bytes: size(64 * 1024),
            messages_per_second: rate(50),
            fragments_per_second: rate(1000),
            bytes_per_second: rate(4 * 1024 * 1024),
            message_window: Duration::from_secs(10),
            log_page: size(32),
            log_retry: Duration::from_millis(200),
            read_limit: Duration::from_secs(30),
            page_people: size(100),
            shared_bytes: size(16 * 1024 * 1024),
        }
    }
}
