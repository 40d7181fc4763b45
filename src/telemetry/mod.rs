//! What an operator sees: metric names, readiness and the log's format. Imports nothing of ours.

pub mod logging;
mod metrics;
mod readiness;

pub use logging::{LogFormat, LogLevel};
pub use metrics::{
    BreakLabel, CloseLabel, DressLabel, Each, Histogram, Label, LineLabel, Metrics, Observations, RedisCommandLabel,
    RedisErrorLabel, RequestLabels, RouteLabels, SourceLabel, StoreErrorLabel, VerdictCounts, VerdictLabel, WallClock,
    registry,
};
pub use readiness::{NotReady, Readiness};
