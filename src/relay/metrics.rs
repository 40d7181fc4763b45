//! The metrics of the relay.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::store::Discontinuity;
use crate::telemetry::{Histogram, StaticFamily, metrics};

metrics! {
    /// Metrics of the relay.
    pub struct Metrics {
        /// Changes that the relay passed on, in order
        relay_changes: Counter,
        /// Time from a change, by its writer's clock, to its passing on by the relay
        relay_lag_seconds: Histogram,
        /// Frames that were dropped as already known
        relay_duplicates: Counter,
        /// Times the log was asked to continue where frames did not
        relay_heals: Counter,
        /// Times the relay's queue was full and frames were dropped
        relay_gaps: Counter,
        /// Times the subscription was lost
        relay_disconnects: Counter,
        /// Times the store's own history broke, by reason
        relay_resets: StaticFamily<Discontinuity, Counter>,
        /// Seconds since continuity was last proved against the store's head, of the partition for
        /// which that is longest ago
        relay_unproved_seconds: Gauge<f64, AtomicU64>,
        /// Partitions whose continuity is unproved for so long that clients are told
        store_partitions_unproved: Gauge,
    }
}
