//! Which server owns which slots, as one node or the sentinels said at one time.

use std::ops::RangeInclusive;

use super::fault::Remedy;
use crate::store::redis::commands::SLOTS;
use crate::store::redis::connection::Address;

/// The age of a map: a higher one is newer. A promotion that a sentinel has begun and not yet
/// announced is newer than the epoch before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MapEpoch {
    /// `cluster_current_epoch` of a node, or `config-epoch` of a sentinel.
    pub(crate) number: u64,
    /// Whether a sentinel is promoting the server that it names.
    pub(crate) promotes: bool,
}

/// Why there is no map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoMap {
    /// Nobody answered in time, or what was said is not confirmed yet.
    #[error("{0}")]
    Unanswered(String),
    /// Nobody answered, and some cannot until an operator changes something.
    #[error("{1}")]
    Refused(Remedy, String),
    /// Every sentinel that answers says that it does not know the master.
    #[error("no sentinel knows a master with the name {0:?}")]
    UnknownMaster(String),
    /// The servers are none of a cluster.
    #[error("{0} is not a node of a cluster")]
    NoCluster(Address),
}

/// A map of masters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub(crate) epoch: MapEpoch,
    /// The masters, with ranges of their slots.
    pub(crate) owners: Vec<(RangeInclusive<u16>, Address)>,
    /// All nodes that can be asked for a map.
    pub(crate) nodes: Vec<Address>,
}

impl Map {
    /// One server owns everything.
    pub(crate) fn of_one(server: &Address) -> Self {
        Self {
            epoch: MapEpoch::default(),
            owners: vec![(0..=SLOTS - 1, server.clone())],
            nodes: vec![server.clone()],
        }
    }

    /// The master of a slot.
    pub(crate) fn owner(&self, slot: u16) -> Option<&Address> {
        let found = self.owners.iter().find(|(slots, _)| slots.contains(&slot));
        found.map(|(_, owner)| owner)
    }
}
