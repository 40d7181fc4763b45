//! What one step of the dispatcher came to: counted here in plain numbers, and added to the metrics
//! once.
//!
//! A delivery costs a comparison and an addition; what a batch consists of is looked at once for
//! all in a row that it went to.

use prometheus_client::metrics::counter::Counter;

use crate::fanout::metrics::Metrics;
use crate::filter::VerdictCounts;
use crate::session::WriteBatch;
use crate::telemetry::{Observations, WallClock};

/// The counts of one step.
pub(in crate::fanout) struct Tally<'a> {
    /// The last batch, and to how many sessions in a row it went.
    last: Option<(&'a WriteBatch, u64)>,
    /// When the step's writes were made.
    now: WallClock,
    bytes: usize,
    verdicts: VerdictCounts,
    latency: Observations,
}

impl<'a> Tally<'a> {
    /// Nothing yet, right after the writes.
    pub(in crate::fanout) fn new() -> Self {
        let (verdicts, latency) = (VerdictCounts::default(), Observations::default());
        Self {
            last: None,
            now: WallClock::now(),
            bytes: 0,
            verdicts,
            latency,
        }
    }

    /// A socket took so many bytes.
    pub(in crate::fanout) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// A session was handed this batch.
    pub(in crate::fanout) fn delivered(&mut self, batch: &'a WriteBatch) {
        match &mut self.last {
            Some((last, times)) if std::ptr::eq(*last, batch) => *times += 1,
            _ => {
                self.settle();
                self.last = Some((batch, 1));
            }
        }
    }

    /// Adds all to the metrics.
    pub(in crate::fanout) fn count(mut self, metrics: &Metrics, sent_bytes: &Counter) {
        self.settle();
        sent_bytes.inc_by(self.bytes as u64);
        self.verdicts.add_to(&metrics.deliveries);
        metrics.delivery_latency_seconds.add(&self.latency);
    }

    fn settle(&mut self) {
        let Some((batch, times)) = self.last.take() else {
            return;
        };
        for notification in batch.notifications() {
            self.verdicts.add(notification.verdict, times);
            self.latency
                .observe(self.now.seconds_since(notification.time.as_millis()), times);
        }
    }
}
