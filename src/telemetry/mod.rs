//! What an operator sees: metric names, readiness and the log's format. Imports nothing of ours.

mod metrics;
mod readiness;

pub use metrics::{CloseLabel, Metrics, ReasonLabel, StatusLabel};
pub use readiness::{NotReady, Readiness};
