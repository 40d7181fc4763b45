//! Every promise of the `Store` trait, one function each. They are the same for all stores.

mod concurrency;
mod feed;
mod log;
mod repeats;
mod writes;

use std::time::Duration;

use crate::backing::Setup;

/// What the promises are tried on; the number of partitions varies.
const SETUP: Setup = Setup {
    partitions: 1,
    log_max: 20,
    idempotency_ttl: Duration::from_secs(3600),
};
