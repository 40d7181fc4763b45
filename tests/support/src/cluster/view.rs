//! What a node says of its cluster.

use std::ops::RangeInclusive;

use ::redis::RedisResult;

use super::stability::SLOTS;
use crate::redis::{RedisServer, Replication};

/// The answers of one node.
pub(super) struct View {
    /// Whether the node serves its slots.
    pub(super) serves: bool,
    /// Whether each slot has an owner that is not taken for dead.
    pub(super) is_covered: bool,
    pub(super) nodes: Vec<KnownNode>,
    pub(super) replication: Replication,
}

/// A line of `CLUSTER NODES`.
#[derive(Clone, Debug)]
pub(super) struct KnownNode {
    pub(super) id: String,
    flags: Vec<String>,
    /// The id of the master, if the node is a replica.
    pub(super) master: Option<String>,
    pub(super) config_epoch: u64,
    is_connected: bool,
    pub(super) slots: Vec<RangeInclusive<u16>>,
}

impl View {
    pub(super) async fn ask(server: &RedisServer) -> RedisResult<Self> {
        let mut connection = server.connect().await?;
        let mut questions = ::redis::pipe();
        for words in [
            ["CLUSTER", "INFO"],
            ["CLUSTER", "NODES"],
            ["INFO", "replication"],
        ] {
            questions.cmd(words[0]).arg(words[1]);
        }
        let (info, nodes, replication): (String, String, String) =
            questions.query_async(&mut connection).await?;
        let covered = [
            format!("cluster_slots_assigned:{SLOTS}"),
            format!("cluster_slots_ok:{SLOTS}"),
        ];
        Ok(Self {
            serves: says(&info, "cluster_state:ok"),
            is_covered: covered.iter().all(|line| says(&info, line)),
            nodes: nodes.lines().map(KnownNode::parse).collect(),
            replication: Replication::parse(&replication),
        })
    }

    /// The line of the node that was asked.
    pub(super) fn own(&self) -> &KnownNode {
        let mut nodes = self.nodes.iter();
        nodes
            .find(|node| node.has("myself"))
            .expect("a node lists itself")
    }

    /// Whether it knows this number of nodes, itself included, each by its real id.
    pub(super) fn knows(&self, count: usize) -> bool {
        let known = self.nodes.iter().all(|node| !node.has("handshake"));
        known && self.nodes.len() == count
    }
}

impl KnownNode {
    /// Reads `ID ADDRESS FLAGS MASTER PING PONG EPOCH LINK SLOTS...`.
    fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.split(' ').collect();
        Self {
            id: fields[0].to_owned(),
            flags: fields[2].split(',').map(str::to_owned).collect(),
            master: (fields[3] != "-").then(|| fields[3].to_owned()),
            config_epoch: fields[6].parse().expect("a number"),
            is_connected: fields[7] == "connected",
            // A slot that is being moved is listed again, in brackets.
            slots: fields[8..]
                .iter()
                .filter(|slots| !slots.starts_with('['))
                .map(|slots| range(slots))
                .collect(),
        }
    }

    /// Whether it is connected, and nobody takes it for dead.
    pub(super) fn is_well(&self) -> bool {
        let bad = ["fail", "fail?", "handshake", "noaddr"];
        self.is_connected && !bad.iter().any(|flag| self.has(flag))
    }

    pub(super) fn is_master(&self) -> bool {
        self.has("master")
    }

    pub(super) fn owns(&self, slot: u16) -> bool {
        self.slots.iter().any(|range| range.contains(&slot))
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }
}

fn range(slots: &str) -> RangeInclusive<u16> {
    let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
    let number = |text: &str| text.parse().expect("a slot");
    number(first)..=number(last)
}

fn says(answer: &str, line: &str) -> bool {
    answer.lines().any(|known| known == line)
}
