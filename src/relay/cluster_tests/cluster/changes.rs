//! What becomes of masters and slots: elections, planned failovers, moves of slots, and how servers
//! and sentinels learn of them.

use std::time::Duration;

use super::faults::Happening;
use super::node::Process;
use super::{Mode, Notice, SlotMove, View, World};
use crate::relay::cluster_tests::timeline::Timeline;

impl World {
    pub(super) fn master(&self, shard: usize) -> usize {
        self.truth().masters[shard]
    }

    /// The other servers of a shard that can become its master.
    pub(super) fn candidates(&self, shard: usize) -> Vec<usize> {
        let master = self.master(shard);
        let all = (0..).zip(&self.nodes);
        all.filter(|(number, node)| node.shard == shard && *number != master && node.is_linked())
            .map(|(number, _)| number)
            .collect()
    }

    /// Elects a master where there is none that the others reach.
    pub(super) fn elect(&mut self, shard: usize, timeline: &mut Timeline) {
        let master = &self.nodes[self.master(shard)];
        if master.is_linked() && !master.poses {
            return;
        }
        let mut candidates = self.candidates(shard);
        candidates.sort_by_key(|one| self.synced_until(*one, timeline.now()));
        let best = candidates.last().copied();
        // The one with the most data wins, usually.
        let chosen = if timeline.random.chance(80) {
            best
        } else {
            timeline.random.pick(&candidates)
        };
        match chosen {
            Some(chosen) => self.promote(shard, chosen, timeline),
            None => timeline.between(500, 1_500, Happening::Elect(shard)),
        }
    }

    /// Hands a shard over to a replica that has everything.
    pub(super) fn switch(&mut self, shard: usize, to: usize, timeline: &mut Timeline) {
        let from = self.master(shard);
        if !self.nodes[from].is_linked() || !self.nodes[to].is_linked() || from == to {
            return;
        }
        self.nodes[to].stopped = None;
        let lag = std::mem::take(&mut self.nodes[to].lag);
        self.promote(shard, to, timeline);
        self.nodes[to].lag = lag;
        // It takes part in the failover, so it knows.
        self.learn(from, self.views.len() - 1, timeline.now());
    }

    /// Up to when a replica has what its master wrote.
    fn synced_until(&self, replica: usize, now: Duration) -> Duration {
        let node = &self.nodes[replica];
        let left = self.nodes[self.master(node.shard)].left;
        let ends = [node.stopped, left].into_iter().flatten();
        ends.min().unwrap_or(now).saturating_sub(node.lag)
    }

    fn promote(&mut self, shard: usize, to: usize, timeline: &mut Timeline) {
        let (now, from) = (timeline.now(), self.master(shard));
        let until = self.synced_until(to, now);
        for partition in 0..self.breaks.len() {
            if self.truth().shards[partition] != shard {
                continue;
            }
            let old = self.nodes[from].logs[partition].as_ref();
            let log = old.and_then(|log| log.as_of(until));
            if old.is_some_and(|old| !old.is_start_of(log.as_ref())) {
                self.breaks[partition] += 1;
                self.nodes[from].strayed[partition] = true;
            }
            self.nodes[to].logs[partition] = log;
        }
        self.nodes[to].left = None;
        self.nodes[to].stopped = None;
        let mut view = self.truth().clone();
        view.epoch += 1;
        view.masters[shard] = to;
        self.announce(view, &[to], timeline);
    }

    /// Opens a slot to be moved to another shard.
    pub(super) fn begin_move(&mut self, partition: usize, to: usize, timeline: &mut Timeline) {
        self.moves[partition] = Some(SlotMove {
            to,
            are_keys_there: false,
        });
        timeline.between(1, 800, Happening::MoveKeys(partition));
    }

    pub(super) fn move_keys(&mut self, partition: usize, timeline: &mut Timeline) {
        let Some(one) = &mut self.moves[partition] else {
            return;
        };
        one.are_keys_there = true;
        // Partitions with much data take long.
        let longest = if timeline.random.chance(40) {
            12_000
        } else {
            400
        };
        timeline.between(1, longest, Happening::EndMove(partition));
    }

    /// Gives the slot to the target. The source learns it a little later.
    pub(super) fn end_move(&mut self, partition: usize, timeline: &mut Timeline) {
        let Some(SlotMove { to, .. }) = self.moves[partition].take() else {
            return;
        };
        let (from, target) = (self.truth().owner(partition), self.master(to));
        let log = self.nodes[from].logs[partition].take();
        self.nodes[target].logs[partition] = log.map(|log| log.moved(timeline.now()));
        let mut view = self.truth().clone();
        // A target that has the newest epoch already keeps it.
        view.epoch += u64::from(timeline.random.chance(50));
        view.shards[partition] = to;
        self.announce(view, &[target], timeline);
    }

    /// Makes a view true. These know it at once, the others soon.
    fn announce(&mut self, view: View, knowing: &[usize], timeline: &mut Timeline) {
        let number = self.views.len();
        self.views.push(view);
        for node in knowing {
            self.learn(*node, number, timeline.now());
        }
        // Some are slow.
        let slow = timeline.random.chance(40);
        match self.mode {
            Mode::Cluster => {
                for node in 0..self.nodes.len() {
                    let late = if slow && timeline.random.chance(30) {
                        2_000
                    } else {
                        40
                    };
                    timeline.between(1, 20, Happening::LearnEpoch(node, number));
                    timeline.between(20, 20 + late, Happening::Learn(node, number));
                }
            }
            Mode::Sentinel => {
                let linked = |one: &usize| {
                    let sentinel = &self.sentinels[*one];
                    sentinel.process == Process::Running && !sentinel.is_cut
                };
                let linked: Vec<usize> = (0..self.sentinels.len()).filter(linked).collect();
                if let Some(leader) = timeline.random.pick(&linked) {
                    self.sentinels[leader].promotes = Some(number);
                }
                let announced = timeline.random.between(300, 1_500);
                for sentinel in 0..self.sentinels.len() {
                    let later = timeline.random.between(0, 100);
                    timeline.after(announced + later, Happening::Hear(sentinel, number));
                }
                for node in 0..self.nodes.len() {
                    timeline.between(200, 2_500, Happening::Learn(node, number));
                }
            }
        }
    }

    /// A sentinel hears of a view.
    pub(super) fn hear(&mut self, sentinel: usize, view: usize) {
        let sentinel = &mut self.sentinels[sentinel];
        if sentinel.process == Process::Running && !sentinel.is_cut {
            sentinel.view = sentinel.view.max(view);
            sentinel.promotes = sentinel
                .promotes
                .filter(|promoted| *promoted > sentinel.view);
        }
    }

    /// A server hears of an epoch, and not yet of what changed with it.
    pub(super) fn learn_epoch(&mut self, node: usize, view: usize) {
        if self.nodes[node].is_linked() {
            let epoch = self.views[view].epoch;
            self.nodes[node].epoch = self.nodes[node].epoch.max(epoch);
        }
    }

    /// A server takes a view for the truth.
    pub(super) fn learn(&mut self, node: usize, view: usize, now: Duration) {
        self.learn_epoch(node, view);
        if !self.nodes[node].is_linked() || view < self.nodes[node].view {
            return;
        }
        let (old, new) = (self.view_of(node).clone(), self.views[view].clone());
        self.nodes[node].view = view;
        self.nodes[node].refuses_from = None;
        let shard = self.nodes[node].shard;
        for partition in 0..self.breaks.len() {
            self.nodes[node].strayed[partition] = false;
            if old.shards[partition] == shard && new.shards[partition] != shard {
                self.nodes[node].logs[partition] = None;
                self.notices.push(Notice::Unsubscribed(node, partition));
            }
        }
        let was_demoted = old.masters[shard] == node && new.masters[shard] != node;
        if was_demoted {
            // It takes over what its master has.
            self.nodes[node].stopped = None;
            self.nodes[node].left = None;
            if self.mode == Mode::Sentinel {
                self.notices.push(Notice::Closed(node));
            }
        }
        self.reckon(now);
    }
}
