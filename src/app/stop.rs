//! The signals by which a user, a shell or a supervisor stops a program: SIGINT and SIGTERM; on
//! Windows Ctrl-C, Ctrl-Break, a closed console, the end of the session.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{self, CtrlBreak, CtrlC, CtrlClose, CtrlShutdown};

/// The signals, caught from the moment this exists.
#[cfg(unix)]
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

#[cfg(unix)]
impl StopSignals {
    /// Starts catching. Must be called inside the runtime.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one; the exit code that it stands for by convention is 128 and its
    /// number. Cancel safe.
    pub(crate) async fn next(&mut self) -> i32 {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
        };
        128 + kind.as_raw_value()
    }
}

/// The signals, caught from the moment this exists.
#[cfg(windows)]
pub(crate) struct StopSignals {
    interrupt: CtrlC,
    interrupt_hard: CtrlBreak,
    close: CtrlClose,
    shutdown: CtrlShutdown,
}

#[cfg(windows)]
impl StopSignals {
    /// Starts catching. Must be called inside the runtime.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: windows::ctrl_c()?,
            interrupt_hard: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

    /// Waits for the next one; the exit code is that of SIGINT elsewhere. Cancel safe.
    pub(crate) async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.interrupt_hard.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
        130
    }
}
