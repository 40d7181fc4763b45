//! From the store's channel to the hub: every change once and in order, whatever the channel loses.
//!
//! The relay owns a thread, and with it the dispatcher: frames are read, put in order, judged and written to the sockets
//! without a hop between. What it has to ask of the store runs on the gateway's other threads.

mod breaks;
mod continuity;
#[cfg(test)]
mod continuity_tests;
mod driver;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::hub::Dispatcher;
use crate::store::{FeedLimits, Store};
use crate::telemetry::{Metrics, Readiness};
use driver::Relay;

/// How the relay reads.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How often the store's heads are compared with what was passed on.
    pub head_interval: Duration,
    /// Bounds of what waits between the channel and the relay.
    pub feed: FeedLimits,
    /// Changes of each partition that are read into memory at the start.
    pub tail: NonZeroUsize,
    /// Changes that one question to the log may bring.
    pub page: NonZeroUsize,
    /// How long continuity may be unproved before clients are told that they may be shown less than there is.
    pub stale_after: Duration,
    /// How often they are told again.
    pub stale_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let count = |n: usize| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
        Self {
            head_interval: Duration::from_secs(1),
            feed: FeedLimits { events: count(16 * 1024), bytes: count(32 * 1024 * 1024) },
            tail: count(1000),
            page: count(1000),
            stale_after: Duration::from_secs(5),
            stale_interval: Duration::from_secs(10),
        }
    }
}

/// What the relay lies between.
pub struct Links {
    /// Whose channel is followed.
    pub store: Arc<dyn Store>,
    /// Who serves the sessions.
    pub dispatcher: Dispatcher,
    /// Told of every probe that came through the channel.
    pub readiness: Readiness,
    /// The counters.
    pub metrics: Metrics,
}

/// Starts the relay on a thread of its own. It ends when `stop` is cancelled, and cancels `ended` when it has ended,
/// for whatever reason. Must be called inside the runtime that is to run its questions to the store.
///
/// # Errors
/// When the thread, or its runtime, cannot be made.
pub fn spawn(options: Options, links: Links, stop: CancellationToken, ended: CancellationToken) -> std::io::Result<()> {
    let workers = Handle::current();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let body = move || {
        let _ended = ended.drop_guard();
        // Cancelling in the middle of a burst is fine here: the sessions were closed before.
        let _ = runtime.block_on(stop.run_until_cancelled(run(options, links, workers)));
    };
    std::thread::Builder::new().name("egress".into()).spawn(body).map(drop)
}

/// The relay itself, on the thread that calls; it never ends. `workers` run its questions to the store.
pub async fn run(options: Options, links: Links, workers: Handle) {
    Relay::new(options, links, workers).run().await;
}
