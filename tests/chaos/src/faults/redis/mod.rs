//! One Redis server: it dies, is frozen, loses data, keys, space, scripts and permissions, and its
//! connections misbehave.

mod access;
mod data;
mod keys;
mod links;
mod process;
mod subscription;
mod table;

use people_testing::redis::RedisServer;

use super::stage::{PATIENT, Stage};
use crate::world::{Allowance, Case};

pub(super) use self::table::FAULTS;

/// Keeps every write when the process is killed.
const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

/// Each of up to four logs may begin anew.
const TAKES_WRITES: Allowance = Allowance {
    discontinuities: 4,
    losses: true,
    closes: false,
};

/// Gateways on a new server.
async fn set(case: &Case, options: &[&str]) -> (RedisServer, Stage) {
    let redis = RedisServer::start(options).await;
    let stage = Stage::set(case, redis.port().into(), PATIENT).await;
    (redis, stage)
}
