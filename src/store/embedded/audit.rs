//! Everything that the file keeps, read in portions and compared. The file is this process's alone:
//! it is locked.

use redb::ReadTransaction;

use super::EmbeddedStore;
use super::tables::{self, Failure, HEADS, LOG, PEOPLE};
use crate::domain::{Partition, PersonId, Position, Timestamp};
use crate::store::audit::{Damaged, Mended, Sink, Tally, Wrong};
use crate::store::{Record, StoreError, decode_frame};

/// Rows that are read in one transaction, so that room in the file which others free is not held
/// for long.
const PORTION: usize = 1_000;

impl EmbeddedStore {
    /// Compares people, log and head in every partition, and tells `sink` what is wrong. With
    /// `mend`, the clock's time, mends what can be. That the file's pages are what was written was
    /// checked when it was opened.
    pub async fn audit(
        &self,
        mend: Option<Timestamp>,
        sink: &mut Sink<'_>,
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        for partition in self.options.partitions.iter() {
            let mut damaged = Damaged::default();
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

    async fn audit_people(
        &self,
        partition: Partition,
        damaged: &mut Damaged,
        tally: &mut Tally,
        sink: &mut Sink<'_>,
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
                        tally.tell(sink, partition, Wrong::ForeignRecord(id.to_string()), None);
                    }
                    Some(why) => damaged.add(id, why),
                    None => {}
                }
            }
        }
        Ok(())
    }

    async fn audit_log(
        &self,
        partition: Partition,
        mend: Option<Timestamp>,
        damaged: &mut Damaged,
        tally: &mut Tally,
        sink: &mut Sink<'_>,
    ) -> Result<(), StoreError> {
        let cannot = || {
            mend.map(|_| {
                Mended::No("the log is left as it is: who is behind it begins anew".to_owned())
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
                            tally.tell(sink, partition, Wrong::Entry(seq, why), cannot());
                        }
                        last = Some(change.at.position);
                        damaged.note(&change);
                    }
                    _ => {
                        last = None;
                        tally.tell(
                            sink,
                            partition,
                            Wrong::Entry(seq, "cannot be read".to_owned()),
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
            tally.tell(
                sink,
                partition,
                Wrong::End(from.checked_sub(1), head.to_string()),
                cannot(),
            );
        }
        Ok(())
    }
}

type Row = (PersonId, Option<crate::store::CorruptRecord>);

fn people(
    transaction: &ReadTransaction,
    partition: Partition,
    first: u128,
) -> Result<Vec<Row>, Failure> {
    let table = transaction.open_table(PEOPLE)?;
    let mut rows = Vec::new();
    for row in table
        .range((partition.get(), first)..=(partition.get(), u128::MAX))?
        .take(PORTION)
    {
        let (key, text) = row?;
        let id = PersonId::new(uuid::Uuid::from_u128(key.value().1));
        rows.push((id, Record::decode(text.value()).err()));
    }
    Ok(rows)
}

fn entries(
    transaction: &ReadTransaction,
    partition: Partition,
    from: u64,
) -> Result<Vec<(u64, Vec<u8>)>, Failure> {
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
