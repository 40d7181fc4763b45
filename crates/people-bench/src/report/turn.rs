//! What one contestant's turn came to: figures, in the order in which they are told.

use std::time::Duration;

use super::figure::{DOUBLED, Figure, LOST, MAX_MS, OTHERS, P50_MS, P99_MS, P999_MS, STOLEN};
use crate::load::plan::Latency;
use crate::machine::Others;

/// One turn.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) figures: Vec<(Figure, f64)>,
    /// What others took, as a percentage of one core.
    pub(crate) others: f64,
    pub(crate) stolen: f64,
    /// Deliveries.
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
}

impl Turn {
    /// A figure, unless it is not known.
    pub(crate) fn tell(&mut self, figure: Figure, value: impl Into<Option<f64>>) {
        self.figures
            .extend(value.into().map(|value| (figure, value)));
    }

    /// A time for each of so many, in microseconds.
    pub(crate) fn tell_micros_each(&mut self, figure: Figure, time: Option<Duration>, count: u64) {
        self.tell(figure, time.map(|time| micros_each(time, count)));
    }

    /// Percentiles of how long deliveries took.
    pub(crate) fn tell_latency(&mut self, latency: Option<Latency>) {
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
            self.tell(figure, micros as f64 / 1000.0);
        }
    }

    /// Deliveries that did not come, or came too often.
    pub(crate) fn tell_faults(&mut self, lost: u64, doubled: u64) {
        (self.lost, self.doubled) = (lost, doubled);
        self.tell(LOST, lost as f64);
        self.tell(DOUBLED, doubled as f64);
    }

    /// What others took while it lasted.
    pub(crate) fn tell_others(&mut self, others: Others, elapsed: Duration) {
        let percent = |time: Duration| 100.0 * time.as_secs_f64() / elapsed.as_secs_f64();
        (self.others, self.stolen) = (percent(others.used), percent(others.stolen));
        self.tell(OTHERS, self.others);
        self.tell(STOLEN, self.stolen);
    }
}

/// Microseconds of `spent` for each of `count`.
fn micros_each(spent: Duration, count: u64) -> f64 {
    spent.as_secs_f64() * 1e6 / count as f64
}
