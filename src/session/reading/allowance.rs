//! How much a client may send: messages, fragments and bytes, each counted over a window of time.

use std::num::NonZeroU32;

use crate::protocol::close::{Close, CloseCode};
use crate::session::options::Options;
use crate::session::tick::Tick;

/// What one client has sent in the current window.
#[derive(Debug)]
pub(super) struct Allowance {
    /// When the window began.
    window: Tick,
    messages: u32,
    fragments: u32,
    bytes: u64,
}

impl Allowance {
    pub(super) const fn new(now: Tick) -> Self {
        Self {
            window: now,
            messages: 0,
            fragments: 0,
            bytes: 0,
        }
    }

    /// Counts a message or control frame.
    pub(super) fn message(&mut self, now: Tick, options: &Options) -> Result<(), Close> {
        self.turn(now, options);
        self.messages += 1;
        within(
            self.messages.into(),
            options.messages_per_second,
            options,
            "too many messages",
        )
    }

    /// Counts a frame that is not the last of its message.
    pub(super) fn fragment(&mut self, now: Tick, options: &Options) -> Result<(), Close> {
        self.turn(now, options);
        self.fragments += 1;
        within(
            self.fragments.into(),
            options.fragments_per_second,
            options,
            "too many fragments",
        )
    }

    /// Counts bytes as they come from the socket.
    pub(super) fn bytes(
        &mut self,
        count: usize,
        now: Tick,
        options: &Options,
    ) -> Result<(), Close> {
        self.turn(now, options);
        self.bytes += count as u64;
        within(
            self.bytes,
            options.bytes_per_second,
            options,
            "too many bytes",
        )
    }

    /// Begins a new window where the last one is over.
    fn turn(&mut self, now: Tick, options: &Options) {
        if now.since(self.window) >= options.message_window {
            *self = Self::new(now);
        }
    }
}

fn within(
    count: u64,
    per_second: NonZeroU32,
    options: &Options,
    reason: &'static str,
) -> Result<(), Close> {
    let allowed = u128::from(per_second.get()) * options.message_window.as_millis() / 1000;
    if u128::from(count) <= allowed.max(1) {
        Ok(())
    } else {
        Err(Close::new(CloseCode::POLICY, reason))
    }
}
