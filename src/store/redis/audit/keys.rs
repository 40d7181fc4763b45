//! The audit checks a partition's keys before it reads what is in them: their types, the log's
//! head, and the scores of the list of ids.

use ::redis::pipe;

use super::look::Look;
use crate::domain::Position;
use crate::store::StoreError;
use crate::store::audit::{Mended, Wrong};
use crate::store::redis::reply;

impl Look<'_, '_> {
    /// Whether each key is of our type.
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
                let by_hand = || Mended::No(format!("RENAME {key}, and run this again"));
                let mended = self.mend.map(|_| by_hand());
                self.tell(Wrong::Type(key.clone(), found), mended);
            }
        }
        Ok(sound)
    }

    /// Whether there is a head, or is one again.
    pub(super) async fn head(&mut self) -> Result<bool, StoreError> {
        if self.read_head().await?.is_some() {
            return Ok(true);
        }
        let mended = self
            .mended("a new epoch has begun", self.store.restore())
            .await?;
        let goes_on = mended.is_some();
        self.tell(Wrong::Head, mended);
        Ok(goes_on)
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

    pub(super) async fn scores(&mut self) -> Result<(), StoreError> {
        let keys = self.store.commands.keys.of(self.partition);
        let mut pipeline = pipe();
        for place in [0, -1] {
            pipeline
                .cmd("ZRANGE")
                .arg(&keys.ids)
                .arg(place)
                .arg(place)
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
            let mended = self
                .mended("all are 0", self.store.even(self.partition))
                .await?;
            self.tell(Wrong::Scores, mended);
        }
        Ok(())
    }
}
