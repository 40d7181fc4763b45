//! What an operator sees: metric names, readiness the log's format, and traces.

pub mod logging;
mod metrics;
mod readiness;
pub mod traces;

pub use logging::{LogFormat, LogLevel};
pub use metrics::{CloseLabel, Metrics, ReasonLabel, StatusLabel};
pub use readiness::{NotReady, Readiness};
pub use traces::Traces;
