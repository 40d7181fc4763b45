//! What an operator sees: metric names, readiness and the log's format. Imports nothing of ours.

pub mod logging;
mod metrics;
mod readiness;

pub use logging::{LogFormat, LogLevel};
pub use metrics::{CloseLabel, Metrics, ReasonLabel, StatusLabel};
pub use readiness::{NotReady, Readiness};
