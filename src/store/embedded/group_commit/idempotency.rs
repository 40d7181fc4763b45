//! Idempotency records, in two tables: by name, and by expiry.

use std::time::Duration;

use redb::{ReadableTable, Table, WriteTransaction};

use crate::domain::Partition;
use crate::store::embedded::tables::{self, EXPIRIES, FileFailure, KEYS, KeyName};
use crate::store::{IdempotencyRecord, RequestKey};

/// The two tables, open in one transaction.
pub(super) struct IdempotencyRecords<'t> {
    records: Table<'t, (u16, KeyName), (u64, &'static [u8; 32], &'static str)>,
    expiries: Table<'t, (u64, u16, KeyName), ()>,
    /// Time to live of a record after its last use.
    life: Duration,
    /// The time by the clock in milliseconds. Records that expire up to it are gone.
    now: u64,
}

impl<'t> IdempotencyRecords<'t> {
    pub(super) fn open(
        transaction: &'t WriteTransaction,
        life: Duration,
        now: u64,
    ) -> Result<Self, FileFailure> {
        Ok(Self {
            records: transaction.open_table(KEYS)?,
            expiries: transaction.open_table(EXPIRIES)?,
            life,
            now,
        })
    }

    /// The record of a key, unless it has expired.
    pub(super) fn live(
        &self,
        partition: Partition,
        key: &RequestKey,
    ) -> Result<Option<IdempotencyRecord>, FileFailure> {
        live_key(&self.records, partition, key, self.now)
    }

    /// Writes a record, or gives an existing one a new expiry.
    pub(super) fn remember(
        &mut self,
        partition: Partition,
        key: &RequestKey,
        recorded: &IdempotencyRecord,
    ) -> Result<(), FileFailure> {
        let text = tables::encode_recorded(recorded);
        let life = u64::try_from(self.life.as_millis()).unwrap_or(u64::MAX);
        let expires = self.now.saturating_add(life);
        let name = (partition.get(), &key.name);
        let replaced = self
            .records
            .insert(name, (expires, &key.fingerprint, text.as_str()))?
            .map(|old| old.value().0);
        if let Some(old) = replaced {
            self.expiries.remove((old, partition.get(), &key.name))?;
        }
        self.expiries
            .insert((expires, partition.get(), &key.name), ())?;
        Ok(())
    }

    /// Removes at most `most` expired records, the oldest first.
    pub(super) fn purge(&mut self, most: usize) -> Result<(), FileFailure> {
        for _ in 0..most {
            let Some((key, _)) = self.expiries.first()? else {
                break;
            };
            let (expires, partition, name) = key.value();
            if expires > self.now {
                break;
            }
            let name = *name;
            drop(key);
            self.records.remove((partition, &name))?;
            self.expiries.remove((expires, partition, &name))?;
        }
        Ok(())
    }
}

/// The record of an idempotency key, unless it has expired.
pub(in crate::store::embedded) fn live_key(
    keys: &impl ReadableTable<(u16, KeyName), (u64, &'static [u8; 32], &'static str)>,
    partition: Partition,
    key: &RequestKey,
    now: u64,
) -> Result<Option<IdempotencyRecord>, FileFailure> {
    let Some(stored) = keys.get((partition.get(), &key.name))? else {
        return Ok(None);
    };
    let (expires, fingerprint, text) = stored.value();
    if expires <= now {
        return Ok(None);
    }
    tables::decode_recorded(partition, *fingerprint == key.fingerprint, text).map(Some)
}
