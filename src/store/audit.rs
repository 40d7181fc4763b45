//! The audit of a store: it compares people, ids, log and head of each partition with each other,
//! reports each fault, and repairs those whose repair needs no invented data.
//!
//! Safe beside running gateways: the write that repairs a fault checks the fault again.

use std::collections::BTreeMap;
use std::fmt;

use super::{CorruptRecord, Store, StoreError, Write, WriteOutcome};
use crate::domain::{Change, FieldsJson, Partition, PersonId, Timestamp};

/// Damaged people of a partition whose last change the audit looks for in the log. If there are
/// more, it looks for none.
const REMEMBERED: usize = 10_000;

/// One fault that the audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The partition.
    pub partition: Partition,
    /// What is wrong.
    pub kind: FindingKind,
    /// The repair; none if the audit was not asked to repair.
    pub repair: Option<Repair>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// A person's record cannot be read, or a listed id has none.
    Record(PersonId, CorruptRecord),
    /// A person's id is not listed, so no list and no snapshot shows the person.
    Unlisted(PersonId),
    /// The name of a record is no id of the partition's people; the name, escaped.
    ForeignRecord(String),
    /// A member of the list of ids is no id of the partition's people; the member, escaped.
    ForeignId(String),
    /// Members of the list of ids have different scores, which breaks the order of the list.
    Scores,
    /// The head is missing, or cannot be read.
    Head,
    /// A key has another type than ours: its name, and its type.
    Type(String, String),
    /// A log entry cannot be read, or does not follow the entry before it: its number, and why.
    Entry(u64, String),
    /// The log does not end at its head: the number of its last entry, if there is one, and the
    /// head.
    End(Option<u64>, String),
}

/// The repair of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// The audit repaired it, in this way.
    Done(&'static str),
    /// The audit cannot repair it: why, and what to do by hand.
    ByHand(String),
}

/// The counts of an audit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditTally {
    /// Records that were read.
    pub people: u64,
    /// Log entries that were read.
    pub entries: u64,
    /// Faults that were found.
    pub faults: u64,
    /// Faults that were repaired.
    pub mended: u64,
}

/// Receives each finding when the audit makes it.
pub type FindingSink<'a> = dyn FnMut(Finding) + Send + 'a;

/// The damaged people of one partition, and their last changes in the log.
#[derive(Default)]
pub(super) struct DamagedPeople {
    people: BTreeMap<PersonId, CorruptRecord>,
    last: BTreeMap<PersonId, Option<FieldsJson>>,
}

impl AuditTally {
    /// Counts a finding, and hands it to the sink.
    pub(super) fn report(
        &mut self,
        sink: &mut FindingSink<'_>,
        partition: Partition,
        kind: FindingKind,
        repair: Option<Repair>,
    ) {
        self.faults += 1;
        self.mended += u64::from(matches!(repair, Some(Repair::Done(_))));
        sink(Finding {
            partition,
            kind,
            repair,
        });
    }
}

impl DamagedPeople {
    pub(super) fn add(&mut self, id: PersonId, why: CorruptRecord) {
        self.people.insert(id, why);
    }

    /// Notes a log entry if it is of a damaged person. Called from the oldest entry to the newest.
    pub(super) fn note(&mut self, change: &Change) {
        let is_wanted = self.people.contains_key(&change.id) && self.people.len() <= REMEMBERED;
        if is_wanted {
            self.last.insert(change.id, change.after.clone());
        }
    }

    /// Reports all of them. With `mend`, the time of the repairs, saves each person as the log has
    /// it, and deletes people that the log no longer has. The repairs are ordinary writes; each
    /// begins a new epoch, so that every view is reset.
    pub(super) async fn settle(
        self,
        store: &dyn Store,
        partition: Partition,
        mend: Option<Timestamp>,
        tally: &mut AuditTally,
        sink: &mut FindingSink<'_>,
    ) -> Result<(), StoreError> {
        let Self { people, mut last } = self;
        for (id, why) in people {
            // Checked again: a running gateway may have deleted or mended the person since.
            match store.get(id).await {
                Err(StoreError::Damaged { .. }) => {}
                Err(error) => return Err(error),
                Ok(_) => continue,
            }
            let repair = match mend {
                None => None,
                Some(time) => Some(mend_person(store, id, last.remove(&id).flatten(), time).await?),
            };
            tally.report(sink, partition, FindingKind::Record(id, why), repair);
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
) -> Result<Repair, StoreError> {
    let how = if save.is_some() {
        "saved as the log has the person"
    } else {
        "deleted: the log no longer has the person"
    };
    let outcome = store.apply(Write::new(id, save, time)).await?;
    Ok(Repair::Done(match outcome {
        WriteOutcome::Done { .. } => how,
        _ => "another write has mended it",
    }))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {}: {}", self.partition, self.kind)?;
        match &self.repair {
            None => Ok(()),
            Some(Repair::Done(how)) => write!(f, " - mended: {how}"),
            Some(Repair::ByHand(why)) => write!(f, " - not mended: {why}"),
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(id, why) => write!(f, "the record of {id} is damaged: {why}"),
            Self::Unlisted(id) => write!(
                f,
                "{id} is not listed: no list and no snapshot shows this person"
            ),
            Self::ForeignRecord(name) => write!(
                f,
                "a record has the name {name}, which is no id of this partition"
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

/// The last line of a report.
impl fmt::Display for AuditTally {
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
