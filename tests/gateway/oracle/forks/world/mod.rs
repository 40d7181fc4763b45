//! The world of a schedule: Redis servers, gateways that reach them through a proxy each, clients,
//! and the branches of history that arose.

mod proxy;
mod writer;

use std::collections::HashSet;
use std::time::Instant;

use people_gateway::domain::{Change, LogPosition};
use people_gateway::filter::Kinds;
use people_gateway::store::redis::Options;
use rand::RngExt as _;

use self::proxy::RedisProxy;
use self::writer::BranchWriter;
use super::checks::heads;
use super::watcher::{ClientOptions, SavedView, Watcher};
use super::wire::Format;
use crate::oracle::FREQUENT_POSITIONS;
use crate::oracle::author::CONDITIONS;
use crate::scale_out::fleet::{QUICK, tails};
use people_testing::process::Gateway;
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

/// One run of a schedule. All random values come from its seed.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) seed: u64,
    pub(super) partitions: u16,
}

impl Case {
    /// Every other seed has short queues and a small ring: clients fall behind, and are served from
    /// the log.
    fn is_tight(&self) -> bool {
        self.seed.is_multiple_of(2)
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} with ORACLE_SEED={} and {} partitions",
            self.name, self.seed, self.partitions
        )
    }
}

/// A gateway and its proxy to the store, where it has one.
pub(super) struct Node {
    pub(super) gateway: Gateway,
    proxy: Option<RedisProxy>,
}

/// The entries of a history.
pub(super) type History = HashSet<LogPosition>;

/// The url of a store.
#[derive(Clone, Debug)]
pub(super) struct StoreAt(String);

impl StoreAt {
    pub(super) const fn url(url: String) -> Self {
        Self(url)
    }
}

/// One Redis server on this port.
impl From<u16> for StoreAt {
    fn from(port: u16) -> Self {
        Self(format!("redis://127.0.0.1:{port}"))
    }
}

impl Node {
    pub(super) fn proxy(&self) -> &RedisProxy {
        self.proxy.as_ref().expect("the schedule has proxies")
    }
}

pub(super) struct World {
    pub(super) case: Case,
    /// The server of schedules with one server.
    redis: Option<RedisServer>,
    pub(super) nodes: Vec<Node>,
    pub(super) writer: BranchWriter,
    pub(super) watchers: Vec<Watcher>,
    /// Histories that another one replaced.
    pub(super) lost: Vec<History>,
    pub(super) faults_ended_at: Instant,
    /// Discontinuities that one gateway may find.
    pub(super) discontinuities: usize,
    joined: usize,
}

impl World {
    /// Starts this many gateways on a Redis server, each behind a proxy.
    pub(super) async fn new(
        case: &Case,
        redis: RedisServer,
        gateways: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..gateways {
            let proxy = RedisProxy::to(redis.port()).await;
            let store = StoreAt::url(proxy.url());
            let gateway = gateway(case, &store, settings).await;
            let proxy = Some(proxy);
            nodes.push(Node { gateway, proxy });
        }
        Self::of(case, Some(redis), nodes).await
    }

    /// Starts this many gateways on a store.
    pub(super) async fn at(
        case: &Case,
        store: &StoreAt,
        gateways: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..gateways {
            let gateway = gateway(case, store, settings).await;
            nodes.push(Node {
                gateway,
                proxy: None,
            });
        }
        Self::of(case, None, nodes).await
    }

    async fn of(case: &Case, redis: Option<RedisServer>, nodes: Vec<Node>) -> Self {
        for node in &nodes {
            node.gateway.wait_ready().await;
        }
        let note_bytes = if case.is_tight() { 1500 } else { 0 };
        Self {
            writer: BranchWriter::new(case.seed, case.partitions, note_bytes),
            case: case.clone(),
            redis,
            nodes,
            watchers: Vec::new(),
            lost: Vec::new(),
            faults_ended_at: Instant::now(),
            discontinuities: 1,
            joined: 0,
        }
    }

    /// The server of a schedule with one server.
    pub(super) fn redis(&self) -> &RedisServer {
        self.redis.as_ref().expect("the schedule has one server")
    }

    /// The server of a schedule with one server.
    pub(super) fn redis_mut(&mut self) -> &mut RedisServer {
        self.redis.as_mut().expect("the schedule has one server")
    }

    /// A random number from a range.
    pub(super) fn number(&mut self, range: std::ops::Range<usize>) -> usize {
        self.writer.number(range)
    }

    /// Makes this many changes through a gateway.
    pub(super) async fn write(&mut self, gateway: usize, changes: usize) {
        self.writer
            .write(&self.nodes[gateway].gateway, changes)
            .await;
    }

    /// Connects clients of every format to a gateway, some with a snapshot. `when` names them.
    pub(super) fn join(&mut self, gateway: usize, when: &str) {
        use Format::{CloudEvents, Json, Sse, Text};
        for (format, kinds, begins_with_snapshot) in [
            (Json, Kinds::All, true),
            (CloudEvents, Kinds::All, true),
            (Sse, Kinds::All, true),
            (Text, Kinds::All, true),
            (Json, Kinds::All, false),
            (CloudEvents, Kinds::Saves, false),
            (Sse, Kinds::Deletes, false),
            (Json, Kinds::Saves, true),
            (Text, Kinds::All, false),
        ] {
            // The first nine clients have no filter. Later ones have one that people often enter
            // and leave.
            let is_first = self.joined < 9;
            self.joined += 1;
            let condition = if is_first {
                0
            } else {
                self.writer.random.random_range(0..CONDITIONS.len())
            };
            let condition = CONDITIONS[condition].to_owned();
            let has_small_buffer = self.joined.is_multiple_of(4);
            self.watch(
                gateway,
                when,
                ClientOptions {
                    format,
                    kinds,
                    condition,
                    begins_with_snapshot,
                    has_small_buffer,
                },
            );
        }
    }

    pub(super) fn watch(&mut self, gateway: usize, when: &str, options: ClientOptions) {
        let name = format!(
            "client {} ({when}, at gateway {gateway})",
            self.watchers.len()
        );
        let address = self.nodes[gateway].gateway.address;
        self.watchers
            .push(Watcher::start(name, options, gateway, address));
    }

    /// Copies the views of the gateway's clients that have a cursor.
    pub(super) fn saved_views(&self, gateway: usize) -> Vec<SavedView> {
        self.watchers
            .iter()
            .filter(|watcher| watcher.gateway == gateway)
            .filter_map(Watcher::saved_view)
            .collect()
    }

    /// Connects clients that resume at a gateway with these views. Each view of people.v1.json is
    /// also resumed by a text client.
    pub(super) fn resume(&mut self, saved_views: &[SavedView], gateway: usize, when: &str) {
        let address = self.nodes[gateway].gateway.address;
        for saved_view in saved_views {
            let name = format!("{}, resumed {when} at gateway {gateway}", saved_view.name);
            if saved_view.options.format == Format::Json {
                self.watchers.push(Watcher::text_resumed(
                    name.clone(),
                    saved_view,
                    gateway,
                    address,
                ));
            }
            self.watchers
                .push(Watcher::resumed(name, saved_view, gateway, address));
        }
    }

    /// Cuts off every second client of a gateway, and lets it resume at another gateway.
    pub(super) async fn move_clients(&mut self, from: usize, to: usize) {
        let address = self.nodes[to].gateway.address;
        for watcher in self
            .watchers
            .iter_mut()
            .filter(|watcher| watcher.gateway == from)
            .step_by(2)
        {
            watcher.move_to(to, address).await;
        }
    }

    /// Saves the history of this store, of which something is about to be lost.
    pub(super) async fn save_lost_history(&mut self, store: impl Into<StoreAt>) {
        let lost = history(&store.into()).await;
        self.lost.push(positions(&lost));
    }

    /// Stops the clients with small buffers from reading.
    pub(super) async fn pause(&mut self) {
        for watcher in self
            .watchers
            .iter_mut()
            .filter(|watcher| watcher.options.has_small_buffer)
        {
            watcher.pause().await;
        }
    }

    /// Lets all clients read again.
    pub(super) async fn unpause(&mut self) {
        for watcher in self.watchers.iter_mut().filter(|watcher| watcher.is_paused) {
            watcher.unpause().await;
        }
    }

    /// The clients that are not paused.
    fn awake(&self) -> impl Iterator<Item = &Watcher> {
        self.watchers.iter().filter(|watcher| !watcher.is_paused)
    }

    /// Waits until all clients are live, except paused ones.
    pub(super) async fn all_live(&self) {
        eventually("clients are live", || async {
            self.awake().all(Watcher::is_live)
        })
        .await;
    }

    /// Waits until the gateways serve every client with changes as they come. A client that still
    /// catches up is sent what changed in the meantime as one net change: nothing, where a person
    /// entered and left.
    pub(super) async fn all_served(&self) {
        eventually("every client is served", || async {
            let mut served = 0;
            for node in &self.nodes {
                served += node.gateway.count("views").await;
            }
            usize::try_from(served) == Ok(self.watchers.len())
                && self.watchers.iter().all(Watcher::is_live)
        })
        .await;
    }

    /// Waits until the cursors of the gateway's clients are at the heads of this store, except
    /// paused clients and those of the text format.
    pub(super) async fn all_caught_up(&self, gateway: usize, store: impl Into<StoreAt>) {
        let log = history(&store.into()).await;
        let heads: Vec<_> = heads(&log).into_values().collect();
        eventually("clients caught up with all changes", || async {
            self.awake()
                .filter(|watcher| watcher.gateway == gateway)
                .all(|watcher| {
                    watcher.options.format == Format::Text
                        || watcher.inspect(|state| {
                            let cursor = state.fold.cursor.as_ref();
                            heads.iter().all(|at| {
                                cursor.and_then(|cursor| cursor.get(at.partition))
                                    == Some(at.position)
                            })
                        })
                })
        })
        .await;
    }

    /// Moves this gateway to another server.
    pub(super) fn move_gateway(&self, gateway: usize, port: u16) {
        self.nodes[gateway].proxy().move_all(port);
    }

    /// Notes that the last fault has ended.
    pub(super) fn end_faults(&mut self) {
        self.faults_ended_at = Instant::now();
    }
}

/// Starts a gateway on a store.
async fn gateway(case: &Case, StoreAt(url): &StoreAt, settings: &[(&str, &str)]) -> Gateway {
    let partitions = case.partitions.to_string();
    // A silence limit that a paused client does not reach, even on a slow machine.
    let own = [
        ("store.partitions", partitions.as_str()),
        ("live.silence_limit_ms", "600000"),
        ("store.url", url),
    ];
    let mut all = [QUICK, FREQUENT_POSITIONS, &own, settings].concat();
    if case.is_tight() {
        all.extend([
            ("live.ring_bytes", "4096"),
            ("live.queue_bytes", "8192"),
            ("live.queue_changes", "16"),
            ("http.send_buffer_bytes", "4096"),
        ]);
    }
    Gateway::start(&all).await
}

pub(super) fn positions(log: &[Change]) -> History {
    log.iter().map(|change| change.at).collect()
}

/// All changes that a store's logs hold.
pub(super) async fn history(StoreAt(url): &StoreAt) -> Vec<Change> {
    let options = Options {
        url: url.clone(),
        ..Options::default()
    };
    let tails = tails(options).await;
    tails.into_iter().flat_map(|tail| tail.changes).collect()
}
