//! From the store's channel to one order of events: every change once, whatever the channel loses.
//!
//! [`Relay`] waits for nothing and knows nobody above it: its owner feeds it from its
//! [`RelayInputs`] and takes its [`RelayOutput`]s. What it has to ask of the store runs on the
//! gateway's other threads.

mod beginning;
mod breaks;
mod continuity;
#[cfg(test)]
mod continuity_tests;
mod driver;
mod metrics;
mod options;
mod outage;

pub use beginning::Beginning;
pub use driver::{BURST_MAX, Links, Relay, RelayInputs, RelayOutput, StoreAnswer};
pub use metrics::Metrics;
pub use options::Options;
