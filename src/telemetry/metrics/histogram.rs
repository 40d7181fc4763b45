//! A histogram of seconds over atomics, whose observations have a weight: one change written to ten
//! thousand sockets is one observation of weight ten thousand.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::{MetricType, TypedMetric};

use crate::telemetry::clock::unix_time;

/// Upper bounds of the buckets in seconds. All histograms share them: from the time of a Redis
/// command to the lag of a client.
const BOUNDS: [f64; 18] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0, 60.0,
];
/// One bucket more than bounds: for observations above all of them.
const BUCKETS: usize = BOUNDS.len() + 1;

/// A histogram of seconds. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug, Default)]
struct Buckets {
    counts: [Counter; BUCKETS],
    seconds: Counter<f64, std::sync::atomic::AtomicU64>,
}

/// Observations of one thread, to be added to a [`Histogram`] at once.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    counts: [u64; BUCKETS],
    seconds: f64,
}

/// A reading of the wall clock, from which the age of changes is computed.
#[derive(Clone, Copy, Debug)]
pub struct WallClock(Duration);

impl Histogram {
    /// Adds one observation.
    pub fn observe(&self, duration: Duration) {
        let mut one = Observations::default();
        one.observe(duration.as_secs_f64(), 1);
        self.add(&one);
    }

    /// Adds the observations of one thread.
    pub fn add(&self, observations: &Observations) {
        for (bucket, count) in self
            .0
            .counts
            .iter()
            .zip(observations.counts)
            .filter(|(_, count)| *count > 0)
        {
            bucket.inc_by(count);
        }
        self.0.seconds.inc_by(observations.seconds);
    }

    /// The number of observations.
    pub fn count(&self) -> u64 {
        self.0.counts.iter().map(Counter::get).sum()
    }
}

impl Observations {
    /// Adds `times` observations of the same length.
    pub fn observe(&mut self, seconds: f64, times: u64) {
        self.counts[BOUNDS.partition_point(|bound| *bound < seconds)] += times;
        self.seconds += seconds * times as f64;
    }
}

impl WallClock {
    /// Reads the clock.
    pub fn now() -> Self {
        Self(unix_time())
    }

    /// Seconds since a moment in Unix milliseconds; 0 for a moment in the future, which another
    /// machine's clock may name.
    pub fn seconds_since(self, millis: i64) -> f64 {
        self.0
            .saturating_sub(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
            .as_secs_f64()
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(self.0.counts.iter().map(Counter::get)).collect();
        // The count is the sum of the buckets just read, not of those that others add to meanwhile.
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(self.0.seconds.get(), count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn an_observation_adds_its_weight_to_every_bucket_whose_bound_it_does_not_exceed() {
        let (mut registry, histogram) = (Registry::default(), Histogram::default());
        registry.register("h", "H", histogram.clone());
        let mut observations = Observations::default();
        observations.observe(0.25, 1000);
        observations.observe(0.375, 8);
        observations.observe(61.0, 2);
        histogram.add(&observations);
        histogram.observe(Duration::ZERO);
        assert_eq!(histogram.count(), 1011);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "h_sum 375.0",
            "h_count 1011",
            "h_bucket{le=\"0.0001\"} 1",
            "h_bucket{le=\"0.1\"} 1",
            "h_bucket{le=\"0.25\"} 1001",
            "h_bucket{le=\"0.5\"} 1009",
            "h_bucket{le=\"60.0\"} 1009",
            "h_bucket{le=\"+Inf\"} 1011",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "no {line} in {text}"
            );
        }
    }

    #[test]
    fn a_change_from_the_future_has_age_zero() {
        let now = WallClock(Duration::from_millis(10_500));
        assert!((now.seconds_since(10_000) - 0.5).abs() < 1e-9);
        assert!(now.seconds_since(11_000).abs() < 1e-9);
        assert!((now.seconds_since(-1) - 10.5).abs() < 1e-9);
    }
}
