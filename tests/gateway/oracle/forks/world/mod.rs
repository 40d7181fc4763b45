//! The world of a schedule: Redis servers, gateways that reach them through a proxy each, clients,
//! and the branches of history that arose.

mod proxy;
mod writer;

use std::num::NonZeroU16;
use std::time::Instant;

use people_gateway::domain::{Change, Partitions};
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

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} with ORACLE_SEED={} and {} partitions",
            self.name, self.seed, self.partitions
        )
    }
}

/// A gateway and its proxy to the store.
pub(super) struct Node {
    pub(super) gateway: Gateway,
    pub(super) proxy: RedisProxy,
}

pub(super) struct World {
    pub(super) case: Case,
    pub(super) redis: RedisServer,
    pub(super) nodes: Vec<Node>,
    pub(super) writer: BranchWriter,
    pub(super) watchers: Vec<Watcher>,
    /// Histories that another one replaced.
    pub(super) lost: Vec<Vec<Change>>,
    pub(super) faults_ended_at: Instant,
    /// Discontinuities that one gateway may find.
    pub(super) discontinuities: usize,
    joined: usize,
}

impl World {
    /// Starts this many gateways on a Redis server.
    pub(super) async fn new(
        case: &Case,
        redis: RedisServer,
        gateways: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        // Every other seed has short queues and a small ring: clients fall behind, and are served
        // from the log.
        let is_tight = case.seed.is_multiple_of(2);
        let tight: &[_] = &[
            ("live.ring_bytes", "4096"),
            ("live.queue_bytes", "8192"),
            ("live.queue_changes", "16"),
        ];
        let partitions = case.partitions.to_string();
        // A silence limit that a paused client does not reach, even on a slow machine.
        let own = [
            ("store.partitions", partitions.as_str()),
            ("live.silence_limit_ms", "600000"),
        ];
        let mut all = [QUICK, FREQUENT_POSITIONS, &own, settings].concat();
        if is_tight {
            all.extend(tight);
            all.push(("http.send_buffer_bytes", "4096"));
        }
        let mut nodes = Vec::new();
        for _ in 0..gateways {
            let proxy = RedisProxy::to(redis.port()).await;
            let url = proxy.url();
            let gateway = Gateway::start(&[&all[..], &[("store.url", &url)]].concat()).await;
            nodes.push(Node { gateway, proxy });
        }
        for node in &nodes {
            node.gateway.wait_ready().await;
        }
        Self {
            writer: BranchWriter::new(case.seed, case.partitions, if is_tight { 1500 } else { 0 }),
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

    /// Saves the history of this server, which is about to be lost.
    pub(super) async fn save_lost_history(&mut self, port: u16) {
        let lost = history(port, self.case.partitions).await;
        self.lost.push(lost);
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

    /// Waits until the cursors of the gateway's clients are at the heads of this server, except
    /// paused clients and those of the text format.
    pub(super) async fn all_caught_up(&self, gateway: usize, port: u16) {
        let log = history(port, self.case.partitions).await;
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
        self.nodes[gateway].proxy.move_all(port);
    }

    /// Notes that the last fault has ended.
    pub(super) fn end_faults(&mut self) {
        self.faults_ended_at = Instant::now();
    }
}

/// All changes that a server's log holds.
pub(super) async fn history(port: u16, partitions: u16) -> Vec<Change> {
    let partitions = Partitions::new(NonZeroU16::new(partitions).expect("at least one"));
    let options = Options {
        url: format!("redis://127.0.0.1:{port}"),
        partitions: Some(partitions),
        ..Options::default()
    };
    let tails = tails(options).await;
    tails.into_iter().flat_map(|tail| tail.changes).collect()
}
