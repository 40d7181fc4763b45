//! Connections to Redis, and how commands are sent over them.
//!
//! `address` reads the url, `check` looks at the server before the first use. `executor` repeats
//! commands; it sends single ones through the `batcher` and pipelines through the `pool`. `failure`
//! says what may be repeated.

mod address;
mod attempts;
mod batcher;
mod check;
mod executor;
mod failure;
mod pool;

pub(super) use address::{check_clock, client};
pub(super) use check::{CheckedConnection, ask, check};
pub(super) use executor::Executor;
pub(super) use failure::CommandFailure;
