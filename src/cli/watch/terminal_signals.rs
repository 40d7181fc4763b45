//! The signals of the terminal, for `watch --view`.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal of the terminal.
pub(super) enum TerminalSignal {
    /// The terminal has a new size.
    Resize,
    /// Ctrl-Z, which stops programs until a shell continues them.
    Suspend,
    /// The program continues after a stop. Others may have written to the terminal.
    Resume,
}

/// Catches the terminal's signals while it exists.
pub(super) struct TerminalSignals {
    resize: Signal,
    suspend: Signal,
    resume: Signal,
}

impl TerminalSignals {
    /// Starts to catch signals. Must be called inside a tokio runtime.
    pub(super) fn catch() -> io::Result<Self> {
        let caught = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            resize: caught(Number::WINCH)?,
            suspend: caught(Number::TSTP)?,
            resume: caught(Number::CONT)?,
        })
    }

    /// Waits for the next signal. Cancel safe.
    pub(super) async fn next(&mut self) -> TerminalSignal {
        tokio::select! {
            _ = self.resize.recv() => TerminalSignal::Resize,
            _ = self.suspend.recv() => TerminalSignal::Suspend,
            _ = self.resume.recv() => TerminalSignal::Resume,
        }
    }
}
