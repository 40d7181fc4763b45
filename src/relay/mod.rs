//! From the store's channel to one order of events: every change once, whatever the channel loses.
//!
//! [`Relay`] waits for nothing and knows nobody above it: whoever drives it gives it its [`Inputs`]
//! and takes its [`Output`]s. What it has to ask of the store runs on the gateway's other threads.

mod breaks;
mod continuity;
#[cfg(test)]
mod continuity_tests;
mod driver;
mod options;
mod outage;

pub use driver::{Answer, BURST_MAX, Beginning, Inputs, Links, Output, Relay};
pub use options::Options;
