//! Whether the gateway should be sent traffic: a probe went through the store's channel and back
//! not long ago, and the gateway is not on its way out.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::time::Instant;

/// Shared by the relay (which sees the probes), the application (which drains) and the health
/// pages. Clones cheaply.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    limit: Duration,
    /// Milliseconds from `started` to the last probe, plus one; 0 before the first.
    probed_ms: AtomicU64,
    departure: AtomicU8,
}

/// How far the gateway is on its way out.
const STAYING: u8 = 0;
const LEAVING: u8 = 1;
const DRAINING: u8 = 2;

/// Why the gateway is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// No probe has come back yet.
    Starting,
    /// The last probe is too long ago.
    Silent {
        /// How long.
        since: Duration,
    },
    /// The gateway is shutting down.
    Draining,
}

impl Readiness {
    /// Not ready yet; a probe then counts for `limit`.
    pub fn new(limit: Duration) -> Self {
        Self(Arc::new(Inner {
            started: Instant::now(),
            limit,
            probed_ms: AtomicU64::new(0),
            departure: AtomicU8::new(STAYING),
        }))
    }

    /// A probe came back through the channel just now.
    pub fn probe_arrived(&self) {
        let elapsed = u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.0.probed_ms.store(elapsed + 1, Ordering::Relaxed);
    }

    /// The gateway will shut down: never ready again, though everything is still served.
    pub fn leave(&self) {
        self.0.departure.fetch_max(LEAVING, Ordering::Relaxed);
    }

    /// The gateway is shutting down: nothing new is served.
    pub fn drain(&self) {
        self.0.departure.fetch_max(DRAINING, Ordering::Relaxed);
    }

    /// Whether the gateway will shut down, or is shutting down.
    pub fn is_leaving(&self) -> bool {
        self.0.departure.load(Ordering::Relaxed) >= LEAVING
    }

    /// Whether the gateway is shutting down.
    pub fn is_draining(&self) -> bool {
        self.0.departure.load(Ordering::Relaxed) >= DRAINING
    }

    /// Ready, or why not, at the moment `now`.
    pub fn check(&self, now: Instant) -> Result<(), NotReady> {
        if self.is_leaving() {
            return Err(NotReady::Draining);
        }
        let Some(probed) = self.0.probed_ms.load(Ordering::Relaxed).checked_sub(1) else {
            return Err(NotReady::Starting);
        };
        let since = now.saturating_duration_since(self.0.started + Duration::from_millis(probed));
        if since > self.0.limit {
            Err(NotReady::Silent { since })
        } else {
            Ok(())
        }
    }
}

/// The metric `ready`: what `/readyz` says, at the moment of the scrape.
impl Collector for Readiness {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let ready = ConstGauge::new(i64::from(self.check(Instant::now()).is_ok()));
        let help = "Whether the gateway should be sent traffic: 1 or 0, as /readyz says";
        ready.encode(encoder.encode_descriptor("ready", help, None, ready.metric_type())?)
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => {
                f.write_str("not ready: no probe has come back through the store's channel yet")
            }
            Self::Silent { since } => {
                write!(
                    f,
                    "not ready: the last probe came back through the store's channel {} s ago",
                    since.as_secs()
                )
            }
            Self::Draining => f.write_str("not ready: shutting down"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_probe_counts_for_the_limit_and_leaving_ends_it() {
        let readiness = Readiness::new(Duration::from_secs(5));
        assert_eq!(readiness.check(Instant::now()), Err(NotReady::Starting));
        readiness.probe_arrived();
        let probed = Instant::now();
        assert_eq!(readiness.check(probed + Duration::from_secs(5)), Ok(()));
        let since = Duration::from_secs(6);
        assert_eq!(
            readiness.check(probed + since),
            Err(NotReady::Silent { since })
        );
        tokio::time::advance(since).await;
        readiness.probe_arrived();
        assert_eq!(readiness.check(Instant::now()), Ok(()));
        readiness.leave();
        assert!(!readiness.is_draining(), "what comes is still served");
        assert_eq!(readiness.check(Instant::now()), Err(NotReady::Draining));
        readiness.drain();
        readiness.leave();
        assert!(readiness.is_draining(), "there is no way back");
        assert_eq!(readiness.check(Instant::now()), Err(NotReady::Draining));
    }
}
