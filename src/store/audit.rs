//! A look at everything that a store keeps: people, ids, log and head of each partition, compared
//! with each other. What is wrong is told one by one, and mended where that needs no invention.
//!
//! Safe beside running gateways: each fault is looked at again by the write that mends it.

use std::collections::BTreeMap;
use std::fmt;

use super::{Applied, CorruptRecord, Expect, Store, StoreError, Write};
use crate::domain::{Change, FieldsJson, Partition, PersonId, Timestamp};

/// Damaged people of a partition whose last change is looked for in its log. Of more, the log is
/// not asked.
const REMEMBERED: usize = 10_000;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub partition: Partition,
    /// What.
    pub what: Wrong,
    /// What was done about it; none where nothing was asked for.
    pub mended: Option<Mended>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A person's record cannot be read, or there is none under a listed id.
    Record(PersonId, CorruptRecord),
    /// A person's id is not listed: no list and no snapshot shows the person.
    Unlisted(PersonId),
    /// A name under which a record stands is no id of the partition's people; shown as it is
    /// escaped.
    ForeignRecord(String),
    /// A member of the list of ids is no id of the partition's people; shown as it is escaped.
    ForeignId(String),
    /// Members of the list of ids have different scores, which breaks their order.
    Scores,
    /// The head is missing, or cannot be read.
    Head,
    /// A key holds another type than ours: its name, and what it holds.
    Type(String, String),
    /// A log entry cannot be read, or does not follow the one before it.
    Entry(u64, String),
    /// The log's last entry is not the head: the last entry's number, if there is one, and the
    /// head.
    End(Option<u64>, String),
}

/// What was done about a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mended {
    /// It is sound now; in words, how.
    Yes(&'static str),
    /// It is not; in words, why, and what to do by hand.
    No(String),
}

/// What a look came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that were read.
    pub people: u64,
    /// Log entries that were read.
    pub entries: u64,
    /// Faults that were found.
    pub faults: u64,
    /// Faults that were mended.
    pub mended: u64,
}

/// Takes faults as they are found.
pub type Sink<'a> = dyn FnMut(Fault) + Send + 'a;

/// The damaged people of one partition, and what the log still knows of them.
#[derive(Default)]
pub(super) struct Damaged {
    people: BTreeMap<PersonId, CorruptRecord>,
    last: BTreeMap<PersonId, Option<FieldsJson>>,
}

impl Tally {
    /// Hands a fault on, and counts it.
    pub(super) fn tell(
        &mut self,
        sink: &mut Sink<'_>,
        partition: Partition,
        what: Wrong,
        mended: Option<Mended>,
    ) {
        self.faults += 1;
        self.mended += u64::from(matches!(mended, Some(Mended::Yes(_))));
        sink(Fault {
            partition,
            what,
            mended,
        });
    }
}

impl Damaged {
    pub(super) fn add(&mut self, id: PersonId, why: CorruptRecord) {
        self.people.insert(id, why);
    }

    /// Notes what an entry of the log says of a damaged person; called from the oldest to the
    /// newest.
    pub(super) fn note(&mut self, change: &Change) {
        let is_wanted = self.people.contains_key(&change.id) && self.people.len() <= REMEMBERED;
        if is_wanted {
            self.last.insert(change.id, change.after.clone());
        }
    }

    /// Tells all of them. With `mend`, saves again whom the log still knows, and deletes the
    /// others, by ordinary writes: each begins a new epoch, so that every view is told.
    pub(super) async fn settle(
        self,
        store: &dyn Store,
        partition: Partition,
        mend: Option<Timestamp>,
        tally: &mut Tally,
        sink: &mut Sink<'_>,
    ) -> Result<(), StoreError> {
        let Self { people, mut last } = self;
        for (id, why) in people {
            // Looked at again: a running gateway may have deleted or mended the person since.
            match store.get(id).await {
                Err(StoreError::Damaged { .. }) => {}
                Err(error) => return Err(error),
                Ok(_) => continue,
            }
            let mended = match mend {
                None => None,
                Some(time) => Some(mend_person(store, id, last.remove(&id).flatten(), time).await?),
            };
            tally.tell(sink, partition, Wrong::Record(id, why), mended);
        }
        Ok(())
    }
}

/// Saves or deletes one person whose record is damaged.
async fn mend_person(
    store: &dyn Store,
    id: PersonId,
    save: Option<FieldsJson>,
    time: Timestamp,
) -> Result<Mended, StoreError> {
    let how = if save.is_some() {
        "saved as the log knows the person"
    } else {
        "deleted: the log knows no more of it"
    };
    let write = Write {
        id,
        save,
        expect: Expect::Anything,
        idempotency: None,
        time,
        trace: None,
    };
    Ok(match store.apply(write).await? {
        Applied::Done { .. } => Mended::Yes(how),
        _ => Mended::Yes("somebody else has mended it"),
    })
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {}: {}", self.partition, self.what)?;
        match &self.mended {
            None => Ok(()),
            Some(Mended::Yes(how)) => write!(f, " - mended: {how}"),
            Some(Mended::No(why)) => write!(f, " - not mended: {why}"),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(id, why) => write!(f, "the record of {id} is damaged: {why}"),
            Self::Unlisted(id) => write!(
                f,
                "{id} is not listed: no list and no snapshot shows this person"
            ),
            Self::ForeignRecord(name) => write!(
                f,
                "a record stands under {name}, which is no id of this partition"
            ),
            Self::ForeignId(member) => {
                write!(f, "{member} is listed, and is no id of this partition")
            }
            Self::Scores => f.write_str(
                "members of the list of ids have scores other than 0, which breaks its order",
            ),
            Self::Head => f.write_str("the head of the log is missing, or cannot be read"),
            Self::Type(key, found) => write!(f, "the key {key} holds a {found}"),
            Self::Entry(seq, why) => write!(f, "log entry {seq} {why}"),
            Self::End(None, head) => write!(f, "the log is empty, and its head is {head}"),
            Self::End(Some(last), head) => {
                write!(f, "the log ends with entry {last}, and its head is {head}")
            }
        }
    }
}

/// One line for the end.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            people,
            entries,
            faults,
            mended,
        } = self;
        write!(
            f,
            "{people} people and {entries} log entries checked: {faults} faults, {mended} mended"
        )
    }
}
