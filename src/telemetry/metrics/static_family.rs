//! One metric for each value of a label, all of them from the start.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::{MetricType, TypedMetric};

use super::Label;

/// One metric for each value of a label. Every series exists from the start, at zero: Prometheus
/// cannot see the first event of a series that appears with it. A lookup takes neither a lock nor a
/// hash.
pub struct StaticFamily<L, M> {
    metrics: Arc<[M]>,
    label: PhantomData<L>,
}

impl<L: Label, M> StaticFamily<L, M> {
    /// The metric at this value.
    pub fn at(&self, label: L) -> &M {
        &self.metrics[label.index()]
    }
}

impl<L: Label, M: Default> Default for StaticFamily<L, M> {
    fn default() -> Self {
        Self {
            metrics: L::ALL.iter().map(|_| M::default()).collect(),
            label: PhantomData,
        }
    }
}

impl<L, M> Clone for StaticFamily<L, M> {
    fn clone(&self) -> Self {
        Self {
            metrics: Arc::clone(&self.metrics),
            label: PhantomData,
        }
    }
}

impl<L, M: fmt::Debug> fmt::Debug for StaticFamily<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.metrics.iter()).finish()
    }
}

impl<L: Label, M: EncodeMetric + TypedMetric> EncodeMetric for StaticFamily<L, M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (label, metric) in L::ALL.iter().zip(self.metrics.iter()) {
            metric.encode(encoder.encode_family(&[(L::KEY, label.name())])?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::registry::Registry;

    use super::*;

    #[derive(Clone, Copy, PartialEq)]
    enum Side {
        Left,
        Right,
    }

    impl Label for Side {
        const KEY: &'static str = "side";
        const ALL: &'static [Self] = &[Self::Left, Self::Right];

        fn name(self) -> &'static str {
            match self {
                Self::Left => "left",
                Self::Right => "right",
            }
        }
    }

    #[test]
    fn every_value_of_the_label_has_a_series_before_its_first_event() {
        let mut registry = Registry::default();
        let family = StaticFamily::<Side, Counter>::default();
        registry.register("turns", "Turns", family.clone());
        family.at(Side::Right).inc();
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "turns_total{side=\"left\"} 0",
            "turns_total{side=\"right\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line}: {text}");
        }
    }
}
