//! `Look` holds what the audit of one partition knows so far. It asks Redis, tells the sink what is
//! wrong, and mends where the operator wants that.

use ::redis::{Cmd, Pipeline, Value, cmd, pipe};

use crate::domain::{Epoch, Partition, PersonId, Timestamp};
use crate::store::StoreError;
use crate::store::audit::{Damaged, Mended, Sink, Tally, Wrong};
use crate::store::redis::commands::fresh;
use crate::store::redis::keys::ids;
use crate::store::redis::scripts::SCRIPTS;
use crate::store::redis::{RedisStore, reply};

/// Members, records or entries that are read at once.
pub(super) const PORTION: usize = 500;

/// The look at one partition.
pub(super) struct Look<'a, 'b> {
    pub(super) store: &'a RedisStore,
    pub(super) partition: Partition,
    /// The time of mending writes; none where nothing is to be mended.
    pub(super) mend: Option<Timestamp>,
    pub(super) damaged: Damaged,
    pub(super) unlisted: Vec<PersonId>,
    /// Members of the list that are no ids of the partition.
    pub(super) foreign: Vec<Vec<u8>>,
    pub(super) tally: &'a mut Tally,
    pub(super) sink: &'a mut Sink<'b>,
}

impl Look<'_, '_> {
    pub(super) async fn ask(&self, pipeline: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let answers = self.store.ask_alone(pipeline, pipeline.len()).await?;
        answers
            .into_iter()
            .map(|answer| answer.map_err(StoreError::from))
            .collect()
    }

    pub(super) async fn ask_one(&self, pipeline: &Pipeline) -> Result<Value, StoreError> {
        self.store.first(pipeline).await
    }

    /// One portion of a hash or a sorted set, and where the next begins; `0` after the last.
    pub(super) async fn scan(
        &self,
        command: &str,
        key: &str,
        cursor: &str,
    ) -> Result<(String, Vec<Value>), StoreError> {
        let mut scan = cmd(command);
        scan.arg(key).arg(cursor).arg("COUNT").arg(PORTION);
        let mut pipeline = pipe();
        pipeline.add_command(scan);
        let mut parts = reply::list(self.ask_one(&pipeline).await?)?.into_iter();
        let next = reply::text(parts.next().unwrap_or(Value::Nil))?;
        Ok((next, reply::list(parts.next().unwrap_or(Value::Nil))?))
    }

    pub(super) fn own(&self, name: &[u8]) -> Option<PersonId> {
        ids::listed(name).filter(|id| self.store.commands.partitions.of(*id) == self.partition)
    }

    /// Does what mends, where mending is wanted; in words, how.
    pub(super) async fn mended(
        &self,
        how: &'static str,
        mend: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<Option<Mended>, StoreError> {
        if self.mend.is_none() {
            return Ok(None);
        }
        mend.await.map(|()| Some(Mended::Yes(how)))
    }

    pub(super) fn tell(&mut self, what: Wrong, mended: Option<Mended>) {
        self.tally.tell(self.sink, self.partition, what, mended);
    }

    /// Lists people again, takes out members that are nobody's, begins a new epoch where asked for
    /// or needed.
    pub(super) async fn change_list(
        &self,
        anew: bool,
        list: &[PersonId],
        take_out: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        let keys = self.store.commands.keys.of(self.partition);
        let mut command: Cmd =
            SCRIPTS
                .mend
                .call_by_text(&[&keys.meta, &keys.log, &keys.people, &keys.ids]);
        command
            .arg(Epoch::new(fresh()).to_string())
            .arg(if anew { "1" } else { "0" })
            .arg(list.len());
        for id in list {
            command.arg(id.encode(&mut PersonId::buffer()));
        }
        for member in take_out {
            command.arg(member.as_slice());
        }
        let mut pipeline = pipe();
        pipeline.add_command(command);
        self.ask_one(&pipeline).await.map(drop)
    }
}
