//! What stops `watch`: the first signal asks for an end in good order, a second ends it at once.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::app::stop::StopSignals;

/// For the end in good order; the client's own limit for the server's close is shorter.
const LIMIT: Duration = Duration::from_secs(8);

/// What the user asked for.
pub(super) enum Asked {
    /// Tell the server, and show what is on its way.
    InGoodOrder,
    /// Now; also when the good order takes too long, as with a pipe that nobody reads.
    AtOnce,
}

/// The signals, caught from the moment this exists.
pub(super) struct Signals {
    stop: StopSignals,
    ends: Option<Instant>,
}

impl Signals {
    /// Starts catching. Must be called inside the runtime.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            stop: StopSignals::catch()?,
            ends: None,
        })
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
            _ = self.stop.next() => {}
            () = late => {}
        }
        self.ends = Some(before.unwrap_or_else(|| Instant::now() + LIMIT));
        if before.is_some() {
            Asked::AtOnce
        } else {
            Asked::InGoodOrder
        }
    }
}
