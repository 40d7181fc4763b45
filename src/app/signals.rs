//! SIGTERM and SIGINT: the first asks for a graceful stop, a second ends the process at once.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals, caught from the moment this exists.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts catching. Must be called inside the runtime.
    pub(super) fn catch() -> io::Result<Self> {
        // Once caught, it never ends the process: a write beyond the limit on a file's size fails, and the store says so.
        drop(signal(SignalKind::from_raw(Number::XFSZ.as_raw()))?);
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one, and tells the exit code that it stands for by convention (128 and its number). Cancel
    /// safe.
    pub(super) async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.terminate.recv() => 128 + SignalKind::terminate().as_raw_value(),
            _ = self.interrupt.recv() => 128 + SignalKind::interrupt().as_raw_value(),
        }
    }

    /// From here on the next signal ends the process, whatever it is doing.
    pub(super) fn end_at_next(mut self) {
        tokio::spawn(async move {
            let code = self.next().await;
            tracing::warn!("a second signal: ending at once");
            std::process::exit(code);
        });
    }
}
