//! Nodes become a cluster, join one, and leave it.

use futures_util::future::join_all;

use super::network::Network;
use super::node::Node;
use super::stability::SLOTS;
use super::view::View;
use super::{Cluster, ClusterOptions};
use crate::authority::TlsFiles;
use crate::redis::turn;
use crate::wait::{eventually, eventually_ok};

impl Cluster {
    pub(super) async fn form(
        masters: usize,
        replicas_per_master: usize,
        options: ClusterOptions,
        network: Option<Network>,
    ) -> Self {
        assert!(masters > 0, "a cluster has a master");
        let turn = turn().await;
        let count = masters * (1 + replicas_per_master);
        let tls = options.tls.map(|name| TlsFiles::new(&[name]));
        let (links, files) = (network.as_ref(), tls.as_ref());
        let starts = (0..count).map(|index| start_node(&options, index, links, files));
        let cluster = Self {
            nodes: join_all(starts).await,
            options,
            tls,
            network,
            _turn: turn,
        };
        cluster.share_slots(masters).await;
        for node in 1..count {
            cluster.introduce(node, 0..node).await;
        }
        cluster.wait_until_all_know_all().await;
        for replica in masters..count {
            let master = (replica - masters) / replicas_per_master;
            cluster.replicate(replica, master).await;
        }
        cluster.wait_stable().await;
        cluster
    }

    /// Starts a node without slots, and waits until all know it and it serves. Returns its index.
    pub async fn add_node(&mut self) -> usize {
        let index = self.nodes.len();
        let (network, tls) = (self.network.as_ref(), self.tls.as_ref());
        let node = start_node(&self.options, index, network, tls).await;
        self.nodes.push(node);
        let others: Vec<usize> = self.live().filter(|other| *other != index).collect();
        self.introduce(index, others).await;
        self.wait_until_all_know_all().await;
        // A node serves 2 s after its start at the earliest.
        eventually("the node serves", async || {
            let view = View::ask(self.server(index)).await;
            view.is_ok_and(|view| view.serves)
        })
        .await;
        index
    }

    /// Makes a node without slots a replica of a master.
    pub async fn replicate(&self, replica: usize, master: usize) {
        let id = self.nodes[master].id.as_str();
        // The node may not have heard of its master's role yet.
        eventually_ok("the node becomes a replica", async || {
            self.attempt(replica, &["CLUSTER", "REPLICATE", id])
                .await
                .map_err(|error| error.to_string())
        })
        .await;
    }

    /// Ends a node that owns no slots, and makes the others forget it. Its index is not used again.
    pub async fn remove_node(&mut self, index: usize) {
        let view = View::ask(self.server(index)).await.expect("a view");
        let own = view.own().slots.as_slice();
        assert!(own.is_empty(), "the node has slots still: {own:?}");
        self.kill9(index);
        self.nodes[index].belongs = false;
        let id = self.nodes[index].id.as_str();
        for node in self.live() {
            // A node that never heard of it refuses.
            let _ = self.attempt::<()>(node, &["CLUSTER", "FORGET", id]).await;
        }
        self.wait_until_all_know_all().await;
    }

    /// Gives each of the first nodes an equal range of the slots.
    async fn share_slots(&self, masters: usize) {
        let first = |master: usize| usize::from(SLOTS) * master / masters;
        for (node, _) in self.nodes.iter().enumerate() {
            // Without epochs of their own the nodes would have to settle which is newer.
            let epoch = (node + 1).to_string();
            self.command::<()>(node, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch])
                .await;
        }
        for master in 0..masters {
            let (from, to) = (
                first(master).to_string(),
                (first(master + 1) - 1).to_string(),
            );
            self.command::<()>(master, &["CLUSTER", "ADDSLOTSRANGE", &from, &to])
                .await;
        }
    }

    async fn introduce(&self, node: usize, others: impl IntoIterator<Item = usize>) {
        for other in others {
            let Node { port, bus_port, .. } = &self.nodes[other];
            let (port, bus_port) = (port.to_string(), bus_port.to_string());
            let meet = ["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port];
            self.command::<()>(node, &meet).await;
        }
    }

    async fn wait_until_all_know_all(&self) {
        let members = self.nodes.iter().filter(|node| node.belongs).count();
        eventually("all nodes know each other", async || {
            let views = self.views().await;
            views.len() == self.live().count() && views.iter().all(|(_, view)| view.knows(members))
        })
        .await;
    }
}

async fn start_node(
    options: &ClusterOptions,
    index: usize,
    network: Option<&Network>,
    tls: Option<&TlsFiles>,
) -> Node {
    match network {
        Some(network) => Node::start_behind_proxies(options, index, network).await,
        None => Node::start(options, tls).await,
    }
}
