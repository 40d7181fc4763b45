//! Clients that stop reading, cut their connections, resume with cursors that lead nowhere, or come
//! all at once.

mod cursors;
mod flap;
mod many;
mod reading;

use super::stage::Stage;
use super::{Fault, Servers};
use crate::world::Case;
use people_testing::redis::RedisServer;

/// Several logs, and one.
const PARTITIONS: &[u16] = &[4, 1];

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "clients-stop-reading",
        what: "clients of every format stop reading large changes, some for too long",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 0,
        schedule: |case| Box::pin(reading::stop(case)),
    },
    Fault {
        name: "clients-flap",
        what: "clients cut their connections by FIN or RST and resume elsewhere, 50 times",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(flap::flap(case)),
    },
    Fault {
        name: "clients-resume-with-another-epoch",
        what: "clients resume with cursors of another store, an older one, or the future",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(cursors::foreign(case)),
    },
    Fault {
        name: "clients-10000-at-once",
        what: "a gateway with 10,000 clients is killed, and all come to another one",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 0,
        schedule: |case| Box::pin(many::at_once(case)),
    },
];

async fn set(case: &Case, settings: &[(&str, &str)]) -> (RedisServer, Stage) {
    let redis = RedisServer::start(&[]).await;
    let stage = Stage::set(case, redis.port().into(), settings).await;
    (redis, stage)
}
