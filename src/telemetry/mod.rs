//! What an operator sees: metric names and the log's format. Imports nothing of ours.

pub mod logging;
mod metrics;

pub use logging::{LogFormat, LogLevel};
pub use metrics::{CloseLabel, Metrics, ReasonLabel, StatusLabel};
