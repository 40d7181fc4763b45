//! The names of everything in Redis. What one partition owns shares a hash tag, so one script may
//! touch it in a cluster.

pub(super) mod ids;

use std::fmt::Write as _;

use crate::domain::{Partition, Partitions};
use crate::store::IdempotencyKey;

/// The names of one deployment.
pub(super) struct Keys {
    /// Version, number of partitions, migrations that ran.
    pub(super) layout: String,
    /// Held by the one that migrates.
    pub(super) migrate_lock: String,
    /// Where probes of this store object are published.
    pub(super) probe: String,
    partitions: Vec<PartitionKeys>,
}

/// The names of one partition; `migrations/0001_genesis.lua` says what they hold.
pub(super) struct PartitionKeys {
    pub(super) meta: String,
    pub(super) log: String,
    pub(super) people: String,
    pub(super) ids: String,
    /// Channels know no database, so it is part of the name.
    pub(super) channel: String,
    idempotency: String,
}

impl Keys {
    /// The names under a prefix in a database; `probe` tells this store object from all others.
    pub(super) fn new(prefix: &str, database: i64, partitions: Partitions, probe: u64) -> Self {
        Self {
            layout: format!("{prefix}:layout"),
            migrate_lock: format!("{prefix}:migrate-lock"),
            probe: format!("{{{prefix}.probe}}:{probe:x}"),
            partitions: partitions
                .iter()
                .map(|n| PartitionKeys::new(prefix, database, n))
                .collect(),
        }
    }

    /// The names of a partition.
    pub(super) fn of(&self, partition: Partition) -> &PartitionKeys {
        &self.partitions[partition.index()]
    }

    /// All partitions, in order.
    pub(super) fn partitions(&self) -> impl ExactSizeIterator<Item = &PartitionKeys> {
        self.partitions.iter()
    }
}

impl PartitionKeys {
    fn new(prefix: &str, database: i64, partition: Partition) -> Self {
        let tag = format!("{{{prefix}.p{partition}}}");
        Self {
            meta: format!("{tag}:meta"),
            log: format!("{tag}:log"),
            people: format!("{tag}:people"),
            ids: format!("{tag}:ids"),
            channel: format!("{tag}:changes:{database}"),
            idempotency: format!("{tag}:idem:"),
        }
    }

    /// The record of an idempotency key. A write without a key names it too (a script's keys are
    /// fixed), and never touches it.
    pub(super) fn idempotency(&self, key: Option<&IdempotencyKey>) -> String {
        let mut name = self.idempotency.clone();
        if let Some(key) = key {
            hex(&key.name, &mut name);
        }
        name
    }
}

/// Appends bytes in lower-case hex.
pub(super) fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        write!(out, "{byte:02x}").expect("a String takes all that is written to it");
    }
}
