//! Fan-out: what the relay passes on, in one order, reaches every session whose view shows it.
//!
//! One thread ([`spawn`]) owns relay and [`Dispatcher`]: frames are put in order, evaluated once
//! per group of equal subscriptions, and written straight to the sockets, without a hop between. It
//! never waits for a client: what a socket does not take goes to its session's drainer.

mod announce;
mod announcements;
mod commands;
mod dispatcher;
mod egress;
mod evaluation;
mod groups;
mod metrics;
mod options;
mod run_queue;
#[cfg(test)]
mod tests;
mod thread;
mod writes;

pub use dispatcher::Dispatcher;
pub use egress::EgressChoice;
pub use evaluation::Evaluation;
pub use metrics::Metrics;
pub use options::Options;
pub use thread::{run, spawn};
