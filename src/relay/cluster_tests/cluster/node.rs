//! One server: its process, its links to the others, what it believes of the cluster, and its logs.

use std::time::Duration;

use super::log::ModelLog;

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Process {
    Running,
    /// It is stopped: connections stay open, and nothing is answered.
    Frozen,
    Dead,
}

/// A server.
pub(in super::super) struct Node {
    /// It and its replicas, or its master, are one shard.
    pub(super) shard: usize,
    pub(in super::super) process: Process,
    /// How often it was started: connections to an earlier process are lost.
    pub(in super::super) lives: u32,
    /// Cut off from the other servers; clients still reach it.
    pub(super) is_cut: bool,
    /// Since when nothing of it reaches its replicas.
    pub(super) left: Option<Duration>,
    /// Since when nothing of its master reaches it.
    pub(super) stopped: Option<Duration>,
    /// How far it is behind its master.
    pub(super) lag: Duration,
    /// From when on it refuses to serve: it is cut off from the majority.
    pub(super) refuses_from: Option<Duration>,
    /// Until when it refuses, after a start.
    pub(super) ready_at: Duration,
    /// It says that it is a replica, though no map says so.
    pub(super) poses: bool,
    /// What it knows: the number of a view, and an epoch that may be newer.
    pub(super) view: usize,
    pub(super) epoch: u64,
    /// The logs of the partitions that it owns, or owned.
    pub(super) logs: Vec<Option<ModelLog>>,
    /// Partitions of others that it was written to, since it last learned who owns them.
    pub(super) strayed: Vec<bool>,
    /// Writes that wait in the sockets of a frozen process: partition and id.
    pub(super) parked: Vec<(usize, u64)>,
}

impl Node {
    /// A running server that owns nothing.
    pub(super) fn new(shard: usize, partitions: usize, lag: Duration) -> Self {
        Self {
            shard,
            process: Process::Running,
            lives: 0,
            is_cut: false,
            left: None,
            stopped: None,
            lag,
            refuses_from: None,
            ready_at: Duration::ZERO,
            poses: false,
            view: 0,
            epoch: 1,
            logs: vec![None; partitions],
            strayed: vec![false; partitions],
            parked: Vec::new(),
        }
    }

    /// Whether it takes part in the cluster.
    pub(super) fn is_linked(&self) -> bool {
        self.process == Process::Running && !self.is_cut
    }

    pub(super) fn refuses(&self, now: Duration) -> bool {
        now < self.ready_at || self.refuses_from.is_some_and(|from| from <= now)
    }
}
