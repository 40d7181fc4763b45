//! A page of people, and its bounds.

use std::num::NonZeroUsize;

use super::CorruptRecord;
use super::damage::{DamageLocation, KnownDamage};
use crate::domain::{Partition, Person, PersonId, Position};

/// Bounds of a page of people.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// People on the page, those with damaged records included.
    pub people: NonZeroUsize,
    /// Bytes of their records as they are stored. The first person is on the page whatever its
    /// size.
    pub bytes: usize,
}

/// A range of people, read in one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionPage {
    /// The partition's head at that instant.
    pub head: Position,
    /// In id order; perhaps none, although more follow.
    pub people: Vec<Person>,
    /// The last id that the page covers, if more people may follow; none at the partition's end.
    pub next: Option<PersonId>,
}

/// A page as a store read it, with the people that are missing from it because their records are
/// damaged.
pub(super) struct StoredPage {
    pub(super) page: PartitionPage,
    pub(super) damaged: Vec<(PersonId, CorruptRecord)>,
}

impl PageLimits {
    /// A page of at most `people` people, of any size.
    pub const fn people(people: NonZeroUsize) -> Self {
        Self {
            people,
            bytes: usize::MAX,
        }
    }

    /// Whether a record of `bytes` is too much for a page that has `people` people of `held` bytes.
    pub(super) fn are_passed(self, people: usize, held: usize, bytes: usize) -> bool {
        people >= self.people.get() || (people > 0 && held.saturating_add(bytes) > self.bytes)
    }
}

impl StoredPage {
    /// An empty page.
    pub(super) const fn empty(head: Position) -> Self {
        Self {
            page: PartitionPage::empty(head),
            damaged: Vec::new(),
        }
    }

    /// Notes the damage that the page shows, and known damage that it shows mended. The page covers
    /// people of `partition` after the id `after`.
    pub(super) fn noted(
        self,
        damage: &KnownDamage,
        partition: Partition,
        after: Option<PersonId>,
    ) -> PartitionPage {
        let Self { page, damaged } = self;
        for known in damage.known() {
            if let DamageLocation::Person(of, id) = known
                && of == partition
                && after.is_none_or(|after| id > after)
                && page.next.is_none_or(|next| id <= next)
                && damaged.iter().all(|(other, _)| *other != id)
            {
                damage.mended(known);
            }
        }
        for (id, why) in damaged {
            damage.found(DamageLocation::Person(partition, id), &why.to_string());
        }
        page
    }
}

impl PartitionPage {
    /// A page without people.
    pub(super) const fn empty(head: Position) -> Self {
        Self {
            head,
            people: Vec::new(),
            next: None,
        }
    }
}
