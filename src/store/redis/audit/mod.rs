//! The audit of one deployment: it reads everything in portions, and compares it.
//!
//! `partition` has the state of the audit of one partition; `keys`, `people` and `log` check one
//! part of the partition each.

mod keys;
mod log;
mod partition;
mod people;

use self::partition::PartitionAudit;
use super::store::RedisStore;
use crate::domain::Timestamp;
use crate::store::StoreError;
use crate::store::audit::{AuditTally, FindingSink};

impl RedisStore {
    /// Compares people, ids, log and head in every partition, and reports faults to `sink`. With
    /// `mend`, the time by the clock, repairs those that it can.
    pub async fn audit(
        &self,
        mend: Option<Timestamp>,
        sink: &mut FindingSink<'_>,
    ) -> Result<AuditTally, StoreError> {
        let mut tally = AuditTally::default();
        for partition in self.commands.partitions.iter() {
            let (tally, sink) = (&mut tally, &mut *sink);
            let (damaged, unlisted, foreign) = Default::default();
            let mut audit = PartitionAudit {
                store: self,
                partition,
                mend,
                damaged,
                unlisted,
                foreign,
                tally,
                sink,
            };
            if audit.types().await? && audit.head().await? {
                audit.scores().await?;
                audit.people().await?;
                audit.ids().await?;
                audit.log().await?;
            }
            // Repairs begin new epochs, so they follow the check of the log.
            std::mem::take(&mut audit.damaged)
                .settle(self, partition, mend, audit.tally, audit.sink)
                .await?;
            audit.list().await?;
            audit.take_out().await?;
        }
        Ok(tally)
    }
}
