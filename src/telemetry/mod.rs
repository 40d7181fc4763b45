//! What an operator sees: metric names, readiness the log's format, and traces.

pub mod clock;
pub mod logging;
mod metrics;
mod readiness;
pub mod traces;

pub use logging::{LogFormat, LogLevel};
pub use metrics::{
    BreakLabel, CloseLabel, DamageAt, DamageLabel, Damages, Each, FormatLabel, Histogram, Label,
    LineLabel, Metrics, Observations, RedisCommandLabel, RedisErrorLabel, RequestLabels,
    RouteLabels, SourceLabel, StoreErrorLabel, VerdictCounts, VerdictLabel, WallClock, registry,
    text_format,
};
pub use readiness::{NotReady, Readiness};
pub use traces::Traces;
