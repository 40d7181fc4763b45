//! The signals that stop `watch`: the first one requests a graceful end, the second an immediate
//! one.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::app::process::signals::StopSignals;

/// The time limit of a graceful end. The client's limit for the server's close is shorter.
const GRACEFUL_LIMIT: Duration = Duration::from_secs(8);

/// A request to stop.
pub(super) enum StopRequest {
    /// Stop the client, and show the events in flight.
    Graceful,
    /// End at once. A graceful end that takes too long, as with a blocked pipe, ends so, too.
    Immediate,
}

/// Catches the signals while it exists.
pub(super) struct WatchSignals {
    stop: StopSignals,
    /// The deadline of a graceful end.
    deadline: Option<Instant>,
}

impl WatchSignals {
    /// Starts to catch signals. Must be called inside a tokio runtime.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            stop: StopSignals::catch()?,
            deadline: None,
        })
    }

    /// Waits for the next request. Cancel safe.
    pub(super) async fn next(&mut self) -> StopRequest {
        let before = self.deadline;
        let late = async {
            match before {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.stop.next() => {}
            () = late => {}
        }
        self.deadline = Some(before.unwrap_or_else(|| Instant::now() + GRACEFUL_LIMIT));
        if before.is_some() {
            StopRequest::Immediate
        } else {
            StopRequest::Graceful
        }
    }
}
