//! How long deliveries took, from the time at which each change was *due*.
//!
//! A change that is sent late because the one before it was slow counts from its own time all the
//! same: otherwise a server that stands still would be asked less, and look better than it is
//! (coordinated omission).

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::plan::Latency;

/// The longest that is told apart, in microseconds; what took longer counts as this.
const LONGEST_US: u64 = 60_000_000;

/// When each change was due, and how long its deliveries took, in microseconds.
pub(crate) struct Latencies {
    origin: Instant,
    due: Vec<Duration>,
    /// The first change that counts.
    first: u64,
    taken: Histogram<u64>,
}

impl Latencies {
    /// None so far.
    pub(crate) fn new() -> Self {
        let taken = Histogram::new_with_bounds(1, LONGEST_US, 3)
            .expect("bounds and precision are in range");
        Self {
            origin: Instant::now(),
            due: Vec::new(),
            first: 0,
            taken,
        }
    }

    /// The next change is due at this time.
    pub(crate) fn due(&mut self, at: Instant) {
        self.due.push(at.saturating_duration_since(self.origin));
    }

    /// From the next change on.
    pub(crate) fn begin_anew(&mut self) {
        self.first = self.due.len() as u64;
        self.taken.reset();
    }

    /// These changes arrived, each at its time. A number that was never due is a server's that
    /// others write to as well: it counts as a delivery too many, not here.
    pub(crate) fn arrived(&mut self, changes: &mut Vec<(u64, Instant)>) {
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
                    .saturating_record(u64::try_from(micros).unwrap_or(LONGEST_US));
            }
        }
    }

    /// What was measured; nothing where nothing was.
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
    fn a_delivery_counts_from_when_its_change_was_due_not_from_when_it_was_sent() {
        let mut latencies = Latencies::new();
        // Both arrive late, at the same moment; the first was due ten seconds before the second.
        let now = latencies.origin + Duration::from_secs(10);
        latencies.due(latencies.origin);
        latencies.due(now);
        latencies.arrived(&mut vec![(0, now), (1, now), (77, now)]);
        let summary = latencies.summary().unwrap();
        assert_eq!(latencies.taken.len(), 2);
        assert!(
            summary.max >= 9_900_000 && summary.p50 < 5_000_000,
            "{summary:?}"
        );
    }

    #[test]
    fn what_came_before_the_measurement_does_not_count() {
        let mut latencies = Latencies::new();
        latencies.due(latencies.origin);
        let now = latencies.origin;
        latencies.arrived(&mut vec![(0, now)]);
        latencies.begin_anew();
        latencies.arrived(&mut vec![(0, now)]);
        assert_eq!(latencies.summary(), None);
        latencies.due(latencies.origin);
        latencies.arrived(&mut vec![(1, now)]);
        assert!(latencies.summary().is_some());
    }
}
