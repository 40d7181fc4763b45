//! The names of all keys and channels. The keys of a partition share a hash tag, so that one script
//! may touch them in a cluster.

use std::fmt::Write as _;

use super::publication::Publication;
use super::slots::{Tags, slot};
use crate::domain::{Partition, Partitions};
use crate::store::RequestKey;

/// The names of one deployment.
pub(in crate::store::redis) struct KeyNames {
    /// The directory of the layout, a hash: version, number of partitions, how their tags were
    /// found, migrations that ran.
    pub(in crate::store::redis) directory: String,
    /// The lock of the gateway that migrates.
    pub(in crate::store::redis) migrate_lock: String,
    /// How changes and probes are published.
    pub(in crate::store::redis) pubsub: Publication,
    pub(in crate::store::redis) tags: Tags,
    /// Tells this store object from all others.
    probe: u64,
    partitions: Vec<PartitionKeys>,
}

/// The names of one partition; the files of `migrations/` describe the values.
pub(in crate::store::redis) struct PartitionKeys {
    pub(in crate::store::redis) layout: String,
    pub(in crate::store::redis) meta: String,
    pub(in crate::store::redis) log: String,
    pub(in crate::store::redis) people: String,
    pub(in crate::store::redis) ids: String,
    /// The channel of changes. Channels ignore the database, so its number is part of the name.
    pub(in crate::store::redis) channel: String,
    idempotency: String,
    probe: String,
}

/// What the names of a deployment are made of.
#[derive(Clone, Copy)]
pub(in crate::store::redis) struct Naming<'a> {
    pub(in crate::store::redis) prefix: &'a str,
    pub(in crate::store::redis) database: i64,
    pub(in crate::store::redis) partitions: Partitions,
    pub(in crate::store::redis) tags: Tags,
    pub(in crate::store::redis) pubsub: Publication,
    /// Tells a store object from all others.
    pub(in crate::store::redis) probe: u64,
}

impl KeyNames {
    /// The names of a deployment.
    pub(in crate::store::redis) fn new(naming: Naming<'_>) -> Self {
        let Naming {
            prefix, partitions, ..
        } = naming;
        Self {
            directory: directory(prefix),
            migrate_lock: format!("{prefix}:migrate-lock"),
            pubsub: naming.pubsub,
            tags: naming.tags,
            probe: naming.probe,
            partitions: partitions
                .iter()
                .map(|n| {
                    PartitionKeys::new(&naming.tags.tag(prefix, n, partitions), naming.database)
                })
                .collect(),
        }
    }

    /// The names of a partition.
    pub(in crate::store::redis) fn of(&self, partition: Partition) -> &PartitionKeys {
        &self.partitions[partition.index()]
    }

    /// The channel of this store object's probes through the server of a partition.
    pub(in crate::store::redis) fn probe(&self, partition: Partition) -> String {
        format!("{}{:x}", self.of(partition).probe, self.probe)
    }

    /// The slots of the partitions in order, then that of the directory.
    pub(in crate::store::redis) fn slots(&self) -> Vec<u16> {
        let partitions = self.partitions.iter().map(|keys| slot(&keys.meta));
        partitions.chain([slot(&self.directory)]).collect()
    }
}

/// The name of the directory of a layout, which tells the other names.
pub(in crate::store::redis) fn directory(prefix: &str) -> String {
    format!("{prefix}:layout")
}

impl PartitionKeys {
    fn new(tag: &str, database: i64) -> Self {
        Self {
            layout: format!("{{{tag}}}:layout"),
            meta: format!("{{{tag}}}:meta"),
            log: format!("{{{tag}}}:log"),
            people: format!("{{{tag}}}:people"),
            ids: format!("{{{tag}}}:ids"),
            channel: format!("{{{tag}}}:changes:{database}"),
            idempotency: format!("{{{tag}}}:idem:"),
            probe: format!("{{{tag}}}:probe:"),
        }
    }

    /// The record of an idempotency key.
    pub(in crate::store::redis) fn idempotency(&self, key: &RequestKey) -> String {
        let mut name = self.idempotency.clone();
        hex(&key.name, &mut name);
        name
    }

    /// A name like that of a record, to ask for permissions.
    pub(in crate::store::redis) fn any_idempotency(&self) -> &str {
        &self.idempotency
    }
}

/// Appends bytes in lower-case hex.
pub(super) fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        write!(out, "{byte:02x}").expect("a String takes all that is written to it");
    }
}
