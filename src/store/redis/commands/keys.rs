//! The names of all keys and channels. The keys of a partition share a hash tag, so that one script
//! may touch them in a cluster.

use std::fmt::Write as _;

use crate::domain::{Partition, Partitions};
use crate::store::RequestKey;

/// The names of one deployment.
pub(in crate::store::redis) struct KeyNames {
    /// The hash of the layout: version, number of partitions, migrations that ran.
    pub(in crate::store::redis) layout: String,
    /// The lock of the gateway that migrates.
    pub(in crate::store::redis) migrate_lock: String,
    /// The channel of this store object's probes.
    pub(in crate::store::redis) probe: String,
    partitions: Vec<PartitionKeys>,
}

/// The names of one partition; `migrations/0001_genesis.lua` describes the values.
pub(in crate::store::redis) struct PartitionKeys {
    pub(in crate::store::redis) meta: String,
    pub(in crate::store::redis) log: String,
    pub(in crate::store::redis) people: String,
    pub(in crate::store::redis) ids: String,
    /// The channel of changes. Channels ignore the database, so its number is part of the name.
    pub(in crate::store::redis) channel: String,
    idempotency: String,
}

impl KeyNames {
    /// The names under a prefix in a database. `probe` tells this store object from all others.
    pub(in crate::store::redis) fn new(
        prefix: &str,
        database: i64,
        partitions: Partitions,
        probe: u64,
    ) -> Self {
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
    pub(in crate::store::redis) fn of(&self, partition: Partition) -> &PartitionKeys {
        &self.partitions[partition.index()]
    }

    /// All partitions, in order.
    pub(in crate::store::redis) fn partitions(
        &self,
    ) -> impl ExactSizeIterator<Item = &PartitionKeys> {
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

    /// The record of an idempotency key. A write without a key names a record too, because a
    /// script's keys are fixed, and never touches it.
    pub(in crate::store::redis) fn idempotency(&self, key: Option<&RequestKey>) -> String {
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
