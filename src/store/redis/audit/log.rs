//! The audit of a partition's log, from its oldest entry: each entry follows the one before it, and
//! the last one is the head.

use std::num::NonZeroUsize;

use ::redis::{Value, pipe};

use super::partition::{PORTION, PartitionAudit};
use crate::domain::{Position, Seq};
use crate::store::audit::{FindingKind, Repair};
use crate::store::log::chain::EntryFault;
use crate::store::redis::reply;
use crate::store::{Store as _, StoreError};

impl PartitionAudit<'_, '_> {
    /// Checks that the entries follow each other, and end at the head.
    pub(super) async fn log(&mut self) -> Result<(), StoreError> {
        let (mut last, mut from): (Option<Position>, Option<Seq>) = (None, None);
        loop {
            let entries = self.entries(from).await?;
            let count = entries.len();
            for entry in entries {
                let Some((seq, entry)) = reply::entry(self.partition, Value::Array(vec![entry]))?
                else {
                    continue;
                };
                self.tally.entries += 1;
                let wanted = from.unwrap_or(seq.unwrap_or(Seq::START));
                let seq = seq.unwrap_or(wanted);
                from = Some(seq.next());
                let follows = match &entry {
                    Ok(change) => last.is_none() || change.predecessor() == last,
                    Err(fault) => *fault == EntryFault::UnknownBefore,
                };
                last = entry.as_ref().ok().map(|change| change.at.position);
                if let Ok(change) = &entry {
                    self.damaged.note(change);
                }
                if !follows && !self.is_trimmed(wanted).await? {
                    let why = entry.map_or_else(
                        |fault| fault.to_string(),
                        |_| "does not follow the one before it".to_owned(),
                    );
                    // Sound entries after a hole stay.
                    let flawed = if last.is_some() { wanted } else { seq };
                    let repair = self.trim(flawed).await?;
                    self.report(FindingKind::Entry(flawed.get(), why), repair);
                }
            }
            if count < PORTION {
                return self.end().await;
            }
        }
    }

    /// Whether the log begins after this entry now.
    async fn is_trimmed(&self, seq: Seq) -> Result<bool, StoreError> {
        let mut pipeline = pipe();
        pipeline.add_command(self.store.commands.entry(self.partition, None));
        let oldest = reply::entry(self.partition, self.ask_one(&pipeline).await?)?;
        Ok(oldest
            .and_then(|(oldest, _)| oldest)
            .is_none_or(|oldest| oldest > seq))
    }

    async fn entries(&self, from: Option<Seq>) -> Result<Vec<Value>, StoreError> {
        let mut pipeline = pipe();
        let from = from.map_or("-".to_owned(), |seq| format!("{seq}-0"));
        let key = &self.store.commands.keys.of(self.partition).log;
        pipeline
            .cmd("XRANGE")
            .arg(key)
            .arg(from)
            .arg("+")
            .arg("COUNT")
            .arg(PORTION);
        reply::list(self.ask_one(&pipeline).await?)
    }

    /// Removes an entry and all before it from the log: no reader can continue across it.
    async fn trim(&self, seq: Seq) -> Result<Option<Repair>, StoreError> {
        if self.mend.is_none() {
            return Ok(None);
        }
        let key = &self.store.commands.keys.of(self.partition).log;
        let mut pipeline = pipe();
        pipeline
            .cmd("XTRIM")
            .arg(key)
            .arg("MINID")
            .arg(format!("{}-0", seq.next()));
        self.ask_one(&pipeline).await?;
        Ok(Some(Repair::Done(
            "removed, with those before it: views behind it begin anew",
        )))
    }

    /// Checks that the log ends at its head; both are read in one instant.
    async fn end(&mut self) -> Result<(), StoreError> {
        let answer = self.store.tail(self.partition, NonZeroUsize::MIN).await?;
        let mut pipeline = pipe();
        pipeline.add_command(self.store.commands.count(self.partition));
        let parts = reply::list(self.ask_one(&pipeline).await?)?;
        let [_, _, head, end] = &parts[..] else {
            return Ok(());
        };
        let (head, end) = (reply::text(head.clone())?, reply::text(end.clone())?);
        let end = end.strip_suffix("-0").and_then(|end| end.parse().ok());
        if end.map(|end: u64| end.to_string()).as_deref() == Some(&head)
            || (end.is_none() && head == "0")
        {
            return Ok(());
        }
        let repair = self
            .repair("a new epoch has begun", self.change_list(true, &[], &[]))
            .await?;
        self.report(FindingKind::End(end, answer.head.to_string()), repair);
        Ok(())
    }
}
