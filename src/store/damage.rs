//! What reading finds damaged, noted where an operator sees it.

use super::chain::{Flaw, UNKNOWN_BEFORE};
use super::{CorruptRecord, Page};
use crate::domain::{Partition, PersonId};
use crate::telemetry::{DamageAt, Damages};

/// A page as it was read, and the people who are left out of it because their records are damaged.
pub(super) struct PageRead {
    pub(super) page: Page,
    pub(super) damaged: Vec<(PersonId, CorruptRecord)>,
}

impl PageRead {
    /// Notes who is damaged and who is not any more, of the people of `partition` after the id
    /// `after`.
    pub(super) fn noted(
        self,
        damages: &Damages,
        partition: Partition,
        after: Option<PersonId>,
    ) -> Page {
        let Self { page, damaged } = self;
        for known in damages.known() {
            if let DamageAt::Person(of, id) = known
                && of == partition
                && after.is_none_or(|after| id > after)
                && page.next.is_none_or(|next| id <= next)
                && damaged.iter().all(|(other, _)| *other != id)
            {
                damages.mended(known);
            }
        }
        for (id, why) in damaged {
            damages.found(DamageAt::Person(partition, id), &why.to_string());
        }
        page
    }
}

/// Notes what is known of one person now.
pub(super) fn note_person(
    damages: &Damages,
    partition: Partition,
    id: PersonId,
    damage: Option<&CorruptRecord>,
) {
    match damage {
        Some(why) => damages.found(DamageAt::Person(partition, id), &why.to_string()),
        None => damages.mended(DamageAt::Person(partition, id)),
    }
}

/// Notes an entry of the log that cannot be told.
pub(super) fn note_flaw(damages: &Damages, partition: Partition, flaw: Option<Flaw>) {
    if let Some(Flaw { seq, detail }) = flaw
        && detail != UNKNOWN_BEFORE
    {
        damages.found(DamageAt::Entry(partition, seq), &detail);
    }
}
