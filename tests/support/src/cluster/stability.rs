//! Roles and owners as the live nodes see them, and the wait until they agree.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::Cluster;
use super::view::{KnownNode, View};
use crate::wait::{eventually, eventually_ok};

/// The number of slots.
pub(super) const SLOTS: u16 = 16_384;

impl Cluster {
    /// Waits until the live nodes agree: each slot has a live owner, each replica has caught up
    /// with its master once, and none of the live nodes takes another one for dead. A node that is
    /// cut off counts as live.
    pub async fn wait_stable(&self) {
        eventually_ok("the cluster is stable", async || self.judge().await).await;
    }

    /// The node that owns a slot. Of two that say so the one with the newer claim counts, as it
    /// does in a cluster that is split.
    pub async fn owner(&self, slot: u16) -> usize {
        let mut owner = None;
        eventually("a live node owns the slot", async || {
            let views = self.views().await;
            owner = views
                .iter()
                .map(|(node, view)| (*node, view.own()))
                .filter(|(_, own)| own.is_master() && own.owns(slot))
                .max_by_key(|(_, own)| own.config_epoch)
                .map(|(node, _)| node);
            owner.is_some()
        })
        .await;
        owner.expect("it was found")
    }

    /// A live replica of this node, by the replica's own word.
    pub async fn replica_of(&self, master: usize) -> usize {
        let mut replica = None;
        eventually("a live node is its replica", async || {
            let id = Some(&self.nodes[master].id);
            let views = self.views().await;
            let mut replicas = views
                .iter()
                .filter(|(_, view)| view.own().master.as_ref() == id);
            replica = replicas.next().map(|(node, _)| *node);
            replica.is_some()
        })
        .await;
        replica.expect("it was found")
    }

    /// The views of the live nodes that answer.
    pub(super) async fn views(&self) -> Vec<(usize, View)> {
        let asked = self.live().map(async |node| {
            let view = View::ask(self.server(node)).await.ok()?;
            Some((node, view))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn judge(&self) -> Result<(), String> {
        let views = self.views().await;
        if views.len() < self.live().count() {
            return Err("a node does not answer".to_owned());
        }
        let members = self.nodes.iter().filter(|node| node.belongs).count();
        let mut agreed = None;
        for (node, view) in &views {
            if !(view.serves && view.is_covered && view.knows(members)) {
                return Err(format!("node {node} has no whole cluster"));
            }
            let roles = self.roles(view);
            let roles = roles.map_err(|problem| format!("node {node}: {problem}"))?;
            if roles != *agreed.get_or_insert_with(|| roles.clone()) {
                return Err(format!("node {node} sees other roles than another node"));
            }
        }
        for (node, view) in &views {
            let own = view.own();
            let replicas = views
                .iter()
                .filter(|(_, other)| other.own().master.as_ref() == Some(&own.id));
            let replication = &view.replication;
            let is_whole = if own.is_master() {
                replication.is_master() && replication.replicas() >= replicas.count()
            } else {
                replication.has_caught_up()
            };
            if !is_whole {
                return Err(format!("node {node} does not replicate"));
            }
        }
        Ok(())
    }

    /// Each live node's master or epoch and slots, by one node's word.
    fn roles(&self, view: &View) -> Result<BTreeMap<String, String>, String> {
        let mut roles = BTreeMap::new();
        let is_live = |known: &KnownNode| self.live().any(|node| self.nodes[node].id == known.id);
        for known in &view.nodes {
            match is_live(known) {
                true if !known.is_well() => return Err(format!("{} is not well", known.id)),
                true => {
                    let role = match &known.master {
                        Some(master) => format!("replica of {master}"),
                        None => format!("{} {:?}", known.config_epoch, known.slots),
                    };
                    roles.insert(known.id.clone(), role);
                }
                false if known.slots.is_empty() => {}
                false => return Err(format!("{} has slots and is down", known.id)),
            }
        }
        Ok(roles)
    }
}
