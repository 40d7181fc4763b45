//! Whether balancers should send traffic to the gateway: a probe came back through the store's
//! channel a moment ago, the keys of tokens have come where they come from a URL, and the gateway
//! is not shutting down.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::time::Instant;

/// The state behind `/readyz`. Clones share it: the relay reports probes, the application reports
/// the shutdown, the health pages read it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<ReadinessState>);

#[derive(Debug)]
struct ReadinessState {
    started: Instant,
    limit: Duration,
    /// Milliseconds from `started` to the last probe, plus one; 0 before the first.
    probed_ms: AtomicU64,
    departure: AtomicU8,
    lacks_keys: AtomicBool,
}

/// The stages of a shutdown.
const STAYING: u8 = 0;
const LEAVING: u8 = 1;
const DRAINING: u8 = 2;

/// Why the gateway is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// No probe has come back yet.
    Starting,
    /// The last probe came back too long ago.
    Silent {
        /// The time since that probe.
        since: Duration,
    },
    /// No key set has come from the URL yet.
    NoKeys,
    /// The gateway is shutting down.
    Draining,
}

impl Readiness {
    /// Not ready yet. Each probe makes the gateway ready for `limit`.
    pub fn new(limit: Duration) -> Self {
        Self(Arc::new(ReadinessState {
            started: Instant::now(),
            limit,
            probed_ms: AtomicU64::new(0),
            departure: AtomicU8::new(STAYING),
            lacks_keys: AtomicBool::new(false),
        }))
    }

    /// Notes that a probe came back through the channel now.
    pub fn probe_arrived(&self) {
        let elapsed = u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.0.probed_ms.store(elapsed + 1, Ordering::Relaxed);
    }

    /// Waits for the first keys: without them no token can be verified.
    pub fn await_keys(&self) {
        self.0.lacks_keys.store(true, Ordering::Relaxed);
    }

    /// Notes that keys have come; from now on readiness does not depend on them.
    pub fn keys_arrived(&self) {
        self.0.lacks_keys.store(false, Ordering::Relaxed);
    }

    /// Begins the notice of a shutdown: the gateway is never ready again, but serves everything.
    pub fn leave(&self) {
        self.0.departure.fetch_max(LEAVING, Ordering::Relaxed);
    }

    /// Begins the shutdown: the gateway serves nothing new.
    pub fn drain(&self) {
        self.0.departure.fetch_max(DRAINING, Ordering::Relaxed);
    }

    /// Whether the notice of a shutdown, or the shutdown, has begun.
    pub fn is_leaving(&self) -> bool {
        self.0.departure.load(Ordering::Relaxed) >= LEAVING
    }

    /// Whether the shutdown has begun.
    pub fn is_draining(&self) -> bool {
        self.0.departure.load(Ordering::Relaxed) >= DRAINING
    }

    /// Whether the gateway is ready at `now`, or why not.
    pub fn check(&self, now: Instant) -> Result<(), NotReady> {
        if self.is_leaving() {
            return Err(NotReady::Draining);
        }
        let Some(probed) = self.0.probed_ms.load(Ordering::Relaxed).checked_sub(1) else {
            return Err(NotReady::Starting);
        };
        let since = now.saturating_duration_since(self.0.started + Duration::from_millis(probed));
        if since > self.0.limit {
            return Err(NotReady::Silent { since });
        }
        if self.0.lacks_keys.load(Ordering::Relaxed) {
            return Err(NotReady::NoKeys);
        }
        Ok(())
    }
}

/// The metric `ready`: the answer of `/readyz` at the moment of the scrape.
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
            Self::NoKeys => f.write_str(
                "not ready: no keys have come from the URL of auth.jwks yet, so no token can be \
                 verified",
            ),
            Self::Draining => f.write_str("not ready: shutting down"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_awaits_keys_is_ready_from_the_first_ones_on() {
        let readiness = Readiness::new(Duration::from_secs(5));
        readiness.await_keys();
        assert_eq!(readiness.check(Instant::now()), Err(NotReady::Starting));
        readiness.probe_arrived();
        assert_eq!(readiness.check(Instant::now()), Err(NotReady::NoKeys));
        assert!(NotReady::NoKeys.to_string().contains("keys"));
        readiness.keys_arrived();
        assert_eq!(readiness.check(Instant::now()), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_makes_the_gateway_ready_until_the_limit_or_a_shutdown() {
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
        assert!(!readiness.is_draining(), "the gateway still serves");
        assert_eq!(readiness.check(Instant::now()), Err(NotReady::Draining));
        readiness.drain();
        readiness.leave();
        assert!(readiness.is_draining(), "draining is final");
        assert_eq!(readiness.check(Instant::now()), Err(NotReady::Draining));
    }
}
