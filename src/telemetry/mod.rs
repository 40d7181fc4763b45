//! What an operator sees: the parts of metrics, readiness, the log's format, the audit log, and
//! traces.

mod audit;
mod certificate;
pub mod clock;
mod error_chain;
mod log_throttle;
pub mod logging;
mod metrics;
mod readiness;
pub mod traces;

pub use audit::{AuditLog, ChangedKeys, ForbiddenCall};
pub use certificate::certificate_fault;
pub use error_chain::ErrorChain;
pub use log_throttle::LogThrottle;
pub use logging::{LogFormat, LogLevel};
pub use metrics::{Histogram, Label, Observations, StaticFamily, WallClock, registry, text_format};
pub(crate) use metrics::{PREFIX, metrics};
pub use readiness::{NotReady, Readiness};
pub use traces::Traces;
