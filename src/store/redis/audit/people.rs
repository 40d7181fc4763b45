//! The audit of records and the list of ids: each record can be read and is listed, each listed id
//! has a record.

use ::redis::{Value, pipe};

use super::partition::{PORTION, PartitionAudit};
use crate::domain::PersonId;
use crate::store::audit::{FindingKind, Repair};
use crate::store::redis::reply;
use crate::store::{CorruptRecord, StoreError};

/// Unlisted people, and foreign members of the list, that one audit of a partition remembers. The
/// next audit finds the rest.
const REMEMBERED: usize = 100_000;

impl PartitionAudit<'_, '_> {
    /// Checks that every record can be read, and that its id is listed.
    pub(super) async fn people(&mut self) -> Result<(), StoreError> {
        let mut cursor = "0".to_owned();
        loop {
            let keys = self.store.commands.keys.of(self.partition);
            let (next, values) = self.scan("HSCAN", &keys.people, &cursor).await?;
            let mut sound = Vec::new();
            for pair in values.chunks_exact(2) {
                let [Value::BulkString(name), record] = pair else {
                    continue;
                };
                self.tally.people += 1;
                match self.own(name) {
                    None => self.foreign_record(name),
                    Some(id) => match reply::person(id, record) {
                        Ok(_) => sound.push(id),
                        Err(why) => self.damaged.add(id, why),
                    },
                }
            }
            self.unlisted(sound).await?;
            if next == "0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    fn foreign_record(&mut self, name: &[u8]) {
        let by_hand =
            "no person has this id, and no list shows it: HDEL it by hand if it is of no use";
        let repair = self.mend.map(|_| Repair::ByHand(by_hand.to_owned()));
        self.report(
            FindingKind::ForeignRecord(name.escape_ascii().to_string()),
            repair,
        );
    }

    /// Remembers people with a sound record that are not listed.
    async fn unlisted(&mut self, people: Vec<PersonId>) -> Result<(), StoreError> {
        let suspects = self.not_listed(people).await?;
        // Asked twice: a person may have been deleted, or created, between the two questions.
        let unlisted = self.not_listed(suspects).await?;
        let room = REMEMBERED - self.unlisted.len();
        self.unlisted.extend(unlisted.into_iter().take(room));
        Ok(())
    }

    /// The people among these that are not listed and have a record.
    async fn not_listed(&self, people: Vec<PersonId>) -> Result<Vec<PersonId>, StoreError> {
        if people.is_empty() {
            return Ok(people);
        }
        let mut pipeline = pipe();
        for id in &people {
            let member = id.to_string();
            pipeline
                .cmd("ZSCORE")
                .arg(&self.store.commands.keys.of(self.partition).ids)
                .arg(member);
            pipeline.add_command(self.store.commands.get(*id));
        }
        let answers = self.ask(&pipeline).await?;
        let is_unlisted = |answers: &[Value]| answers[0] == Value::Nil && answers[1] != Value::Nil;
        Ok(people
            .into_iter()
            .zip(answers.chunks_exact(2))
            .filter(|(_, two)| is_unlisted(two))
            .map(|(id, _)| id)
            .collect())
    }

    /// Checks that every member of the list is an id of the partition, and has a record.
    pub(super) async fn ids(&mut self) -> Result<(), StoreError> {
        let mut cursor = "0".to_owned();
        loop {
            let keys = self.store.commands.keys.of(self.partition);
            let (next, values) = self.scan("ZSCAN", &keys.ids, &cursor).await?;
            let mut own = Vec::new();
            for pair in values.chunks_exact(2) {
                let [Value::BulkString(member), _] = pair else {
                    continue;
                };
                match self.own(member) {
                    Some(id) => own.push(id),
                    None if self.foreign.len() < REMEMBERED => self.foreign.push(member.clone()),
                    None => {}
                }
            }
            self.without_record(own).await?;
            if next == "0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Remembers listed ids without a record.
    async fn without_record(&mut self, listed: Vec<PersonId>) -> Result<(), StoreError> {
        let mut pipeline = pipe();
        for id in &listed {
            pipeline.add_command(self.store.commands.get(*id));
        }
        if listed.is_empty() {
            return Ok(());
        }
        for (id, record) in listed.into_iter().zip(self.ask(&pipeline).await?) {
            if record == Value::Nil {
                self.damaged.add(id, CorruptRecord::Missing);
            }
        }
        Ok(())
    }

    /// Reports unlisted people, and lists them again.
    pub(super) async fn list(&mut self) -> Result<(), StoreError> {
        for people in std::mem::take(&mut self.unlisted).chunks(PORTION) {
            let repair = self
                .repair(
                    "listed, and a new epoch has begun",
                    self.change_list(false, people, &[]),
                )
                .await?;
            for id in people {
                self.report(FindingKind::Unlisted(*id), repair.clone());
            }
        }
        Ok(())
    }

    /// Reports foreign members, and removes them from the list.
    pub(super) async fn take_out(&mut self) -> Result<(), StoreError> {
        for members in std::mem::take(&mut self.foreign).chunks(PORTION) {
            let repair = self
                .repair(
                    "removed from the list; no person has this id",
                    self.change_list(false, &[], members),
                )
                .await?;
            for member in members {
                self.report(
                    FindingKind::ForeignId(member.escape_ascii().to_string()),
                    repair.clone(),
                );
            }
        }
        Ok(())
    }
}
