//! The signals that are about the terminal, for `watch --view`.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What becomes of the terminal.
pub(super) enum Turn {
    /// Its size is another.
    Resized,
    /// Ctrl-Z was typed, which stops programs until a shell lets them go on.
    Suspended,
    /// The program goes on after it was stopped; others may have written to the terminal.
    Resumed,
}

/// The terminal's signals, caught from the moment this exists.
pub(super) struct Turns {
    resized: Signal,
    suspended: Signal,
    resumed: Signal,
}

impl Turns {
    /// Starts catching. Must be called inside the runtime.
    pub(super) fn catch() -> io::Result<Self> {
        let caught = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            resized: caught(Number::WINCH)?,
            suspended: caught(Number::TSTP)?,
            resumed: caught(Number::CONT)?,
        })
    }

    /// Waits for the next one. Cancel safe.
    pub(super) async fn next(&mut self) -> Turn {
        tokio::select! {
            _ = self.resized.recv() => Turn::Resized,
            _ = self.suspended.recv() => Turn::Suspended,
            _ = self.resumed.recv() => Turn::Resumed,
        }
    }
}
