//! The Redis store over several masters: writes and feeds while a cluster or a sentinel replaces
//! masters, moves slots and loses nodes.
//!
//! Each write saves a person of its own, so that a change that happened twice, or that was answered
//! and is not there, is seen in the logs.

mod cluster;
mod durability;
mod load;
mod replicated_slots;
mod sentinel;

use std::time::Duration;

use people_gateway::store::Retention;
use people_gateway::store::redis::Options;

use crate::redis::people::count;

/// Settings for this url, with limits that are short enough for tests of faults.
fn options(url: String) -> Options {
    Options {
        url,
        connect_timeout: Duration::from_millis(500),
        command_timeout: Duration::from_secs(1),
        pool_wait: Duration::from_millis(700),
        retry_limit: Duration::from_secs(30),
        ping_interval: Duration::from_millis(200),
        ping_timeout: Duration::from_millis(600),
        backoff_max: Duration::from_millis(300),
        topology_interval: Duration::from_secs(2),
        retention: Retention {
            log_max: count(10_000_000),
            ..Options::default().retention
        },
        ..Options::default()
    }
}
