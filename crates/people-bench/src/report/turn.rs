//! The figures of one contestant's turn, in the order of the report.

use std::time::Duration;

use super::figure::{DOUBLED, Figure, LOST, MAX_MS, OTHERS, P50_MS, P99_MS, P999_MS, STOLEN};
use crate::load::plan::Latency;
use crate::machine::OtherLoad;

/// One turn.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) figures: Vec<(Figure, f64)>,
    /// The load of other processes, in percent of one core.
    pub(crate) others: f64,
    /// The time that the hypervisor took, in percent of one core.
    pub(crate) stolen: f64,
    /// The lost and the doubled deliveries.
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
}

impl Turn {
    /// Adds a figure, if its value is known.
    pub(crate) fn add(&mut self, figure: Figure, value: impl Into<Option<f64>>) {
        self.figures
            .extend(value.into().map(|value| (figure, value)));
    }

    /// Adds a time divided by a count, in microseconds.
    pub(crate) fn add_micros_each(&mut self, figure: Figure, time: Option<Duration>, count: u64) {
        self.add(figure, time.map(|time| micros_each(time, count)));
    }

    /// Adds the percentiles of latencies.
    pub(crate) fn add_latency(&mut self, latency: Option<Latency>) {
        let Some(Latency {
            p50,
            p99,
            p999,
            max,
        }) = latency
        else {
            return;
        };
        for (figure, micros) in [(P50_MS, p50), (P99_MS, p99), (P999_MS, p999), (MAX_MS, max)] {
            self.add(figure, micros as f64 / 1000.0);
        }
    }

    /// Adds the lost and the doubled deliveries.
    pub(crate) fn add_faults(&mut self, lost: u64, doubled: u64) {
        (self.lost, self.doubled) = (lost, doubled);
        self.add(LOST, lost as f64);
        self.add(DOUBLED, doubled as f64);
    }

    /// Adds the load of others during the turn.
    pub(crate) fn add_others(&mut self, others: OtherLoad, elapsed: Duration) {
        let percent = |time: Duration| 100.0 * time.as_secs_f64() / elapsed.as_secs_f64();
        (self.others, self.stolen) = (percent(others.used), percent(others.stolen));
        self.add(OTHERS, self.others);
        self.add(STOLEN, self.stolen);
    }
}

/// A time divided by a count, in microseconds.
fn micros_each(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}
