//! The section `replication` of `INFO`.

use std::collections::BTreeMap;

/// A server's own word on its role.
pub(crate) struct Replication(BTreeMap<String, String>);

impl Replication {
    pub(crate) fn parse(info: &str) -> Self {
        let fields = info.lines().filter_map(|line| line.split_once(':'));
        Self(
            fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    pub(crate) fn is_master(&self) -> bool {
        self.says("role", "master")
    }

    /// The number of replicas that are connected.
    pub(crate) fn replicas(&self) -> usize {
        let field = self.0.get("connected_slaves");
        field.map_or(0, |count| count.parse().expect("a number"))
    }

    /// Whether it is a replica that is connected to its master and has its data.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.says("role", "slave")
            && self.says("master_link_status", "up")
            && self.says("master_sync_in_progress", "0")
    }

    /// The port of the master, if it is a replica.
    pub(crate) fn master_port(&self) -> Option<u16> {
        let field = self.0.get("master_port");
        field.map(|port| port.parse().expect("a port"))
    }

    fn says(&self, name: &str, value: &str) -> bool {
        self.0.get(name).is_some_and(|known| known == value)
    }
}
