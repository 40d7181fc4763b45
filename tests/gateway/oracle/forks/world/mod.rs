//! What a schedule acts on: Redis servers, gateways that each have a line to them, clients, and the
//! branches of history that came about.

mod line;
mod people;

use std::num::NonZeroU16;
use std::time::Instant;

use people_gateway::domain::{Change, Partitions};
use people_gateway::filter::Kinds;
use people_gateway::store::redis::Options;
use rand::RngExt as _;

use self::line::Line;
use self::people::People;
use super::judge::heads;
use super::watcher::{Asks, Memory, Watcher};
use super::wire::Format;
use crate::oracle::TELLING;
use crate::oracle::author::CONDITIONS;
use crate::scale_out::fleet::{QUICK, tails};
use people_testing::process::Gateway;
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

/// One run of a schedule: everything random comes from its seed.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) seed: u64,
    pub(super) partitions: u16,
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

/// A gateway and its line to the store.
pub(super) struct Node {
    pub(super) gateway: Gateway,
    pub(super) line: Line,
}

/// Everything that one schedule has.
pub(super) struct World {
    pub(super) case: Case,
    pub(super) redis: RedisServer,
    pub(super) nodes: Vec<Node>,
    pub(super) people: People,
    pub(super) watchers: Vec<Watcher>,
    /// Histories that were replaced by another.
    pub(super) lost: Vec<Vec<Change>>,
    /// When the last fault was over.
    pub(super) mended: Instant,
    /// How often a gateway may find that history broke.
    pub(super) breaks: usize,
    joined: usize,
}

impl World {
    /// So many gateways on this Redis.
    pub(super) async fn new(
        case: &Case,
        redis: RedisServer,
        gateways: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        // Every other seed has so little memory that clients fall behind, and are served from the
        // log.
        let is_tight = case.seed.is_multiple_of(2);
        let tight: &[_] = &[
            ("live.ring_bytes", "4096"),
            ("live.queue_bytes", "8192"),
            ("live.queue_changes", "16"),
        ];
        let partitions = case.partitions.to_string();
        // A client that takes nothing for a while is not given up, however slow the machine is.
        let own = [
            ("store.partitions", partitions.as_str()),
            ("live.silence_limit_ms", "600000"),
        ];
        let mut all = [QUICK, TELLING, &own, settings].concat();
        if is_tight {
            all.extend(tight);
            all.push(("http.send_buffer_bytes", "4096"));
        }
        let mut nodes = Vec::new();
        for _ in 0..gateways {
            let line = Line::to(redis.port()).await;
            let url = line.url();
            let gateway = Gateway::start(&[&all[..], &[("store.url", &url)]].concat()).await;
            nodes.push(Node { gateway, line });
        }
        for node in &nodes {
            node.gateway.wait_ready().await;
        }
        Self {
            people: People::new(case.seed, case.partitions, if is_tight { 1500 } else { 0 }),
            case: case.clone(),
            redis,
            nodes,
            watchers: Vec::new(),
            lost: Vec::new(),
            mended: Instant::now(),
            breaks: 1,
            joined: 0,
        }
    }

    /// A number from a range.
    pub(super) fn number(&mut self, range: std::ops::Range<usize>) -> usize {
        self.people.number(range)
    }

    /// Makes so many changes through this gateway.
    pub(super) async fn write(&mut self, gateway: usize, changes: usize) {
        self.people
            .write(&self.nodes[gateway].gateway, changes)
            .await;
    }

    /// Connects clients of every format to this gateway, some of which begin with a snapshot.
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
            // The first of a format sees everyone; later ones ask for some, where people come and
            // go all the time.
            let is_first = self.joined < 9;
            self.joined += 1;
            let condition = if is_first {
                0
            } else {
                self.people.random.random_range(0..CONDITIONS.len())
            };
            let condition = CONDITIONS[condition].to_owned();
            let is_small = self.joined.is_multiple_of(4);
            self.watch(
                gateway,
                when,
                Asks {
                    format,
                    kinds,
                    condition,
                    begins_with_snapshot,
                    is_small,
                },
            );
        }
    }

    /// Connects one client.
    pub(super) fn watch(&mut self, gateway: usize, when: &str, asks: Asks) {
        let name = format!(
            "client {} ({when}, at gateway {gateway})",
            self.watchers.len()
        );
        let address = self.nodes[gateway].gateway.address;
        self.watchers
            .push(Watcher::start(name, asks, gateway, address));
    }

    /// What the clients at this gateway hold now.
    pub(super) fn remember(&self, gateway: usize) -> Vec<Memory> {
        self.watchers
            .iter()
            .filter(|watcher| watcher.at == gateway)
            .filter_map(Watcher::memory)
            .collect()
    }

    /// Clients that resume at a gateway with what others held; for each of people.v1.json a text
    /// client does as well.
    pub(super) fn resume(&mut self, memories: &[Memory], gateway: usize, when: &str) {
        let address = self.nodes[gateway].gateway.address;
        for memory in memories {
            let name = format!("{}, resumed {when} at gateway {gateway}", memory.name);
            if memory.asks.format == Format::Json {
                self.watchers.push(Watcher::text_resumed(
                    name.clone(),
                    memory,
                    gateway,
                    address,
                ));
            }
            self.watchers
                .push(Watcher::resumed(name, memory, gateway, address));
        }
    }

    /// Cuts off every other client of this gateway, and lets it resume at another.
    pub(super) async fn move_clients(&mut self, from: usize, to: usize) {
        let address = self.nodes[to].gateway.address;
        for watcher in self
            .watchers
            .iter_mut()
            .filter(|watcher| watcher.at == from)
            .step_by(2)
        {
            watcher.move_to(to, address).await;
        }
    }

    /// Keeps the history that this server holds now, which will be lost.
    pub(super) async fn will_be_lost(&mut self, port: u16) {
        let lost = history(port, self.case.partitions).await;
        self.lost.push(lost);
    }

    /// The small clients take nothing from now on.
    pub(super) async fn pause(&mut self) {
        for watcher in self
            .watchers
            .iter_mut()
            .filter(|watcher| watcher.asks.is_small)
        {
            watcher.pause().await;
        }
    }

    /// They take all again.
    pub(super) async fn go_on(&mut self) {
        for watcher in self.watchers.iter_mut().filter(|watcher| watcher.is_paused) {
            watcher.go_on().await;
        }
    }

    /// Those who take what comes.
    fn awake(&self) -> impl Iterator<Item = &Watcher> {
        self.watchers.iter().filter(|watcher| !watcher.is_paused)
    }

    /// Waits until all clients are live.
    pub(super) async fn all_live(&self) {
        eventually("clients are live", || async {
            self.awake().all(Watcher::is_live)
        })
        .await;
    }

    /// Waits until the clients at this gateway were told of all that its server holds.
    pub(super) async fn all_told(&self, gateway: usize, port: u16) {
        let log = history(port, self.case.partitions).await;
        let heads: Vec<_> = heads(&log).into_values().collect();
        eventually("clients were told of all changes", || async {
            self.awake()
                .filter(|watcher| watcher.at == gateway)
                .all(|watcher| {
                    watcher.asks.format == Format::Text
                        || watcher.look(|seen| {
                            let cursor = seen.fold.cursor.as_ref();
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
        self.nodes[gateway].line.move_all(port);
    }

    /// The faults are over.
    pub(super) fn mended(&mut self) {
        self.mended = Instant::now();
    }
}

/// All changes that a server's log holds.
pub(super) async fn history(port: u16, partitions: u16) -> Vec<Change> {
    let partitions = Partitions::new(NonZeroU16::new(partitions).expect("at least one"));
    let options = Options {
        url: format!("redis://127.0.0.1:{port}"),
        partitions,
        ..Options::default()
    };
    let tails = tails(options).await;
    tails.into_iter().flat_map(|tail| tail.changes).collect()
}
