//! Verdicts as the values of a label, and their counts before they are added to metrics.

use prometheus_client::metrics::counter::Counter;

use super::view::Verdict;
use crate::telemetry::{Label, StaticFamily};

/// Counts of verdicts in plain numbers, for one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerdictCounts([u64; Verdict::ALL.len()]);

impl VerdictCounts {
    /// Counts a verdict `times` times. `Outside` is not counted: the view gets nothing.
    pub fn add(&mut self, verdict: Verdict, times: u64) {
        if let Some(count) = self.0.get_mut(verdict.index()) {
            *count += times;
        }
    }

    /// Adds the counts to a metric.
    pub fn add_to(&self, metric: &StaticFamily<Verdict, Counter>) {
        for (verdict, count) in Verdict::ALL.iter().zip(self.0) {
            if count > 0 {
                metric.at(*verdict).inc_by(count);
            }
        }
    }
}

/// `Outside` is no value of the label: it delivers nothing.
impl Label for Verdict {
    const KEY: &'static str = "verdict";
    const ALL: &'static [Self] = &[
        Self::Create,
        Self::Enter,
        Self::Update,
        Self::Leave,
        Self::Delete,
    ];

    fn name(self) -> &'static str {
        Self::name(self)
    }

    fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_reach_the_series_of_their_verdict_and_outside_reaches_none() {
        let mut counts = VerdictCounts::default();
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::ALL[verdict.index()], *verdict);
            counts.add(*verdict, verdict.index() as u64 + 1);
        }
        counts.add(Verdict::Outside, 7);
        let metric = StaticFamily::default();
        counts.add_to(&metric);
        for verdict in Verdict::ALL {
            assert_eq!(metric.at(*verdict).get(), verdict.index() as u64 + 1);
        }
    }
}
