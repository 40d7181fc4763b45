//! The latency of deliveries, from the time at which each change was *due*.
//!
//! A change that is sent late, because the one before it was slow, counts from its due time.
//! Otherwise a stalled server would get less load, and look better than it is (coordinated
//! omission).

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::plan::Latency;

/// The longest latency in microseconds. Longer ones count as this.
const LATENCY_MAX_US: u64 = 60_000_000;

/// The due time of each change, and the latencies of its deliveries in microseconds.
pub(crate) struct Latencies {
    origin: Instant,
    due: Vec<Duration>,
    /// The first change that counts.
    first: u64,
    taken: Histogram<u64>,
}

impl Latencies {
    /// No latencies yet.
    pub(crate) fn new() -> Self {
        let taken = Histogram::new_with_bounds(1, LATENCY_MAX_US, 3)
            .expect("bounds and precision are in range");
        Self {
            origin: Instant::now(),
            due: Vec::new(),
            first: 0,
            taken,
        }
    }

    /// Records the due time of the next change.
    pub(crate) fn due(&mut self, at: Instant) {
        self.due.push(at.saturating_duration_since(self.origin));
    }

    /// Forgets the latencies so far, and counts from the next change.
    pub(crate) fn restart(&mut self) {
        self.first = self.due.len() as u64;
        self.taken.reset();
    }

    /// Records arrivals. A sequence number that was never due comes from another writer: it counts
    /// as a doubled delivery, not here.
    pub(crate) fn record(&mut self, changes: &mut Vec<(u64, Instant)>) {
        for (change, at) in changes
            .drain(..)
            .filter(|(change, _)| *change >= self.first)
        {
            if let Some(due) = usize::try_from(change)
                .ok()
                .and_then(|change| self.due.get(change))
            {
                let micros = at
                    .saturating_duration_since(self.origin)
                    .saturating_sub(*due)
                    .as_micros();
                self.taken
                    .saturating_record(u64::try_from(micros).unwrap_or(LATENCY_MAX_US));
            }
        }
    }

    /// The percentiles; `None` without deliveries.
    pub(crate) fn summary(&self) -> Option<Latency> {
        let at = |quantile| self.taken.value_at_quantile(quantile);
        (!self.taken.is_empty()).then(|| Latency {
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: self.taken.max(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_counts_from_the_due_time_of_its_change() {
        let mut latencies = Latencies::new();
        // Both arrive at the same moment; the first was due ten seconds before the second.
        let now = latencies.origin + Duration::from_secs(10);
        latencies.due(latencies.origin);
        latencies.due(now);
        latencies.record(&mut vec![(0, now), (1, now), (77, now)]);
        let summary = latencies.summary().unwrap();
        assert_eq!(latencies.taken.len(), 2);
        assert!(
            summary.max >= 9_900_000 && summary.p50 < 5_000_000,
            "{summary:?}"
        );
    }

    #[test]
    fn deliveries_before_the_measurement_do_not_count() {
        let mut latencies = Latencies::new();
        latencies.due(latencies.origin);
        let now = latencies.origin;
        latencies.record(&mut vec![(0, now)]);
        latencies.restart();
        latencies.record(&mut vec![(0, now)]);
        assert_eq!(latencies.summary(), None);
        latencies.due(latencies.origin);
        latencies.record(&mut vec![(1, now)]);
        assert!(latencies.summary().is_some());
    }
}
