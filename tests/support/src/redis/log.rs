//! The logs of a store, read past the gateways.

use std::num::NonZeroUsize;

use people_gateway::store::redis::{Options, RedisStore};
use people_gateway::store::{Metrics, Store as _, Tail};

use crate::wait::DEADLINE;

/// More changes than a test ever writes.
pub const ALL: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

/// The tail of each partition's log, with more changes than a test ever writes.
pub async fn tails(options: Options) -> Vec<Tail> {
    // A server may be moving people meanwhile, and other tests take the processor.
    let options = Options {
        command_timeout: DEADLINE,
        ..options
    };
    let store = RedisStore::open(options, Metrics::default())
        .await
        .expect("the store opens");
    let mut tails = Vec::new();
    for partition in store.partitions().iter() {
        tails.push(store.tail(partition, ALL).await.expect("the log"));
    }
    tails
}
