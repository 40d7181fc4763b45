//! Which server owns which partition, and how that is found and kept true.
//!
//! `machine` decides, as a pure state machine; the `keeper` feeds it with what commands met and
//! with maps, which `cluster` and `sentinel` get from `peers`, and publishes the `owners`.

mod cluster;
mod fault;
mod keeper;
mod machine;
#[cfg(test)]
mod machine_tests;
mod map;
mod owners;
mod peers;
mod sentinel;

pub(crate) use fault::Remedy;
pub(super) use keeper::Keeper;
#[cfg(test)]
pub(crate) use machine::{MapSources, Step, Topology};
#[cfg(test)]
pub(crate) use map::MapEpoch;
pub(crate) use map::{Map, NoMap};
pub(super) use owners::{Assignment, Hint, Home, Owner, Owners};
pub(super) use peers::Peers;

use super::connection::{Address, Discovery, Endpoint};

/// Asks these for a map.
pub(super) async fn map(
    peers: &Peers,
    endpoint: &Endpoint,
    asked: &[Address],
) -> Result<Map, NoMap> {
    endpoint
        .check_clock()
        .map_err(|why| NoMap::Unanswered(why.to_owned()))?;
    match &endpoint.discovery {
        Discovery::Sentinel(name) => sentinel::map(peers, endpoint, name, asked).await,
        Discovery::Cluster | Discovery::Named => cluster::map(peers, endpoint, asked).await,
    }
}
