//! What an operator sees: the parts of metrics, readiness, the log's format, and traces.

pub mod clock;
mod error_chain;
pub mod logging;
mod metrics;
mod readiness;
pub mod traces;

pub use error_chain::ErrorChain;
pub use logging::{LogFormat, LogLevel};
pub use metrics::{Histogram, Label, Observations, StaticFamily, WallClock, registry, text_format};
pub(crate) use metrics::{PREFIX, metrics};
pub use readiness::{NotReady, Readiness};
pub use traces::Traces;
