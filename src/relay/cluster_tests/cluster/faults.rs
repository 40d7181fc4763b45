//! What a schedule does to the servers, and how it ends.

use std::time::Duration;

use super::node::Process;
use super::{Mode, Notice, OpenSlot, World};
use crate::relay::cluster_tests::timeline::Timeline;

/// After that time the others take a server for lost, milliseconds.
const NODE_TIMEOUT: u64 = 2_000;
/// The longest delay of pushes.
const LATE: Duration = Duration::from_millis(1_500);

/// Something that happens to the servers. The numbers are those of nodes, shards, partitions,
/// sentinels and views.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Happening {
    NextFault,
    Elect(usize),
    /// The process starts again, without its last entries.
    Start(usize, usize),
    /// It starts again with nothing.
    StartEmpty(usize),
    Thaw(usize),
    /// The links to the other servers are back.
    Link(usize),
    LinkReplica(usize),
    StopPosing(usize),
    Kill(usize),
    MoveKeys(usize),
    EndMove(usize),
    Learn(usize, usize),
    LearnEpoch(usize, usize),
    Hear(usize, usize),
    StartSentinel(usize),
    /// Time alone has changed what is sound.
    Reckon,
}

impl World {
    /// Lets it happen.
    pub(in super::super) fn happen(&mut self, happening: Happening, timeline: &mut Timeline) {
        let now = timeline.now();
        match happening {
            Happening::NextFault => self.next_fault(timeline),
            Happening::Elect(shard) => self.elect(shard, timeline),
            Happening::Start(node, lost) => self.start(node, lost, timeline),
            Happening::StartEmpty(node) => self.start(node, usize::MAX, timeline),
            Happening::Thaw(node) => self.thaw(node, timeline),
            Happening::Link(node) => {
                self.nodes[node].is_cut = false;
                self.come_back(node, timeline);
            }
            Happening::LinkReplica(node) => self.nodes[node].stopped = None,
            Happening::StopPosing(node) => self.nodes[node].poses = false,
            Happening::Kill(node) => self.kill(node, timeline),
            Happening::MoveKeys(partition) => self.move_keys(partition, timeline),
            Happening::EndMove(partition) => self.end_move(partition, timeline),
            Happening::Learn(node, view) => self.learn(node, view, now),
            Happening::LearnEpoch(node, view) => self.learn_epoch(node, view),
            Happening::Hear(sentinel, view) => self.hear(sentinel, view),
            Happening::StartSentinel(sentinel) => {
                self.sentinels[sentinel].process = Process::Running;
                self.sentinels[sentinel].is_cut = false;
                timeline.between(1, 300, Happening::Hear(sentinel, self.views.len() - 1));
            }
            Happening::Reckon => {}
        }
        self.reckon(timeline.now());
    }

    /// Ends all faults: within a few seconds everything is sound.
    pub(in super::super) fn heal(&mut self, timeline: &mut Timeline) {
        self.is_healing = true;
        for node in 0..self.nodes.len() {
            self.nodes[node].poses = false;
            self.nodes[node].stopped = None;
            match self.nodes[node].process {
                Process::Running if self.nodes[node].is_cut => {
                    self.happen(Happening::Link(node), timeline);
                }
                Process::Running => {}
                Process::Frozen => self.happen(Happening::Thaw(node), timeline),
                Process::Dead => self.happen(Happening::Start(node, 0), timeline),
            }
        }
        for sentinel in 0..self.sentinels.len() {
            self.happen(Happening::StartSentinel(sentinel), timeline);
        }
    }

    fn next_fault(&mut self, timeline: &mut Timeline) {
        if self.faults == 0 || self.is_healing {
            return;
        }
        self.faults -= 1;
        timeline.between(100, 12_000, Happening::NextFault);
        let shards = self.truth().masters.len();
        let shard = timeline.random.below(shards);
        let busy = (0..).zip(&self.moves).any(|(partition, one)| {
            let target = one.as_ref().map(|one| one.to);
            target == Some(shard) || (target.is_some() && self.truth().shards[partition] == shard)
        });
        let master = self.master(shard);
        if busy || self.nodes[master].process != Process::Running {
            return;
        }
        let kind = timeline.random.below(14);
        match kind {
            0 => self.kill(master, timeline),
            // A lossy failover: the replicas fall behind first.
            1 => {
                for replica in self.candidates(shard) {
                    self.nodes[replica].stopped.get_or_insert(timeline.now());
                    timeline.between(6_000, 12_000, Happening::LinkReplica(replica));
                }
                timeline.between(100, 1_500, Happening::Kill(master));
            }
            2 => self.freeze(master, timeline),
            3 | 4 => self.cut(master, timeline),
            5 | 6 => {
                let candidates = self.candidates(shard);
                if let Some(to) = timeline.random.pick(&candidates) {
                    self.switch(shard, to, timeline);
                    if timeline.random.chance(30) {
                        // And what it was just handed over to is lost as well.
                        timeline.between(1, 3_000, Happening::Kill(to));
                    }
                }
            }
            7 | 8 => self.move_slot(timeline),
            9 => {
                self.die(master, timeline.now());
                let lost = timeline.random.below(2) * timeline.random.below(6);
                timeline.between(100, NODE_TIMEOUT - 500, Happening::Start(master, lost));
            }
            10 => {
                self.die(master, timeline.now());
                timeline.between(100, NODE_TIMEOUT - 500, Happening::StartEmpty(master));
            }
            11 => self.leave_slot_open(shard, timeline),
            12 => {
                let node = timeline.random.below(self.nodes.len());
                match timeline.random.below(3) {
                    0 => self.notices.push(Notice::Closed(node)),
                    1 if !self.sentinels.is_empty() => self.lose_sentinels(timeline),
                    _ => self.cut(node, timeline),
                }
            }
            _ => {
                self.disturbed_until = timeline.now() + LATE + timeline.random.between(1, 4_000);
                timeline.at(self.disturbed_until, Happening::Reckon);
                if self.mode == Mode::Sentinel && timeline.random.chance(50) {
                    // An operator makes it a replica, and then a master again.
                    self.nodes[master].poses = true;
                    timeline.between(500, 1_500, Happening::StopPosing(master));
                }
            }
        }
    }

    fn kill(&mut self, node: usize, timeline: &mut Timeline) {
        if self.nodes[node].process == Process::Dead {
            return;
        }
        self.die(node, timeline.now());
        let shard = self.nodes[node].shard;
        timeline.between(
            NODE_TIMEOUT + 300,
            NODE_TIMEOUT * 2,
            Happening::Elect(shard),
        );
        let restart = if timeline.random.chance(50) {
            Happening::Start(node, timeline.random.below(4))
        } else {
            Happening::StartEmpty(node)
        };
        timeline.between(NODE_TIMEOUT * 2, NODE_TIMEOUT * 15, restart);
    }

    fn die(&mut self, node: usize, now: Duration) {
        let node_state = &mut self.nodes[node];
        node_state.process = Process::Dead;
        node_state.left.get_or_insert(now);
        node_state.parked.clear();
        node_state.poses = false;
        self.notices.push(Notice::Closed(node));
    }

    fn freeze(&mut self, node: usize, timeline: &mut Timeline) {
        self.nodes[node].process = Process::Frozen;
        self.nodes[node].left.get_or_insert(timeline.now());
        let shard = self.nodes[node].shard;
        timeline.between(
            NODE_TIMEOUT + 300,
            NODE_TIMEOUT * 2,
            Happening::Elect(shard),
        );
        timeline.between(200, NODE_TIMEOUT * 4, Happening::Thaw(node));
    }

    /// Cuts a server off from the others, not from clients.
    fn cut(&mut self, node: usize, timeline: &mut Timeline) {
        if !self.nodes[node].is_linked() {
            return;
        }
        self.nodes[node].is_cut = true;
        self.nodes[node].left.get_or_insert(timeline.now());
        self.nodes[node].stopped.get_or_insert(timeline.now());
        if self.mode == Mode::Cluster {
            let pause = timeline
                .random
                .between(NODE_TIMEOUT - 300, NODE_TIMEOUT + 700);
            self.nodes[node].refuses_from = Some(timeline.now() + pause);
            timeline.after(pause, Happening::Reckon);
        }
        let shard = self.nodes[node].shard;
        timeline.between(
            NODE_TIMEOUT + 300,
            NODE_TIMEOUT * 2,
            Happening::Elect(shard),
        );
        timeline.between(500, NODE_TIMEOUT * 5, Happening::Link(node));
    }

    fn move_slot(&mut self, timeline: &mut Timeline) {
        let (view, shards) = (self.truth().clone(), self.truth().masters.len());
        let partition = timeline.random.below(self.breaks.len());
        let (from, to) = (view.shards[partition], timeline.random.below(shards));
        let is_healthy = |node: &super::Node| {
            ![from, to].contains(&node.shard) || (node.is_linked() && node.stopped.is_none())
        };
        let is_open = self.moves[partition].is_some() || from == to;
        if self.mode == Mode::Cluster && !is_open && self.nodes.iter().all(is_healthy) {
            self.begin_move(partition, to, timeline);
        }
    }

    /// A slot is left open by a move that ended half way, until it is repaired. The server that is
    /// named as its owner may die meanwhile.
    fn leave_slot_open(&mut self, shard: usize, timeline: &mut Timeline) {
        let partition = timeline.random.below(self.breaks.len());
        let (owner, named) = (self.truth().owner(partition), self.master(shard));
        let is_free = self.open_slot.is_none() && self.moves[partition].is_none();
        if self.mode == Mode::Cluster && owner != named && is_free {
            let repaired = timeline.random.between(300, 1_500);
            self.open_slot = Some(OpenSlot {
                partition,
                owner,
                named,
                until: timeline.now() + repaired,
            });
            timeline.after(repaired, Happening::Reckon);
            if timeline.random.chance(50) {
                timeline.between(1, 300, Happening::Kill(named));
            }
        }
    }

    /// Some sentinels are killed, or cut off: what they say is old afterwards.
    fn lose_sentinels(&mut self, timeline: &mut Timeline) {
        for sentinel in 0..self.sentinels.len() {
            let (lost, back) = (
                timeline.random.below(3),
                timeline.random.between(3_000, 20_000),
            );
            match lost {
                0 => self.sentinels[sentinel].is_cut = true,
                1 => self.sentinels[sentinel].process = Process::Dead,
                _ => continue,
            }
            timeline.after(back, Happening::StartSentinel(sentinel));
        }
    }

    /// The process of a server starts again: it serves as what it was, until it hears of the
    /// others.
    fn start(&mut self, node: usize, lost: usize, timeline: &mut Timeline) {
        if self.nodes[node].process != Process::Dead {
            return;
        }
        let owned: Vec<usize> = self.view_of(node).owners().collect();
        let owners: Vec<usize> = self.truth().owners().collect();
        let state = &mut self.nodes[node];
        state.process = Process::Running;
        state.lives += 1;
        for (partition, owner) in owned.into_iter().enumerate() {
            if owner != node {
                continue;
            }
            let log = &mut state.logs[partition];
            let has_broken = if lost == usize::MAX {
                log.take().is_some()
            } else {
                log.as_mut().is_some_and(|log| log.lose(lost))
            };
            // Away from the history, and back to it where another has become the owner.
            let breaks = if owners[partition] == node { 1 } else { 2 };
            self.breaks[partition] += usize::from(has_broken) * breaks;
        }
        if self.mode == Mode::Cluster {
            let pause = timeline.random.between(50, NODE_TIMEOUT);
            self.nodes[node].ready_at = timeline.now() + pause;
            timeline.after(pause, Happening::Reckon);
        }
        self.come_back(node, timeline);
    }

    fn thaw(&mut self, node: usize, timeline: &mut Timeline) {
        if self.nodes[node].process != Process::Frozen {
            return;
        }
        self.nodes[node].process = Process::Running;
        for (partition, id) in std::mem::take(&mut self.nodes[node].parked) {
            let _ = self.write(node, partition, (id, false), timeline.now());
        }
        self.come_back(node, timeline);
    }

    /// A server that runs again, or is linked again, hears of the others soon.
    fn come_back(&mut self, node: usize, timeline: &mut Timeline) {
        let state = &mut self.nodes[node];
        if state.is_linked() {
            state.left = None;
            state.stopped = None;
        }
        let late = if self.mode == Mode::Cluster {
            200
        } else {
            2_000
        };
        timeline.between(5, late, Happening::Learn(node, self.views.len() - 1));
    }
}
