//! Forks of history: Redis restarts with an older state, or a replica that lagged is promoted, and
//! gateways move to it one by one, or with half of their connections first. Clients of every format
//! connect before, during and after the fault.

mod failover;
mod older;
mod split;

use super::{Fault, Servers};

/// One log, and several.
const PARTITIONS: &[u16] = &[1, 4];

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "older-state",
        what: "Redis restarts with an older state, or another server takes its place",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 20,
        schedule: |case| Box::pin(older::older(case)),
    },
    Fault {
        name: "lossy-failover",
        what: "a replica that lags is promoted, and the gateways move to it",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 20,
        schedule: |case| Box::pin(failover::lossy(case)),
    },
    Fault {
        name: "staggered-failover",
        what: "the same, and the gateways move one by one",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 20,
        schedule: |case| Box::pin(failover::staggered(case)),
    },
    Fault {
        name: "split-brain",
        what: "a gateway has its commands and its subscription at different primaries",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 20,
        schedule: |case| Box::pin(split::split(case)),
    },
];
