//! Turns the store's channel, which may lose frames, into one order of events: every change once.
//!
//! [`Relay`] waits for nothing and knows no module above it: its owner feeds it from its
//! [`RelayInputs`] and takes its [`RelayOutput`]s. Its questions to the store run on the gateway's
//! other threads.

mod beginning;
mod breaks;
#[cfg(test)]
mod cluster_tests;
mod continuity;
#[cfg(test)]
mod continuity_tests;
mod driver;
mod metrics;
mod options;
mod outage;
mod proofs;

pub use beginning::Beginning;
pub use driver::{BURST_MAX, Links, Relay, RelayInputs, RelayOutput, StoreAnswer};
pub use metrics::Metrics;
pub use options::Options;
