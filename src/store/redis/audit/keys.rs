//! The audit of a partition's keys, before their contents are read: types, the log's head, and the
//! scores of the list of ids.

use ::redis::pipe;

use super::partition::PartitionAudit;
use crate::domain::Position;
use crate::store::StoreError;
use crate::store::audit::{FindingKind, Repair};
use crate::store::redis::reply;

impl PartitionAudit<'_, '_> {
    /// Checks that each key has its type.
    pub(super) async fn types(&mut self) -> Result<bool, StoreError> {
        let keys = self.store.commands.keys.of(self.partition);
        let wanted = [
            (&keys.meta, "hash"),
            (&keys.log, "stream"),
            (&keys.people, "hash"),
            (&keys.ids, "zset"),
        ];
        let mut pipeline = pipe();
        for (key, _) in wanted {
            pipeline.cmd("TYPE").arg(key);
        }
        let mut sound = true;
        for ((key, wanted), found) in wanted.into_iter().zip(self.ask(&pipeline).await?) {
            let found = reply::text(found)?;
            if found != wanted && found != "none" {
                sound = false;
                let by_hand = || Repair::ByHand(format!("RENAME {key}, and run this again"));
                let repair = self.mend.map(|_| by_hand());
                self.report(FindingKind::Type(key.clone(), found), repair);
            }
        }
        Ok(sound)
    }

    /// Checks the head, and returns whether there is one, perhaps after a repair.
    pub(super) async fn head(&mut self) -> Result<bool, StoreError> {
        if self.read_head().await?.is_some() {
            return Ok(true);
        }
        let repair = self
            .repair("a new epoch has begun", self.store.restore(self.partition))
            .await?;
        let is_repaired = repair.is_some();
        self.report(FindingKind::Head, repair);
        Ok(is_repaired)
    }

    async fn read_head(&self) -> Result<Option<Position>, StoreError> {
        let keys = self.store.commands.keys.of(self.partition);
        let mut pipeline = pipe();
        pipeline
            .cmd("HMGET")
            .arg(&keys.meta)
            .arg("e")
            .arg("s")
            .arg("t");
        reply::head_of(self.ask_one(&pipeline).await?)
    }

    /// Checks that the lowest and the highest score are 0.
    pub(super) async fn scores(&mut self) -> Result<(), StoreError> {
        let keys = self.store.commands.keys.of(self.partition);
        let mut pipeline = pipe();
        for index in [0, -1] {
            pipeline
                .cmd("ZRANGE")
                .arg(&keys.ids)
                .arg(index)
                .arg(index)
                .arg("WITHSCORES");
        }
        let mut is_even = true;
        for answer in self.ask(&pipeline).await? {
            let score = reply::list(answer)?.into_iter().nth(1);
            is_even &= score.is_none_or(|score| {
                reply::text(score).is_ok_and(|score| score == "0" || score == "-0")
            });
        }
        if !is_even {
            let repair = self
                .repair("all are 0", self.store.even(self.partition))
                .await?;
            self.report(FindingKind::Scores, repair);
        }
        Ok(())
    }
}
