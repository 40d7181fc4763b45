//! A simulated Redis Cluster, or a master with replicas behind sentinels: the truth about who owns
//! which partition, and what each server takes for it.
//!
//! A `node` has the `log`s. `commands` are what clients ask of a server, `changes` what becomes of
//! masters and slots, `faults` what a schedule does to them.

mod changes;
mod commands;
mod faults;
mod log;
mod node;

use std::time::Duration;

use super::timeline::Timeline;
use crate::domain::{Change, FieldsJson};
pub(super) use commands::Refusal;
pub(super) use faults::Happening;
pub(super) use log::ModelLog;
use node::Node;
pub(super) use node::Process;

/// How masters are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Servers know the map, learn of changes from each other, and send clients away.
    Cluster,
    /// Sentinels know the master.
    Sentinel,
}

/// The owners of everything: the truth at one epoch, or what a server takes for it.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) epoch: u64,
    /// The master of each shard.
    masters: Vec<usize>,
    /// The shard of each partition.
    shards: Vec<usize>,
}

/// What clients notice without asking.
pub(super) enum Notice {
    /// A server has published a change.
    Published(usize, Change),
    /// A server has no longer the channel of a partition.
    Unsubscribed(usize, usize),
    /// A server has closed its connections.
    Closed(usize),
}

/// A sentinel.
pub(super) struct Sentinel {
    pub(super) process: Process,
    is_cut: bool,
    view: usize,
    /// It leads a failover that it has not announced.
    pub(super) promotes: Option<usize>,
}

/// A slot that is being moved.
struct SlotMove {
    to: usize,
    are_keys_there: bool,
}

/// A slot that a move left open: its owner was told that another has it, which knows nothing of it.
struct OpenSlot {
    partition: usize,
    owner: usize,
    named: usize,
    until: Duration,
}

/// The servers.
pub(super) struct World {
    pub(super) mode: Mode,
    pub(super) nodes: Vec<Node>,
    pub(super) sentinels: Vec<Sentinel>,
    /// All views that were ever true; the last one is.
    views: Vec<View>,
    moves: Vec<Option<SlotMove>>,
    open_slot: Option<OpenSlot>,
    pub(super) notices: Vec<Notice>,
    /// How often each partition's history may have broken.
    pub(super) breaks: Vec<usize>,
    /// Since when each partition has a master that answers and that the others agree on.
    pub(super) sound_since: Vec<Option<Duration>>,
    /// Until when the master of each partition did not answer.
    pub(super) masterless_until: Vec<Duration>,
    /// Until when pushes of any server come late, or do not come.
    pub(super) disturbed_until: Duration,
    /// Faults that are still to come.
    faults: usize,
    is_healing: bool,
    log_max: usize,
    numbers: u64,
    fields: FieldsJson,
}

impl View {
    /// The master of a partition.
    pub(super) fn owner(&self, partition: usize) -> usize {
        self.masters[self.shards[partition]]
    }

    /// The master of each partition.
    pub(super) fn owners(&self) -> impl Iterator<Item = usize> {
        self.shards.iter().map(|shard| self.masters[*shard])
    }
}

impl World {
    /// Healthy servers, and the faults of a schedule.
    pub(super) fn new(partitions: usize, timeline: &mut Timeline) -> Self {
        let random = &mut timeline.random;
        let mode = if random.chance(30) {
            Mode::Sentinel
        } else {
            Mode::Cluster
        };
        let masters = if mode == Mode::Sentinel {
            1
        } else {
            1 + random.below(3)
        };
        let replicas = if mode == Mode::Sentinel {
            2
        } else {
            1 + random.below(2)
        };
        let nodes: Vec<Node> = (0..masters * (1 + replicas))
            .map(|index| {
                let lag = random.between(1, 30);
                Node::new(index % masters, partitions, lag)
            })
            .collect();
        let sentinels = if mode == Mode::Sentinel { 3 } else { 0 };
        let sentinel = || Sentinel {
            process: Process::Running,
            is_cut: false,
            view: 0,
            promotes: None,
        };
        let log_max = if random.chance(20) { 25 } else { 1_000_000 };
        let fields = r#"{"firstName":"A","lastName":"B","age":1,"job":""}"#;
        let mut world = Self {
            mode,
            nodes,
            sentinels: (0..sentinels).map(|_| sentinel()).collect(),
            views: vec![View {
                epoch: 1,
                masters: (0..masters).collect(),
                shards: (0..partitions)
                    .map(|partition| partition * masters / partitions)
                    .collect(),
            }],
            moves: (0..partitions).map(|_| None).collect(),
            open_slot: None,
            notices: Vec::new(),
            breaks: vec![0; partitions],
            sound_since: vec![Some(Duration::ZERO); partitions],
            masterless_until: vec![Duration::ZERO; partitions],
            disturbed_until: Duration::ZERO,
            faults: 1 + random.below(6),
            is_healing: false,
            log_max,
            numbers: 0,
            fields: FieldsJson::from_stored(fields).expect("fields"),
        };
        for partition in 0..partitions {
            let (owner, epoch) = (world.truth().owner(partition), world.number());
            world.nodes[owner].logs[partition] = Some(ModelLog::new(epoch, Duration::ZERO));
        }
        timeline.between(500, 4_000, Happening::NextFault);
        world
    }

    /// A number that was never used: an epoch, or the id of a write.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn truth(&self) -> &View {
        self.views.last().expect("there is one from the beginning")
    }

    /// The log that counts.
    pub(super) fn log(&self, partition: usize) -> Option<&ModelLog> {
        self.nodes[self.truth().owner(partition)].logs[partition].as_ref()
    }

    /// What a server takes for the truth.
    pub(super) fn view_of(&self, node: usize) -> &View {
        &self.views[self.nodes[node].view]
    }

    /// The map of a node that runs: its view, its epoch, and the servers in it.
    pub(super) fn map_of(&self, node: usize) -> (u64, &View, Vec<usize>) {
        let view = self.view_of(node);
        let is_listed = |other: &usize| {
            view.masters.contains(other) || self.nodes[*other].process != Process::Dead
        };
        let nodes = (0..self.nodes.len()).filter(is_listed).collect();
        (self.nodes[node].epoch, view, nodes)
    }

    /// What a sentinel that runs says: epoch, whether it promotes the master, and the master.
    pub(super) fn opinion_of(&self, sentinel: usize) -> (u64, bool, usize) {
        let sentinel = &self.sentinels[sentinel];
        let view = &self.views[sentinel.view];
        match sentinel.promotes {
            Some(promoted) => (view.epoch, true, self.views[promoted].masters[0]),
            None => (view.epoch, false, view.masters[0]),
        }
    }

    /// Whether a server takes itself for a replica, and says so.
    pub(super) fn says_replica(&self, node: usize) -> bool {
        let Node { shard, poses, .. } = self.nodes[node];
        poses || self.view_of(node).masters[shard] != node
    }

    /// Notes which partitions are sound, and since when.
    pub(super) fn reckon(&mut self, now: Duration) {
        self.open_slot = self.open_slot.take().filter(|open| now < open.until);
        for partition in 0..self.sound_since.len() {
            let master = &self.nodes[self.truth().owner(partition)];
            if master.process != Process::Running || master.refuses(now) {
                self.masterless_until[partition] = now;
            }
            let is_sound = self.is_sound(partition, now);
            let since = &mut self.sound_since[partition];
            *since = is_sound.then(|| since.unwrap_or(now));
        }
    }

    fn is_sound(&self, partition: usize, now: Duration) -> bool {
        let (last, owner) = (self.views.len() - 1, self.truth().owner(partition));
        let master = &self.nodes[owner];
        let serves = master.is_linked() && !master.refuses(now) && !self.says_replica(owner);
        let is_open = self
            .open_slot
            .as_ref()
            .is_some_and(|open| open.partition == partition);
        if !serves || is_open || self.moves[partition].is_some() || now < self.disturbed_until {
            return false;
        }
        match self.mode {
            Mode::Sentinel => {
                let linked = |one: &&Sentinel| one.process == Process::Running && !one.is_cut;
                let mut linked = self.sentinels.iter().filter(linked).peekable();
                linked.peek().is_some() && linked.all(|one| one.view == last)
            }
            Mode::Cluster => {
                let (epoch, mut nodes) = (self.truth().epoch, (0..).zip(&self.nodes));
                nodes.all(|(number, node)| {
                    if node.is_linked() {
                        node.view == last && node.epoch >= epoch
                    } else {
                        // Nobody can know that it is no longer the owner.
                        number == owner || !self.serves(number, partition, now)
                    }
                })
            }
        }
    }
}
