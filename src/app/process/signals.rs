//! The signals by which a user, a shell or a supervisor stops a program: SIGINT and SIGTERM; on
//! Windows Ctrl-C, Ctrl-Break, a closed console, the end of the session.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{self, CtrlBreak, CtrlC, CtrlClose, CtrlShutdown};

/// The signals, caught as long as this exists.
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

    /// Waits for the next signal, and returns its exit code: by convention 128 and the signal's
    /// number. Cancel safe.
    pub(crate) async fn next(&mut self) -> i32 {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
        };
        128 + kind.as_raw_value()
    }
}

/// The signals, caught as long as this exists.
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

    /// Waits for the next signal, and returns the exit code that SIGINT has elsewhere. Cancel safe.
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

impl StopSignals {
    /// From now on the next signal ends the process at once.
    pub(in crate::app) fn end_at_next(mut self) {
        tokio::spawn(async move {
            let code = self.next().await;
            tracing::warn!("a second signal: ending at once");
            std::process::exit(code);
        });
    }
}

/// Keeps SIGXFSZ from ending the process. A write beyond the limit on a file's size then fails, and
/// the store reports it.
pub(in crate::app) fn survive_file_size_limit() -> io::Result<()> {
    #[cfg(unix)]
    drop(signal(SignalKind::from_raw(
        rustix::process::Signal::XFSZ.as_raw(),
    ))?);
    Ok(())
}
