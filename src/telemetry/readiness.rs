//! Whether balancers should send traffic to the gateway: probes came back through the channels of
//! most partitions a moment ago, the keys of tokens have come where they come from a URL, and the
//! gateway is not shutting down.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::time::Instant;

use crate::domain::{Partition, Partitions};

/// The state behind `/readyz`. Clones share it: the relay reports probes, the application reports
/// the shutdown, the health pages read it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<ReadinessState>);

#[derive(Debug)]
struct ReadinessState {
    limit: Duration,
    /// The last probe of each partition, as far as there was one; no partitions before the store is
    /// open.
    probed: Mutex<Vec<Option<Instant>>>,
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
    /// The probes of some partitions have not come back yet.
    Incomplete {
        /// Their number.
        missing: usize,
        /// The number of all partitions.
        of: usize,
    },
    /// The last probes of half of the partitions, or more, came back too long ago.
    Silent {
        /// The number of these partitions.
        silent: usize,
        /// The number of all partitions.
        of: usize,
        /// The time since the last probe of these partitions.
        since: Duration,
    },
    /// No key set has come from the URL yet.
    NoKeys,
    /// The gateway is shutting down.
    Draining,
}

impl Readiness {
    /// Not ready yet. Each probe proves its partitions for `limit`.
    pub fn new(limit: Duration) -> Self {
        Self(Arc::new(ReadinessState {
            limit,
            probed: Mutex::default(),
            departure: AtomicU8::new(STAYING),
            lacks_keys: AtomicBool::new(false),
        }))
    }

    /// Begins to wait for the first probe of each partition.
    pub fn await_probes(&self, partitions: Partitions) {
        *self.probed() = vec![None; usize::from(partitions.get())];
    }

    /// Notes that a probe came back through the channel of these partitions now.
    pub fn probe_arrived(&self, partitions: &[Partition]) {
        let (mut probed, now) = (self.probed(), Instant::now());
        for partition in partitions {
            if let Some(last) = probed.get_mut(partition.index()) {
                *last = Some(now);
            }
        }
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
        self.check_probes(now)?;
        if self.0.lacks_keys.load(Ordering::Relaxed) {
            return Err(NotReady::NoKeys);
        }
        Ok(())
    }

    fn check_probes(&self, now: Instant) -> Result<(), NotReady> {
        let probed = self.probed();
        let (of, missing) = (
            probed.len(),
            probed.iter().filter(|last| last.is_none()).count(),
        );
        if missing == of {
            return Err(NotReady::Starting);
        }
        if missing > 0 {
            return Err(NotReady::Incomplete { missing, of });
        }
        let ages = probed
            .iter()
            .flatten()
            .map(|last| now.saturating_duration_since(*last));
        let silent: Vec<_> = ages.filter(|age| *age > self.0.limit).collect();
        match silent.iter().min() {
            Some(&since) if silent.len() * 2 >= of => Err(NotReady::Silent {
                silent: silent.len(),
                of,
                since,
            }),
            _ => Ok(()),
        }
    }

    fn probed(&self) -> MutexGuard<'_, Vec<Option<Instant>>> {
        self.0.probed.lock().unwrap_or_else(PoisonError::into_inner)
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
            Self::Incomplete { missing, of } => write!(
                f,
                "not ready: no probe has come back through the channels of {missing} of {of} \
                 partitions yet"
            ),
            Self::Silent { of: 1, since, .. } => write!(
                f,
                "not ready: the last probe came back through the store's channel {} s ago",
                since.as_secs()
            ),
            Self::Silent { silent, of, since } => write!(
                f,
                "not ready: the last probe came back through the channels of {silent} of {of} \
                 partitions {} s ago",
                since.as_secs()
            ),
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
    use std::num::NonZeroU16;

    use super::*;

    fn begun(readiness: &Readiness, count: u16) -> Vec<Partition> {
        let partitions = Partitions::new(NonZeroU16::new(count).expect("not zero"));
        readiness.await_probes(partitions);
        partitions.iter().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn most_partitions_are_enough_once_all_have_been_proved() {
        let readiness = Readiness::new(Duration::from_secs(5));
        let partitions = begun(&readiness, 4);
        readiness.probe_arrived(&partitions[..3]);
        let missing = NotReady::Incomplete { missing: 1, of: 4 };
        assert_eq!(readiness.check(Instant::now()), Err(missing));
        assert!(missing.to_string().contains("1 of 4 partitions"));
        readiness.probe_arrived(&partitions[3..]);
        assert_eq!(readiness.check(Instant::now()), Ok(()));
        let since = Duration::from_secs(6);
        tokio::time::advance(since).await;
        readiness.probe_arrived(&partitions[..2]);
        let (silent, of) = (2, 4);
        let half = NotReady::Silent { silent, of, since };
        assert_eq!(readiness.check(Instant::now()), Err(half));
        assert!(half.to_string().contains("2 of 4 partitions 6 s ago"));
        readiness.probe_arrived(&partitions[2..3]);
        assert_eq!(readiness.check(Instant::now()), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_awaits_keys_is_ready_from_the_first_ones_on() {
        let readiness = Readiness::new(Duration::from_secs(5));
        let partitions = begun(&readiness, 1);
        readiness.await_keys();
        assert_eq!(readiness.check(Instant::now()), Err(NotReady::Starting));
        readiness.probe_arrived(&partitions);
        assert_eq!(readiness.check(Instant::now()), Err(NotReady::NoKeys));
        assert!(NotReady::NoKeys.to_string().contains("keys"));
        readiness.keys_arrived();
        assert_eq!(readiness.check(Instant::now()), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_makes_the_gateway_ready_until_the_limit_or_a_shutdown() {
        let readiness = Readiness::new(Duration::from_secs(5));
        let partitions = begun(&readiness, 1);
        assert_eq!(readiness.check(Instant::now()), Err(NotReady::Starting));
        readiness.probe_arrived(&partitions);
        let probed = Instant::now();
        assert_eq!(readiness.check(probed + Duration::from_secs(5)), Ok(()));
        let since = Duration::from_secs(6);
        assert_eq!(
            readiness.check(probed + since),
            Err(NotReady::Silent {
                silent: 1,
                of: 1,
                since
            })
        );
        tokio::time::advance(since).await;
        readiness.probe_arrived(&partitions);
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
