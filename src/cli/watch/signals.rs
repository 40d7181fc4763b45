//! SIGINT and SIGTERM of `watch`: the first asks for an end in good order, a second ends at once. And those that are about
//! the terminal, of `watch --view`.

use std::io;
use std::time::Duration;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

/// For the end in good order; the client's own limit for the server's close is shorter.
const LIMIT: Duration = Duration::from_secs(8);

/// What the user asked for.
pub(super) enum Asked {
    /// Tell the server, and show what is on its way.
    InGoodOrder,
    /// Now; also when the good order takes too long, as with a pipe that nobody reads.
    AtOnce,
}

/// Both signals, caught from the moment this exists.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    ends: Option<Instant>,
}

impl Signals {
    /// Starts catching. Must be called inside the runtime.
    pub(super) fn catch() -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, ends: None })
    }

    /// Waits for the next one. Cancel safe.
    pub(super) async fn next(&mut self) -> Asked {
        let before = self.ends;
        let late = async {
            match before {
                Some(ends) => sleep_until(ends).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = late => {}
        }
        self.ends = Some(before.unwrap_or_else(|| Instant::now() + LIMIT));
        if before.is_some() { Asked::AtOnce } else { Asked::InGoodOrder }
    }
}

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
        Ok(Self { resized: caught(Number::WINCH)?, suspended: caught(Number::TSTP)?, resumed: caught(Number::CONT)? })
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
