//! The state of the audit of one partition, and its steps: ask Redis, report, repair.

use ::redis::{Cmd, Pipeline, Value, cmd, pipe};

use crate::domain::{Epoch, Partition, PersonId, Timestamp};
use crate::store::StoreError;
use crate::store::audit::{AuditTally, DamagedPeople, FindingKind, FindingSink, Repair};
use crate::store::redis::commands::{fresh, ids};
use crate::store::redis::reply;
use crate::store::redis::scripts::SCRIPTS;
use crate::store::redis::store::RedisStore;
use crate::store::redis::topology::Home;

/// Members, records or entries of one read.
pub(super) const PORTION: usize = 500;

/// The audit of one partition.
pub(super) struct PartitionAudit<'a, 'b> {
    pub(super) store: &'a RedisStore,
    pub(super) partition: Partition,
    /// The time of repairs; none if the audit only reports.
    pub(super) mend: Option<Timestamp>,
    pub(super) damaged: DamagedPeople,
    pub(super) unlisted: Vec<PersonId>,
    /// Members of the list that are no ids of the partition.
    pub(super) foreign: Vec<Vec<u8>>,
    pub(super) tally: &'a mut AuditTally,
    pub(super) sink: &'a mut FindingSink<'b>,
}

impl PartitionAudit<'_, '_> {
    pub(super) async fn ask(&self, pipeline: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let answers = self
            .store
            .router
            .ask_alone(Home::Partition(self.partition), pipeline, pipeline.len())
            .await?;
        answers
            .into_iter()
            .map(|answer| answer.map_err(StoreError::from))
            .collect()
    }

    pub(super) async fn ask_one(&self, pipeline: &Pipeline) -> Result<Value, StoreError> {
        self.store
            .router
            .first(Home::Partition(self.partition), pipeline)
            .await
    }

    /// One portion of a hash or a sorted set, and the cursor of the next one; `0` after the last.
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

    /// The id of the partition that a name is.
    pub(super) fn own(&self, name: &[u8]) -> Option<PersonId> {
        ids::listed(name).filter(|id| self.store.commands.partitions.of(*id) == self.partition)
    }

    /// Runs a repair, if the audit repairs; `how` describes it.
    pub(super) async fn repair(
        &self,
        how: &'static str,
        repair: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<Option<Repair>, StoreError> {
        if self.mend.is_none() {
            return Ok(None);
        }
        repair.await.map(|()| Some(Repair::Done(how)))
    }

    pub(super) fn report(&mut self, kind: FindingKind, repair: Option<Repair>) {
        self.tally.report(self.sink, self.partition, kind, repair);
    }

    /// Adds people to the list of ids, removes foreign members, and begins a new epoch if `anew` or
    /// needed.
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
