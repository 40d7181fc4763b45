//! A disk, a store on it, and the people that are in it by the answers so far.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::domain::{PersonId, Timestamp};
use crate::store::embedded::EmbeddedStore;
use crate::store::embedded::tests::disk::{Disk, RESERVE, id, save, store_on};
use crate::store::{PageLimits, RequestKey, Store, StoreError, Write, WriteOutcome};

/// More than is ever saved.
pub(super) const ALL: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

/// A disk, a store on it, and the people that are in it by the answers so far.
pub(super) struct FullDiskWorld {
    pub(super) disk: Arc<Disk>,
    pub(super) store: Arc<EmbeddedStore>,
    pub(super) people: BTreeSet<PersonId>,
}

impl FullDiskWorld {
    /// A disk full of people of a page each.
    pub(super) async fn filled() -> Self {
        let disk = Arc::new(Disk::default());
        let mut world = Self {
            store: store_on(&disk),
            disk,
            people: BTreeSet::new(),
        };
        world.saves(0..800).await.expect("an empty disk");
        assert_eq!(world.disk.reserved(), RESERVE);
        world.disk.leave_blocks(Some(10));
        let full = world.saves(1_000..2_000).await;
        assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
        world.agrees().await;
        world
    }

    pub(super) async fn saves(&mut self, numbers: std::ops::Range<u64>) -> Result<(), StoreError> {
        for number in numbers {
            self.store.apply(large(number)).await?;
            self.people.insert(id(number));
        }
        Ok(())
    }

    /// The store has the people whose save was acknowledged, unless their delete was.
    pub(super) async fn agrees(&self) {
        let mut found = BTreeSet::new();
        for partition in self.store.partitions().iter() {
            let page = self
                .store
                .page(partition, None, PageLimits::people(ALL))
                .await
                .expect("it can be read");
            found.extend(page.people.iter().map(|person| person.id));
        }
        assert_eq!(found, self.people);
    }

    /// Sends all writes while the disk is stopped, so that all but the first are one batch.
    pub(super) async fn together(
        &self,
        writes: impl IntoIterator<Item = Write>,
    ) -> Vec<Result<WriteOutcome, StoreError>> {
        let mut sent: Vec<_> = writes
            .into_iter()
            .map(|write| self.store.apply(write))
            .collect();
        {
            let _still = self.disk.stopped();
            assert!(sent.iter_mut().all(|write| write.now_or_never().is_none()));
        }
        join_all(sent).await
    }
}

pub(super) fn large(number: u64) -> Write {
    save(number, &"x".repeat(900))
}

pub(super) fn delete(id: PersonId) -> Write {
    Write::delete(id, Timestamp::from_millis(1))
}

pub(super) fn keyed(write: Write, fingerprint: u8) -> Write {
    write.keyed(Some(RequestKey {
        name: [1; 32],
        fingerprint: [fingerprint; 32],
    }))
}

pub(super) fn is_full(answer: &Result<WriteOutcome, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Full(_)))
}

pub(super) fn is_done(answer: &Result<WriteOutcome, StoreError>) -> bool {
    matches!(answer, Ok(WriteOutcome::Done { .. }))
}
