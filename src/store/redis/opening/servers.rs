//! The connections of a start: to each server that a map names, one, without a pool.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;

use super::check::connect;
use crate::store::redis::connection::{Address, Endpoint};
use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;
use crate::store::redis::topology::{Home, Map};

/// The servers of a deployment at its start.
pub(super) struct Servers {
    endpoint: Arc<Endpoint>,
    options: Options,
    map: Map,
    /// The slots of the partitions in order, then that of the directory.
    slots: Vec<u16>,
    open: BTreeMap<Address, MultiplexedConnection>,
}

impl Servers {
    /// The servers of this map; those of homes are known once their slots are.
    pub(super) fn new(endpoint: &Arc<Endpoint>, options: &Options, map: Map) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            options: options.clone(),
            map,
            slots: Vec::new(),
            open: BTreeMap::new(),
        }
    }

    /// The slots of all homes are these.
    pub(super) fn set_slots(&mut self, slots: Vec<u16>) {
        self.slots = slots;
    }

    /// The map.
    pub(super) fn map(&self) -> &Map {
        &self.map
    }

    /// The masters that own a home, each with the first partition that it owns, if any.
    pub(super) fn masters(&self) -> BTreeMap<Address, Option<usize>> {
        let mut masters = BTreeMap::new();
        let (directory, partitions) = self.slots.split_last().expect("the directory has a slot");
        for (index, slot) in partitions.iter().enumerate() {
            if let Some(owner) = self.map.owner(*slot) {
                masters.entry(owner.clone()).or_insert(Some(index));
            }
        }
        if let Some(owner) = self.map.owner(*directory) {
            masters.entry(owner.clone()).or_insert(None);
        }
        masters
    }

    /// The connection to the owner of a home.
    pub(super) async fn of(&mut self, home: Home) -> Result<&mut MultiplexedConnection, OpenError> {
        let slot = match home {
            Home::Partition(partition) => self.slots.get(partition.index()),
            Home::Directory => self.slots.last(),
        };
        self.of_slot(*slot.expect("the slots of all homes are known"))
            .await
    }

    /// The connection to the owner of a slot.
    pub(super) async fn of_slot(
        &mut self,
        slot: u16,
    ) -> Result<&mut MultiplexedConnection, OpenError> {
        let Some(owner) = self.map.owner(slot).cloned() else {
            return Err(OpenError::unreachable(format!(
                "no master of the cluster owns slot {slot}"
            )));
        };
        self.at(&owner).await
    }

    /// The connection to this server.
    pub(super) async fn at(
        &mut self,
        address: &Address,
    ) -> Result<&mut MultiplexedConnection, OpenError> {
        if !self.open.contains_key(address) {
            let connection = connect(&self.options, &self.endpoint, address).await?;
            self.open.insert(address.clone(), connection);
        }
        Ok(self.open.get_mut(address).expect("it is open"))
    }
}
