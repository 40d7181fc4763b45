//! A master with replicas and the sentinels that watch it, with the faults that they can have.
//!
//! ```ignore
//! let mut group = Sentinels::start(2, 3).await;     // node 0 is the master, 1 and 2 replicas
//! let url = group.url();                            // redis-sentinel://127.0.0.1:S0,…/people
//! group.split_master().await;                       // clients still reach it
//! let master = group.master_after(0).await;         // another node
//! group.heal().await;
//! group.wait_stable().await;                        // node 0 is a replica now
//! ```
//!
//! One group of servers runs at a time: a test that starts a second one while it holds a first
//! waits forever.

mod agreement;
mod settings;
mod split;

use std::path::PathBuf;

use ::redis::{FromRedisValue, RedisResult};
use futures_util::future::join_all;

use crate::authority::TlsFiles;
use crate::redis::{Member, RedisServer, Turn, turn};

use self::settings::{data_node, sentinel};

/// The name of the master at the sentinels.
pub const MASTER_NAME: &str = "people";

/// The settings of the servers and sentinels.
#[derive(Clone, Copy, Debug)]
pub struct SentinelOptions {
    /// After this time of silence a sentinel takes a server for down.
    pub down_after_ms: u64,
    /// After twice this time a failover that failed is tried again.
    pub failover_timeout_ms: u64,
    /// A master with fewer replicas that acknowledged within 2 s refuses writes.
    pub min_replicas_to_write: usize,
    /// The password of the default user of the servers.
    pub password: Option<&'static str>,
    /// The password of the sentinels.
    pub sentinel_password: Option<&'static str>,
    /// The name in their certificate, if all of them have a port for TLS, and reach each other by
    /// it only.
    pub tls: Option<&'static str>,
    /// More options of the servers' command line.
    pub redis: &'static [&'static str],
}

impl Default for SentinelOptions {
    fn default() -> Self {
        Self {
            down_after_ms: 2000,
            failover_timeout_ms: 5000,
            min_replicas_to_write: 0,
            password: None,
            sentinel_password: None,
            tls: None,
            redis: &[],
        }
    }
}

/// The servers and the sentinels, each known by its index.
pub struct Sentinels {
    nodes: Vec<Member>,
    /// The sentinels.
    watchers: Vec<Member>,
    options: SentinelOptions,
    tls: Option<TlsFiles>,
    /// The master that is cut off.
    split: Option<usize>,
    /// Dropped last, when the processes have ended.
    _turn: Turn,
}

impl Sentinels {
    /// Starts a master (node 0), its replicas and sentinels, of which a majority has to agree.
    /// Waits until they are stable.
    pub async fn start(replicas: usize, sentinels: usize) -> Self {
        Self::start_with(replicas, sentinels, SentinelOptions::default()).await
    }

    pub async fn start_with(replicas: usize, sentinels: usize, options: SentinelOptions) -> Self {
        let turn = turn().await;
        let files = options.tls.map(|name| TlsFiles::new(&[name]));
        let tls = files.as_ref();
        let master = RedisServer::launch(|| data_node(&options, None, tls)).await;
        let port = master.announced_port();
        let mut nodes = vec![master];
        let start = async |_| RedisServer::launch(|| data_node(&options, Some(port), tls)).await;
        nodes.extend(join_all((0..replicas).map(start)).await);
        let mut group = Self {
            nodes: nodes.into_iter().map(Member::new).collect(),
            watchers: Vec::new(),
            options,
            tls: files,
            split: None,
            _turn: turn,
        };
        // A sentinel asks a master for its replicas at once, and then every 10 s.
        group.wait_until_replicated().await;
        let quorum = sentinels / 2 + 1;
        let tls = group.tls.as_ref();
        let start = async |_| RedisServer::launch(|| sentinel(&options, port, quorum, tls)).await;
        let started = join_all((0..sentinels).map(start)).await;
        group.watchers = started.into_iter().map(Member::new).collect();
        group.wait_stable().await;
        group
    }

    /// `redis-sentinel://127.0.0.1:S0,127.0.0.1:S1,.../people` with all sentinels, and the servers'
    /// user and password if there is one.
    pub fn url(&self) -> String {
        self.url_of(&(0..self.watchers.len()).collect::<Vec<_>>())
    }

    /// The URL with only these sentinels.
    pub fn url_of(&self, sentinels: &[usize]) -> String {
        let address = |sentinel: &usize| {
            let port = self.sentinel(*sentinel).announced_port();
            format!("127.0.0.1:{port}")
        };
        let addresses: Vec<String> = sentinels.iter().map(address).collect();
        let user = match self.options.password {
            Some(password) => format!("default:{password}@"),
            None => String::new(),
        };
        let scheme = if self.tls.is_some() {
            "rediss-sentinel"
        } else {
            "redis-sentinel"
        };
        format!("{scheme}://{user}{}/{MASTER_NAME}", addresses.join(","))
    }

    /// The authority that signed the servers' certificate.
    pub fn authority(&self) -> Option<PathBuf> {
        self.tls.as_ref().map(TlsFiles::authority)
    }

    /// The server of a data node.
    pub fn server(&self, node: usize) -> &RedisServer {
        &self.nodes[node].server
    }

    pub fn sentinel(&self, sentinel: usize) -> &RedisServer {
        &self.watchers[sentinel].server
    }

    /// Runs one command at a data node; panics if it fails.
    pub async fn command<T: FromRedisValue>(&self, node: usize, words: &[&str]) -> T {
        self.server(node).command(words).await
    }

    /// Runs one command that the data node may refuse.
    pub async fn attempt<T: FromRedisValue>(&self, node: usize, words: &[&str]) -> RedisResult<T> {
        self.server(node).attempt(words).await
    }

    pub fn kill9(&mut self, node: usize) {
        self.nodes[node].kill9();
    }

    pub fn freeze(&mut self, node: usize) {
        self.nodes[node].freeze();
    }

    pub fn thaw(&mut self, node: usize) {
        self.nodes[node].thaw();
    }

    /// Starts a killed data node again. It begins with its last role, as its configuration file has
    /// it.
    pub async fn restart(&mut self, node: usize) {
        self.nodes[node].restart().await;
    }

    pub fn kill_sentinel(&mut self, sentinel: usize) {
        self.watchers[sentinel].kill9();
    }

    pub fn freeze_sentinel(&mut self, sentinel: usize) {
        self.watchers[sentinel].freeze();
    }

    pub fn thaw_sentinel(&mut self, sentinel: usize) {
        self.watchers[sentinel].thaw();
    }

    /// Starts a killed sentinel again, with what it knew.
    pub async fn restart_sentinel(&mut self, sentinel: usize) {
        self.watchers[sentinel].restart().await;
    }

    fn live_nodes(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].is_up())
    }

    fn live_sentinels(&self) -> impl Iterator<Item = &RedisServer> + '_ {
        let live = self.watchers.iter().filter(|one| one.is_up());
        live.map(|one| &one.server)
    }
}
