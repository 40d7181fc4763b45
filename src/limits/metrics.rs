//! The metric of limits.

use prometheus_client::metrics::counter::Counter;

use super::Limit;
use crate::telemetry::{StaticFamily, metrics};

metrics! {
    /// Metrics of limits.
    pub struct Metrics {
        /// Calls and connections refused because a caller reached a limit
        limited: StaticFamily<Limit, Counter>,
    }
}
