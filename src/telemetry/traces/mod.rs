//! Traces of requests and changes, exported to a collector over OTLP. Off unless an endpoint is
//! set.
//!
//! `spans` has every span of the gateway by name; `export` and `sender` send them. Nothing waits
//! for a collector: a span that finds the queue full is dropped.

mod endpoint;
mod export;
mod sender;
mod span_counter;
mod spans;
mod tracer;

pub use endpoint::{CollectorUrl, InvalidCollectorUrl, InvalidRatio, SampleRatio};
pub use export::{Export, ExportError, Options};
pub use span_counter::Metrics;
pub use spans::{PublishSpan, Reach, RelaySpan, RequestSpan};
pub use tracer::Traces;
