//! Everything that one deployment keeps in Redis, read in portions and compared.
//!
//! `look` holds what the audit of a partition knows; `keys`, `people` and `log` compare one part of
//! the partition each.

mod keys;
mod log;
mod look;
mod people;

use self::look::Look;
use super::RedisStore;
use crate::domain::Timestamp;
use crate::store::StoreError;
use crate::store::audit::{Sink, Tally};

impl RedisStore {
    /// Compares people, ids, log and head in every partition, and tells `sink` what is wrong. With
    /// `mend`, the clock's time, mends what can be.
    pub async fn audit(
        &self,
        mend: Option<Timestamp>,
        sink: &mut Sink<'_>,
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        for partition in self.commands.partitions.iter() {
            let (tally, sink) = (&mut tally, &mut *sink);
            let (damaged, unlisted, foreign) = Default::default();
            let mut look = Look {
                store: self,
                partition,
                mend,
                damaged,
                unlisted,
                foreign,
                tally,
                sink,
            };
            if look.types().await? && look.head().await? {
                look.scores().await?;
                look.people().await?;
                look.ids().await?;
                look.log().await?;
            }
            // What mends begins new epochs, and so comes behind what the log has to say.
            std::mem::take(&mut look.damaged)
                .settle(self, partition, mend, look.tally, look.sink)
                .await?;
            look.list().await?;
            look.take_out().await?;
        }
        Ok(tally)
    }
}
