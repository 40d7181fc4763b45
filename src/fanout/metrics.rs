//! The metrics of the serving thread.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::filter::Verdict;
use crate::telemetry::{Histogram, StaticFamily, metrics};

metrics! {
    /// Metrics of the serving thread.
    pub struct Metrics {
        /// Views that are served as changes come: the others catch up, or are shown a snapshot
        views: Gauge,
        /// Groups of sessions with equal subscriptions, each evaluated once
        subscription_groups: Gauge,
        /// Changes handed to sessions as they came, by verdict
        deliveries: StaticFamily<Verdict, Counter>,
        /// Time from a change, by its writer's clock, to its write to a session's socket, once for
        /// each delivery
        delivery_latency_seconds: Histogram,
        /// Times a socket could not take what was sent at once
        session_partial_writes: Counter,
        /// Times a session's queue overflowed and the session had to catch up
        session_overflows: Counter,
        /// Times a session left the stream because its pattern may take long on a change
        session_offloads: Counter,
    }
}
