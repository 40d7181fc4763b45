//! What an operator sees: metric names and the log's format. Imports nothing of ours.

mod metrics;

pub use metrics::{CloseLabel, Metrics, ReasonLabel, StatusLabel};
