//! The audit of the file: it reads everything in portions, and compares it. The file is locked, so
//! no other process changes it.

use redb::ReadTransaction;

use super::EmbeddedStore;
use super::tables::{self, FileFailure, HEADS, LOG, PEOPLE};
use crate::domain::{Partition, PersonId, Position, Timestamp};
use crate::store::audit::{AuditTally, DamagedPeople, FindingKind, FindingSink, Repair};
use crate::store::{CorruptRecord, StoreError, StoredPerson, decode_frame};

/// Rows of one transaction: a long transaction would keep freed pages of the file in use.
const PORTION: usize = 1_000;

impl EmbeddedStore {
    /// Compares people, log and head in every partition, and reports faults to `sink`. With `mend`,
    /// the time by the clock, repairs those that it can. The checksums of the pages were compared
    /// when the file was opened.
    pub async fn audit(
        &self,
        mend: Option<Timestamp>,
        sink: &mut FindingSink<'_>,
    ) -> Result<AuditTally, StoreError> {
        let mut tally = AuditTally::default();
        for partition in self.options.partitions.iter() {
            let mut damaged = DamagedPeople::default();
            self.audit_people(partition, &mut damaged, &mut tally, sink)
                .await?;
            self.audit_log(partition, mend, &mut damaged, &mut tally, sink)
                .await?;
            damaged
                .settle(self, partition, mend, &mut tally, sink)
                .await?;
        }
        Ok(tally)
    }

    /// Checks every record.
    async fn audit_people(
        &self,
        partition: Partition,
        damaged: &mut DamagedPeople,
        tally: &mut AuditTally,
        sink: &mut FindingSink<'_>,
    ) -> Result<(), StoreError> {
        let mut from = Some(0);
        while let Some(first) = from {
            let rows = self
                .read(move |transaction| people(transaction, partition, first))
                .await?;
            from = rows
                .last()
                .filter(|_| rows.len() == PORTION)
                .and_then(|(id, _)| id.uuid().as_u128().checked_add(1));
            for (id, record) in rows {
                tally.people += 1;
                match record {
                    _ if self.options.partitions.of(id) != partition => {
                        tally.report(
                            sink,
                            partition,
                            FindingKind::ForeignRecord(id.to_string()),
                            None,
                        );
                    }
                    Some(why) => damaged.add(id, why),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Checks that the entries follow each other, and end at the head.
    async fn audit_log(
        &self,
        partition: Partition,
        mend: Option<Timestamp>,
        damaged: &mut DamagedPeople,
        tally: &mut AuditTally,
        sink: &mut FindingSink<'_>,
    ) -> Result<(), StoreError> {
        let cannot = || {
            mend.map(|_| {
                Repair::ByHand(
                    "the log stays as it is: views behind the fault begin anew".to_owned(),
                )
            })
        };
        let (mut from, mut last): (_, Option<Position>) = (0, None);
        loop {
            let rows = self
                .read(move |transaction| entries(transaction, partition, from))
                .await?;
            let is_last = rows.len() < PORTION;
            for (seq, frame) in rows {
                tally.entries += 1;
                from = seq.saturating_add(1);
                match decode_frame(partition, &frame) {
                    Ok(change) if change.at.position.seq.get() == seq => {
                        if last.is_some() && change.predecessor() != last {
                            let why = "does not follow the one before it".to_owned();
                            tally.report(sink, partition, FindingKind::Entry(seq, why), cannot());
                        }
                        last = Some(change.at.position);
                        damaged.note(&change);
                    }
                    _ => {
                        last = None;
                        tally.report(
                            sink,
                            partition,
                            FindingKind::Entry(seq, "cannot be read".to_owned()),
                            cannot(),
                        );
                    }
                }
            }
            if is_last {
                break;
            }
        }
        let head = self
            .read(move |transaction| tables::head(&transaction.open_table(HEADS)?, partition))
            .await?;
        let ends = if last.is_none() {
            from == 0 || from == head.seq.get() + 1
        } else {
            last == Some(head)
        };
        if !ends {
            tally.report(
                sink,
                partition,
                FindingKind::End(from.checked_sub(1), head.to_string()),
                cannot(),
            );
        }
        Ok(())
    }
}

type PersonRow = (PersonId, Option<CorruptRecord>);

fn people(
    transaction: &ReadTransaction,
    partition: Partition,
    first: u128,
) -> Result<Vec<PersonRow>, FileFailure> {
    let table = transaction.open_table(PEOPLE)?;
    let mut rows = Vec::new();
    for row in table
        .range((partition.get(), first)..=(partition.get(), u128::MAX))?
        .take(PORTION)
    {
        let (key, text) = row?;
        let id = PersonId::new(uuid::Uuid::from_u128(key.value().1));
        rows.push((id, StoredPerson::decode(text.value()).err()));
    }
    Ok(rows)
}

fn entries(
    transaction: &ReadTransaction,
    partition: Partition,
    from: u64,
) -> Result<Vec<(u64, Vec<u8>)>, FileFailure> {
    let table = transaction.open_table(LOG)?;
    let mut rows = Vec::new();
    for row in table
        .range((partition.get(), from)..=(partition.get(), u64::MAX))?
        .take(PORTION)
    {
        let (key, frame) = row?;
        rows.push((key.value().1, frame.value().to_vec()));
    }
    Ok(rows)
}
