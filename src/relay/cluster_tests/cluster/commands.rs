//! What a server answers: as the owner of a partition, as one that takes itself for it, or as
//! another one.

use std::time::Duration;

use super::log::ModelLog;
use super::{Mode, Notice, Process, World};
use crate::domain::Position;
use crate::store::LogAnswer;

/// Why a server did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Refusal {
    Moved(usize),
    /// The slot is being moved, and its keys are there, or some of them.
    TryAgain,
    /// The node is cut off, or was started just now.
    Down,
    ReadOnly,
    /// The connection was refused.
    Closed,
}

impl World {
    /// Whether the server runs and takes itself for the owner.
    pub(super) fn serves(&self, node: usize, partition: usize, now: Duration) -> bool {
        self.nodes[node].process == Process::Running
            && self.access(node, partition, now).is_ok()
            && !self.says_replica(node)
    }

    /// Whether a running server lets a command at the keys of a partition.
    fn access(&self, node: usize, partition: usize, now: Duration) -> Result<(), Refusal> {
        if self.nodes[node].refuses(now) {
            return Err(Refusal::Down);
        }
        if self.mode == Mode::Sentinel {
            return Ok(());
        }
        let owner = self.view_of(node).owner(partition);
        if owner != node {
            return Err(Refusal::Moved(owner));
        }
        match &self.open_slot {
            Some(open) if (open.owner, open.partition) == (node, partition) => {
                return Err(Refusal::Moved(open.named));
            }
            _ => {}
        }
        let is_moved = self.moves[partition]
            .as_ref()
            .is_some_and(|one| one.are_keys_there);
        if is_moved && self.truth().shards[partition] == self.nodes[node].shard {
            return Err(Refusal::TryAgain);
        }
        // The target has the slot already, and this node has yet to learn it.
        if self.nodes[node].logs[partition].is_none() && self.truth().owner(partition) != node {
            return Err(Refusal::TryAgain);
        }
        Ok(())
    }

    /// The log, with a genesis where there was none.
    fn log_on(&mut self, node: usize, partition: usize, now: Duration) -> &mut ModelLog {
        if self.nodes[node].logs[partition].is_none() {
            let epoch = self.number();
            self.nodes[node].logs[partition] = Some(ModelLog::new(epoch, now));
        }
        self.nodes[node].logs[partition]
            .as_mut()
            .expect("just written")
    }

    /// Heads of partitions, from a running server; none where it says that it is a replica. A
    /// refusal names the partition that it is about.
    pub(in super::super) fn heads(
        &mut self,
        node: usize,
        partitions: &[usize],
        now: Duration,
    ) -> Result<Option<Vec<Position>>, (usize, Refusal)> {
        for partition in partitions {
            let access = self.access(node, *partition, now);
            access.map_err(|refusal| (*partition, refusal))?;
        }
        if self.says_replica(node) {
            return Ok(None);
        }
        let heads = partitions
            .iter()
            .map(|one| self.log_on(node, *one, now).head());
        Ok(Some(heads.collect()))
    }

    /// What came after a position, from a running server.
    pub(in super::super) fn since(
        &mut self,
        node: usize,
        partition: usize,
        from: Position,
        now: Duration,
    ) -> Result<LogAnswer, Refusal> {
        self.access(node, partition, now)?;
        if self.says_replica(node) {
            return Err(Refusal::ReadOnly);
        }
        let log_max = self.log_max;
        let answer = self.log_on(node, partition, now).after(from, log_max);
        if let LogAnswer::Broken {
            reason: crate::store::Discontinuity::Trimmed,
            ..
        } = answer
        {
            self.breaks[partition] += 1;
        }
        Ok(answer)
    }

    /// A write with an id of its own, to a running server. `is_keyed`: it has an idempotency key.
    pub(in super::super) fn write(
        &mut self,
        node: usize,
        partition: usize,
        (id, is_keyed): (u64, bool),
        now: Duration,
    ) -> Result<(), Refusal> {
        self.access(node, partition, now)?;
        if self.says_replica(node) {
            return Err(Refusal::ReadOnly);
        }
        // Its record does not exist, so a node that moves the slot sends it away.
        if is_keyed && self.moves[partition].is_some() {
            return Err(Refusal::TryAgain);
        }
        if self.truth().owner(partition) != node && !self.nodes[node].strayed[partition] {
            self.nodes[node].strayed[partition] = true;
            self.breaks[partition] += 1;
        }
        let fields = self.fields.clone();
        let change = self
            .log_on(node, partition, now)
            .append(partition, id, &fields, now);
        self.notices.push(Notice::Published(node, change));
        Ok(())
    }

    /// Subscribes to the channel of a partition at a running server. A replica has the channels of
    /// its master.
    pub(in super::super) fn subscribe(
        &self,
        node: usize,
        partition: usize,
        now: Duration,
    ) -> Result<(), Refusal> {
        if self.nodes[node].refuses(now) {
            return Err(Refusal::Down);
        }
        let (view, shard) = (self.view_of(node), self.nodes[node].shard);
        match self.mode {
            Mode::Cluster if view.shards[partition] != shard => {
                Err(Refusal::Moved(view.owner(partition)))
            }
            _ => Ok(()),
        }
    }

    /// The servers on which a subscription gets what this one publishes: itself, and its replicas,
    /// a little later.
    pub(in super::super) fn listeners(&self, node: usize) -> Vec<(usize, Duration)> {
        let Some(master) = self.nodes.get(node) else {
            return Vec::new();
        };
        let is_source = self.truth().masters[master.shard] == node && !master.is_cut;
        let replicas = (0..).zip(&self.nodes).filter(|(number, replica)| {
            *number != node
                && is_source
                && replica.shard == master.shard
                && replica.is_linked()
                && replica.stopped.is_none()
                && self.says_replica(*number)
        });
        let replicas = replicas.map(|(number, replica)| (number, replica.lag));
        std::iter::once((node, Duration::ZERO))
            .chain(replicas)
            .collect()
    }

    /// A write waits in the socket of a frozen server.
    pub(in super::super) fn park(&mut self, node: usize, partition: usize, id: u64) {
        self.nodes[node].parked.push((partition, id));
    }

    /// A server to which a client with a map of its own writes.
    pub(in super::super) fn writable(&self, partition: usize, now: Duration) -> Vec<usize> {
        let all = 0..self.nodes.len();
        all.filter(|node| self.serves(*node, partition, now))
            .collect()
    }
}
