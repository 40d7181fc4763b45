//! The world of a run: gateways on a store, clients, writers, and the branches of history.

mod case;
mod clients;
mod link;
mod load;
mod proxy;
mod store_at;
mod writer;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use people_gateway::domain::{Change, LogPosition, Partition};
use people_testing::people::CONDITIONS;
use people_testing::process::Gateway;
use people_testing::process::settings::{FREQUENT_POSITIONS, QUICK};
use people_testing::redis::RedisServer;

use self::load::{Held, Load};
use self::proxy::RedisProxy;
use self::writer::BranchWriter;
use crate::clients::{LibraryClient, Watcher};

pub use self::case::Case;
pub use self::link::{Link, LinkState, Way};
pub use self::load::Answers;
pub use self::store_at::{History, StoreAt, copy_files, embedded_log};

/// What a fault may cost.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Discontinuities that one gateway may find: each client may be reset once for each.
    pub discontinuities: usize,
    /// Acknowledged writes may be lost, if `reset` tells their watchers.
    pub losses: bool,
    /// Connections may end.
    pub closes: bool,
}

impl Allowance {
    pub const NOTHING: Self = Self {
        discontinuities: 0,
        losses: false,
        closes: false,
    };
}

/// A gateway and its proxy to the store, where it has one.
pub struct Node {
    pub gateway: Gateway,
    proxy: Option<RedisProxy>,
    link: Option<Link>,
}

impl Node {
    fn of(gateway: Gateway) -> Self {
        Self {
            gateway,
            proxy: None,
            link: None,
        }
    }

    pub fn link(&self) -> &Link {
        self.link.as_ref().expect("the schedule has links")
    }

    pub fn proxy(&self) -> &RedisProxy {
        self.proxy.as_ref().expect("the schedule has proxies")
    }
}

pub struct World {
    pub case: Case,
    /// The server of schedules with one server.
    redis: Option<RedisServer>,
    pub nodes: Vec<Node>,
    pub writer: BranchWriter,
    pub watchers: Vec<Watcher>,
    /// Clients of the library `people-client`.
    pub library_clients: Vec<LibraryClient>,
    /// Histories that another one replaced.
    pub lost: Vec<History>,
    pub faults_ended_at: Instant,
    pub allowed: Allowance,
    /// Whether the log tells all people: it has neither lost its beginning nor begun anew.
    pub log_is_whole: bool,
    /// Whether the gateways must say `stale` to every listener meanwhile.
    pub must_be_stale: bool,
    /// The codes with which connections may end where [`Allowance::closes`] says so: none for all.
    pub close_codes: Option<&'static [u16]>,
    /// Whether clients that cannot reach their gateway go to the next one.
    pub clients_roam: bool,
    /// The filter of all clients, where the store has many people for which none asks.
    only_condition: Option<&'static str>,
    load: Option<Load>,
    /// What a load of this run was answered that has ended.
    pub answers: Answers,
    joined: usize,
}

/// People of one import.
const IMPORTED: usize = 5_000;

impl World {
    /// Starts this many gateways on a Redis server, each behind a proxy.
    pub async fn new(
        case: &Case,
        redis: RedisServer,
        gateways: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..gateways {
            let proxy = RedisProxy::to(redis.port()).await;
            let store = StoreAt::url(proxy.url());
            let gateway = gateway(case, Some(&store), settings).await;
            nodes.push(Node {
                proxy: Some(proxy),
                ..Node::of(gateway)
            });
        }
        Self::of(case, Some(redis), nodes).await
    }

    /// Starts this many gateways on a store.
    pub async fn at(
        case: &Case,
        store: &StoreAt,
        gateways: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..gateways {
            let gateway = gateway(case, Some(store), settings).await;
            nodes.push(Node::of(gateway));
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
            library_clients: Vec::new(),
            lost: Vec::new(),
            faults_ended_at: Instant::now(),
            allowed: Allowance {
                discontinuities: 1,
                ..Allowance::NOTHING
            },
            log_is_whole: true,
            must_be_stale: false,
            close_codes: None,
            clients_roam: false,
            only_condition: None,
            load: None,
            answers: Answers::default(),
            joined: 0,
        }
    }

    /// The server of a schedule with one server.
    pub fn redis(&self) -> &RedisServer {
        self.redis.as_ref().expect("the schedule has one server")
    }

    /// The server of a schedule with one server.
    pub fn redis_mut(&mut self) -> &mut RedisServer {
        self.redis.as_mut().expect("the schedule has one server")
    }

    /// Starts this many gateways, each with a link to the server on this port.
    pub async fn linked(
        case: &Case,
        port: u16,
        gateways: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..gateways {
            let link = Link::to(port).await;
            let gateway = gateway(case, Some(&StoreAt::url(link.url())), settings).await;
            nodes.push(Node {
                link: Some(link),
                ..Node::of(gateway)
            });
        }
        Self::of(case, None, nodes).await
    }

    /// A gateway with an embedded store in its own folder.
    pub async fn embedded(case: &Case, settings: &[(&str, &str)]) -> (Self, StoreAt) {
        let gateway = gateway(case, None, settings).await;
        let store = StoreAt::Embedded(gateway.folder().join("data"), case.logs());
        let world = Self::of(case, None, vec![Node::of(gateway)]).await;
        (world, store)
    }

    /// Imports so many people of one partition for which no client asks.
    pub async fn import(&mut self, people: usize) {
        self.only_condition = Some(CONDITIONS[1]);
        let lines = self.writer.clerks(people);
        for chunk in lines.chunks(IMPORTED) {
            let report = self.nodes[0].gateway.import(chunk.join("\n")).await;
            assert!(report.contains(r#""refused":0"#), "{report}");
        }
    }

    /// Starts writers of every partition, at these gateways in turn.
    pub fn start_load(&mut self, gateways: impl IntoIterator<Item = usize>) {
        let gateways = gateways
            .into_iter()
            .map(|it| self.nodes[it].gateway.address);
        let gateways: Vec<_> = gateways.collect();
        let load = Load::start(self.case.seed, self.case.logs(), &gateways);
        self.load = Some(load);
    }

    /// Waits until so many more writes of the load have been acknowledged.
    pub async fn load_goes_on(&self, more: usize) {
        let load = self.load.as_ref().expect("a load runs");
        load.goes_on(more).await;
    }

    /// Waits until no writer of the load waits for an answer, and holds all of them. Silence does
    /// not count meanwhile.
    pub async fn hold_load(&self) -> Held {
        self.listeners().for_each(|it| it.count_silence(false));
        self.load.as_ref().expect("a load runs").hold().await
    }

    /// Lets the load go on.
    pub fn release_load(&self, held: Held) {
        drop(held);
        self.listeners().for_each(|it| it.count_silence(true));
    }

    /// Ends the load, if one runs.
    pub async fn end_load(&mut self) {
        if let Some(load) = self.load.take() {
            self.answers = load.end().await;
        }
    }

    /// All changes that the logs of this store hold.
    pub async fn history(&self, store: &StoreAt) -> Vec<Change> {
        store.history(&self.nodes[0].gateway).await
    }

    /// Waits until all gateways are ready, and returns how long that took.
    pub async fn all_ready(&self) -> Duration {
        for node in &self.nodes {
            node.gateway.wait_ready().await;
        }
        self.faults_ended_at.elapsed()
    }

    /// A random number from a range.
    pub fn number(&mut self, range: std::ops::Range<usize>) -> usize {
        self.writer.number(range)
    }

    /// Makes this many changes through a gateway.
    pub async fn write(&mut self, gateway: usize, changes: usize) {
        self.writer
            .write(&self.nodes[gateway].gateway, changes)
            .await;
    }

    /// Saves the history of this store, of which something is about to be lost.
    pub async fn save_lost_history(&mut self, store: impl Into<StoreAt>) {
        let lost = self.history(&store.into()).await;
        self.lost.push(History::of(&lost));
    }

    /// Moves this gateway to another server.
    pub fn move_gateway(&self, gateway: usize, port: u16) {
        self.nodes[gateway].proxy().move_all(port);
    }

    /// Notes that the last fault has ended.
    pub fn end_faults(&mut self) {
        self.faults_ended_at = Instant::now();
    }
}

/// Starts a gateway on a store; without one it has an embedded store.
async fn gateway(case: &Case, store: Option<&StoreAt>, settings: &[(&str, &str)]) -> Gateway {
    let partitions = case.partitions.to_string();
    // Limits that a client does not reach while it is paused, even on a slow machine.
    let own = [
        ("store.partitions", partitions.as_str()),
        ("live.silence_limit_ms", "600000"),
        ("http.stall_limit_ms", "600000"),
    ];
    let url = match store {
        Some(StoreAt::Redis(url)) => Some(("store.url", url.as_str())),
        _ => None,
    };
    let mut all = [QUICK, FREQUENT_POSITIONS, &own].concat();
    all.extend(url);
    all.extend(settings);
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

/// The last position of each partition.
pub fn heads(log: &[Change]) -> BTreeMap<Partition, LogPosition> {
    log.iter()
        .map(|change| (change.at.partition, change.at))
        .collect()
}
