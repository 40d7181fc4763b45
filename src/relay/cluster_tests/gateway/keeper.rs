//! The keeper of the topology: feeds the state machine with maps and hints, and does what it says.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::relay::cluster_tests::cluster::{Mode, Process, World};
use crate::relay::cluster_tests::gateway::Signal;
use crate::relay::cluster_tests::timeline::Timeline;
use crate::store::redis::{Address, Map, MapEpoch, MapSources, Step, Topology};

/// Addresses from here on are those of sentinels.
const SENTINELS: usize = 100;
/// Slots of a partition.
const SLOTS_EACH: usize = 1_000;
/// How long an answer to a question for a map may take.
const MAP_TIMEOUT: Duration = Duration::from_millis(500);

/// What a command, a probe or a subscription met.
#[derive(Clone, Debug)]
pub(in super::super) enum Hint {
    /// The partition, the server that was asked, and the one that it names.
    Moved(usize, usize, usize),
    Silent(usize),
    Answered(usize),
    Replica(usize),
}

/// An answer to a question for a map.
#[derive(Clone, Debug)]
pub(in super::super) struct Answer(Map);

/// The state machine, and what is checked of it.
pub(in super::super) struct Keeper {
    topology: Topology,
    steps: Vec<Step>,
    /// The newest epoch of a map.
    newest: MapEpoch,
    /// Servers that said that they are replicas, and the newest epoch and the time then.
    said_replica: Vec<Option<(MapEpoch, Duration)>>,
    /// When each partition got another owner of late.
    changes: Vec<VecDeque<Duration>>,
    owners: Vec<Option<usize>>,
}

fn address(number: usize) -> Address {
    Address::new("node", u16::try_from(number).expect("few servers"))
}

fn number(address: &Address) -> usize {
    usize::from(address.port)
}

fn slot(partition: usize) -> u16 {
    u16::try_from(partition * SLOTS_EACH).expect("few partitions")
}

impl Keeper {
    /// Knows the map that is true now.
    pub(super) fn new(world: &World, timeline: &mut Timeline) -> Self {
        let partitions = world.truth().owners().count();
        let second = Duration::from_secs(1);
        let (sources, every, named): (_, _, Vec<usize>) = match world.mode {
            Mode::Cluster => {
                // Maps leave failed replicas out: where few seeds are named and all servers fail in
                // turn, nobody is left to be asked.
                let unnamed = world.nodes.len() / 3;
                let seeds = world.nodes.len() - timeline.random.below(1 + unnamed);
                (MapSources::OneByOne, 10 * second, (0..seeds).collect())
            }
            Mode::Sentinel => {
                let all = SENTINELS..SENTINELS + world.sentinels.len();
                (MapSources::AllTogether, second, all.collect())
            }
        };
        let named = named.into_iter().map(address).collect();
        let mut topology = Topology::new(sources, every, named, (0..partitions).map(slot));
        let first = match world.mode {
            Mode::Cluster => map_of_node(world, 0),
            Mode::Sentinel => map_of_sentinel(world, 0),
        };
        let (newest, mut steps) = (first.epoch, Vec::new());
        topology.map(&[], first, timeline.instant(), &mut steps);
        Self {
            topology,
            steps: Vec::new(),
            newest,
            said_replica: vec![None; world.nodes.len()],
            changes: vec![VecDeque::new(); partitions],
            owners: vec![None; partitions],
        }
    }

    /// The server that owns a partition; none while that is unknown.
    pub(in super::super) fn owner(&self, partition: usize) -> Option<usize> {
        let owner = self.topology.owners().nth(partition).expect("one of each");
        owner.map(number)
    }

    /// When [`Keeper::tick`] has to be called.
    pub(in super::super) fn due(&self, now: Instant) -> Instant {
        self.topology.due(now)
    }

    pub(super) fn tick(&mut self, timeline: &Timeline) {
        self.topology.tick(timeline.instant(), &mut self.steps);
    }

    /// Takes what was met, as the keeper of the store does.
    pub(super) fn take(&mut self, hint: Hint, timeline: &Timeline) {
        let (now, topology, steps) = (timeline.instant(), &mut self.topology, &mut self.steps);
        match hint {
            Hint::Moved(partition, from, to) => {
                self.said_replica[to] = None;
                topology.redirected(partition, &address(from), &address(to), now, steps);
            }
            Hint::Silent(node) => topology.doubt(&address(node), now),
            Hint::Answered(node) => topology.answered(&address(node)),
            Hint::Replica(node) => {
                self.said_replica[node] = Some((self.newest, timeline.now()));
                topology.is_replica(&address(node), now, steps);
            }
        }
    }

    /// Takes a map, or that there was none.
    pub(super) fn answered(
        &mut self,
        asked: &[usize],
        answer: Option<Answer>,
        timeline: &Timeline,
    ) {
        let asked: Vec<Address> = asked.iter().copied().map(address).collect();
        let Some(Answer(map)) = answer else {
            self.topology.unanswered(&asked);
            return;
        };
        let epoch = map.epoch;
        self.topology
            .map(&asked, map, timeline.instant(), &mut self.steps);
        self.newest = self.newest.max(epoch);
    }

    pub(super) fn act(&mut self, timeline: &mut Timeline) {
        for partition in 0..self.owners.len() {
            let owner = self.owner(partition);
            if std::mem::replace(&mut self.owners[partition], owner) != owner {
                self.changes[partition].push_back(timeline.now());
            }
        }
        for step in std::mem::take(&mut self.steps) {
            match step {
                Step::Ask(asked) => {
                    let asked = asked.iter().map(number).collect();
                    timeline.between(1, 3, Signal::AskMap(asked));
                }
                Step::Assign => timeline.between(0, 1, Signal::Follow),
            }
        }
    }

    /// How often a partition has got another owner within a time.
    pub(in super::super) fn changes_since(&mut self, partition: usize, time: Duration) -> usize {
        let changes = &mut self.changes[partition];
        while changes.front().is_some_and(|at| *at < time) {
            changes.pop_front();
        }
        changes.len()
    }

    /// Whether a server may be read, which said that it is a replica and was not named since.
    pub(super) fn check_read(&self, node: usize, now: Duration) {
        if let Some((epoch, said)) = self.said_replica[node] {
            let is_fresh = now < said + Duration::from_secs(2);
            assert!(
                epoch < self.newest || !is_fresh,
                "a read from server {node}, which said that it is a replica"
            );
        }
    }
}

/// Asks those that know a map, and plans their answer.
pub(super) fn ask(asked: Vec<usize>, world: &World, timeline: &mut Timeline) {
    let quick = timeline.random.between(1, 4);
    let (pause, map) = match world.mode {
        Mode::Cluster => {
            let node = asked[0];
            match world.nodes[node].process {
                Process::Running => (quick, Some(map_of_node(world, node))),
                Process::Frozen => (MAP_TIMEOUT, None),
                Process::Dead => (quick, None),
            }
        }
        Mode::Sentinel => {
            let running =
                |one: &usize| world.sentinels[one - SENTINELS].process == Process::Running;
            let all = asked.iter().copied().filter(running);
            let newest = all.map(|one| map_of_sentinel(world, one - SENTINELS));
            let newest = newest.max_by_key(|map| map.epoch);
            let master = newest.as_ref().map(|map| number(&map.owners[0].1));
            match master.map(|master| (master, world.nodes[master].process)) {
                Some((_, Process::Frozen)) => (MAP_TIMEOUT, None),
                Some((master, Process::Running)) if !world.says_replica(master) => (quick, newest),
                _ => (quick, None),
            }
        }
    };
    let answer = map.map(|map| Box::new(Answer(map)));
    timeline.after(pause, Signal::Map(asked, answer));
}

fn map_of_node(world: &World, node: usize) -> Map {
    let (epoch, view, nodes) = world.map_of(node);
    let range = |partition| slot(partition)..=slot(partition + 1) - 1;
    let owners = view.owners().enumerate();
    Map {
        epoch: MapEpoch {
            number: epoch,
            promotes: false,
        },
        owners: owners
            .map(|(partition, owner)| (range(partition), address(owner)))
            .collect(),
        nodes: nodes.into_iter().map(address).collect(),
    }
}

fn map_of_sentinel(world: &World, sentinel: usize) -> Map {
    let (epoch, promotes, master) = world.opinion_of(sentinel);
    let all = SENTINELS..SENTINELS + world.sentinels.len();
    Map {
        epoch: MapEpoch {
            number: epoch,
            promotes,
        },
        owners: vec![(0..=16_383, address(master))],
        nodes: all.map(address).collect(),
    }
}
