//! What asks the gateway to stop: the first time gracefully, the second time at once.

use std::io;

use super::stop::StopSignals;

/// The signals that stop the gateway, caught from the moment this exists.
pub(super) struct Signals(StopSignals);

impl Signals {
    /// Starts catching. Must be called inside the runtime.
    pub(super) fn catch() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            // Once caught, it never ends the process: a write beyond the limit on a file's size
            // fails, and the store says so.
            drop(signal(SignalKind::from_raw(
                rustix::process::Signal::XFSZ.as_raw(),
            ))?);
        }
        StopSignals::catch().map(Self)
    }

    /// Waits for the next one, and returns the exit code that it stands for. Cancel safe.
    pub(super) async fn next(&mut self) -> i32 {
        self.0.next().await
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
