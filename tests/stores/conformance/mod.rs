//! The promises of the `Store` trait, one function each, run on every kind of store.

mod concurrency;
mod feed;
mod log;
mod repeats;
mod writes;

use std::time::Duration;

use crate::backing::Setup;

/// The settings of the stores; the number of partitions varies.
const SETUP: Setup = Setup {
    partitions: 1,
    log_max: 20,
    idempotency_ttl: Duration::from_secs(3600),
};
