//! A Redis Cluster of real processes on 127.0.0.1, with the faults that a cluster can have.
//!
//! ```ignore
//! let mut cluster = Cluster::start(3, 1).await;     // nodes 0 to 2 are masters, 3 to 5 replicas
//! let url = cluster.url();                          // redis-cluster://127.0.0.1:P0,127.0.0.1:P1…
//! let master = cluster.owner(5000).await;
//! cluster.move_slot(5000, (master + 1) % 3).await;
//! cluster.kill9(master);
//! cluster.wait_stable().await;                      // its replica has been promoted
//! ```
//!
//! One group of servers runs at a time: a test that starts a second one while it holds a first
//! waits forever.

mod failover;
mod formation;
mod moves;
mod network;
mod node;
mod proxy;
mod stability;
mod view;

use std::path::PathBuf;
use std::time::Duration;

use ::redis::{FromRedisValue, RedisResult};

use self::network::Network;
use self::node::Node;
use crate::authority::TlsFiles;
use crate::redis::{RedisServer, Turn};

pub use self::moves::SlotMove;

/// The settings of a cluster's nodes.
#[derive(Clone, Copy, Debug)]
pub struct ClusterOptions {
    /// After this time of silence a master is taken for dead.
    pub node_timeout_ms: u64,
    /// The name in their certificate, if the nodes have a port for TLS, and reach each other by it
    /// only.
    pub tls: Option<&'static str>,
    /// More options of the command line; they win over those of the harness.
    pub redis: &'static [&'static str],
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            node_timeout_ms: 1000,
            tls: None,
            redis: &[],
        }
    }
}

/// The nodes, each known by its index. An index stays what it is when roles change and nodes leave.
pub struct Cluster {
    nodes: Vec<Node>,
    options: ClusterOptions,
    tls: Option<TlsFiles>,
    /// The links between the nodes, where proxies carry them.
    network: Option<Network>,
    /// Dropped last, when the processes have ended.
    _turn: Turn,
}

impl Cluster {
    /// Starts a cluster and waits until it is stable. The masters come first; then the replicas of
    /// the first master, of the second, and so on.
    pub async fn start(masters: usize, replicas_per_master: usize) -> Self {
        let options = ClusterOptions::default();
        Self::start_with(masters, replicas_per_master, options).await
    }

    pub async fn start_with(
        masters: usize,
        replicas_per_master: usize,
        options: ClusterOptions,
    ) -> Self {
        Self::form(masters, replicas_per_master, options, None).await
    }

    /// Starts a cluster whose nodes reach each other, and are reached by clients, only through
    /// proxies. They can cut a node off from the others, and make it slow.
    pub async fn start_behind_proxies(
        masters: usize,
        replicas_per_master: usize,
        options: ClusterOptions,
    ) -> Self {
        let network = Some(Network::default());
        Self::form(masters, replicas_per_master, options, network).await
    }

    /// `redis-cluster://127.0.0.1:P0,127.0.0.1:P1,...` with all nodes of the cluster, dead ones
    /// included.
    pub fn url(&self) -> String {
        let members = (0..self.nodes.len()).filter(|node| self.nodes[*node].belongs);
        self.url_of(&members.collect::<Vec<_>>())
    }

    /// The URL with only these nodes.
    pub fn url_of(&self, nodes: &[usize]) -> String {
        let addresses: Vec<String> = nodes.iter().map(|node| self.address(*node)).collect();
        let user = match self.nodes[0].member.server.password() {
            Some(password) => format!("default:{password}@"),
            None => String::new(),
        };
        let scheme = if self.tls.is_some() {
            "rediss-cluster"
        } else {
            "redis-cluster"
        };
        format!("{scheme}://{user}{}", addresses.join(","))
    }

    /// The authority that signed the nodes' certificate.
    pub fn authority(&self) -> Option<PathBuf> {
        self.tls.as_ref().map(TlsFiles::authority)
    }

    /// `127.0.0.1:PORT`, as the node announces itself: behind proxies, its proxy's.
    pub fn address(&self, node: usize) -> String {
        format!("127.0.0.1:{}", self.nodes[node].port)
    }

    /// The server itself, past its proxy.
    pub fn server(&self, node: usize) -> &RedisServer {
        &self.nodes[node].member.server
    }

    /// Runs one command at this node, past its proxy; panics if it fails.
    pub async fn command<T: FromRedisValue>(&self, node: usize, words: &[&str]) -> T {
        self.server(node).command(words).await
    }

    /// Runs one command that the node may refuse.
    pub async fn attempt<T: FromRedisValue>(&self, node: usize, words: &[&str]) -> RedisResult<T> {
        self.server(node).attempt(words).await
    }

    pub fn kill9(&mut self, node: usize) {
        self.nodes[node].member.kill9();
    }

    /// Suspends the node: its connections stay open, and it answers nothing.
    pub fn freeze(&mut self, node: usize) {
        self.nodes[node].member.freeze();
    }

    pub fn thaw(&mut self, node: usize) {
        self.nodes[node].member.thaw();
    }

    /// Starts a killed node again, with its id and ports, and waits until it answers.
    pub async fn restart(&mut self, node: usize) {
        self.nodes[node].member.restart().await;
    }

    /// The nodes that are expected to answer.
    fn live(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].is_live())
    }
}

/// What only a cluster behind proxies can do. Each of these panics on another one.
impl Cluster {
    /// Cuts the node off from all other nodes: what is sent either way is held back, as if the
    /// packets were lost. Clients still reach it.
    pub fn cut_from_nodes(&self, node: usize) {
        self.network().cut(node);
    }

    /// Ends [`Cluster::cut_from_nodes`]: what was held back arrives.
    pub fn heal(&self, node: usize) {
        self.network().heal(node);
    }

    /// Slows all connections from and to the node, clients' included, in each direction.
    pub fn slow(&self, node: usize, delay: Duration, bytes_per_second: u32) {
        self.network().slow(node, delay, bytes_per_second);
    }

    /// Ends [`Cluster::slow`].
    pub fn full_speed(&self, node: usize) {
        self.network().full_speed(node);
    }

    fn network(&self) -> &Network {
        let network = self.network.as_ref();
        network.expect("a cluster that was started behind proxies")
    }
}
