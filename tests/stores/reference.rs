//! A simple store in memory, which keeps whole histories and gives the expected answers.
//!
//! Tags and epochs are random, so the reference takes them from the answers, and asserts that they
//! are new.

use std::collections::{BTreeMap, HashMap, HashSet};

use people_gateway::domain::{
    Change, LogPosition, Partition, Partitions, Person, PersonId, Position, Seq, Tag,
};
use people_gateway::store::{
    Discontinuity, Expectation, IdempotencyRecord, LogAnswer, RequestKey, Tail, Write, WriteOutcome,
};

/// The expected content of a store.
pub(crate) struct Reference {
    partitions: Partitions,
    log_max: usize,
    pub(crate) people: BTreeMap<PersonId, Person>,
    histories: Vec<History>,
    keys: HashMap<(Partition, [u8; 32]), ([u8; 32], IdempotencyRecord)>,
    tags: HashSet<(Partition, Tag)>,
}

/// All changes of one partition's epoch.
struct History {
    start: Position,
    changes: Vec<Change>,
}

impl History {
    fn head(&self) -> Position {
        self.changes
            .last()
            .map_or(self.start, |change| change.at.position)
    }

    /// The position with this number.
    fn position(&self, seq: Seq) -> Option<Position> {
        let positions =
            std::iter::once(self.start).chain(self.changes.iter().map(|change| change.at.position));
        positions.into_iter().nth(usize::try_from(seq.get()).ok()?)
    }
}

impl Reference {
    /// An empty store whose epochs start at `starts`.
    pub(crate) fn new(partitions: Partitions, log_max: usize, starts: Vec<Position>) -> Self {
        let histories: Vec<_> = starts
            .into_iter()
            .map(|start| History {
                start,
                changes: Vec::new(),
            })
            .collect();
        assert!(
            histories
                .iter()
                .all(|history| history.start == Position::start_of(history.start.epoch))
        );
        let (people, keys, tags) = (BTreeMap::new(), HashMap::new(), HashSet::new());
        Self {
            partitions,
            log_max,
            people,
            histories,
            keys,
            tags,
        }
    }

    /// The expected outcome of a write that must not happen. `None` for a write that must happen:
    /// pass its outcome to [`Reference::record_write`].
    pub(crate) fn refusal(&self, write: &Write) -> Option<WriteOutcome> {
        let partition = self.partitions.of(write.id);
        if let Some(key) = &write.idempotency
            && let Some((fingerprint, recorded)) = self.keys.get(&(partition, key.name))
        {
            let same = *fingerprint == key.fingerprint;
            return Some(if same {
                WriteOutcome::Replayed(recorded.clone())
            } else {
                WriteOutcome::KeyReused
            });
        }
        let current = self.people.get(&write.id).map(|person| person.revision);
        let holds = match write.expect {
            Expectation::Anything => true,
            Expectation::Absent => current.is_none(),
            Expectation::Present => current.is_some(),
            Expectation::Revision(revision) => current.is_some_and(|current| current == revision),
            Expectation::Impossible => false,
        };
        match (holds, &write.save, current) {
            (false, _, current) => Some(WriteOutcome::Conflict { current }),
            (true, None, None) => Some(WriteOutcome::NotFound),
            _ => None,
        }
    }

    /// Records a write that happened, and returns the change that log and feed must have.
    pub(crate) fn record_write(&mut self, write: &Write, answer: &WriteOutcome) -> Change {
        let WriteOutcome::Done { at, created_at } = *answer else {
            panic!("expected the write to happen, not {answer:?}")
        };
        let partition = self.partitions.of(write.id);
        let history = &mut self.histories[partition.index()];
        let head = history.head();
        let expected = Position {
            epoch: head.epoch,
            seq: head.seq.next(),
            tag: at.position.tag,
        };
        assert_eq!(at, LogPosition::new(partition, expected));
        assert!(
            at.position.tag != Tag::START && self.tags.insert((partition, at.position.tag)),
            "an old tag: {at}"
        );
        let before = self.people.get(&write.id);
        assert_eq!(
            created_at,
            before.map_or(write.time, |person| person.created_at)
        );
        let change = Change {
            at,
            previous: head.tag,
            id: write.id,
            time: write.time,
            created_at,
            before: before.map(|person| person.fields.clone()),
            after: write.save.clone(),
            trace: None,
        };
        history.changes.push(change.clone());
        fold(&mut self.people, &change);
        if let Some(key) = &write.idempotency {
            let (id, time, save) = (write.id, write.time, write.save.clone());
            let recorded = IdempotencyRecord {
                at,
                id,
                created_at,
                time,
                save,
                same_request: true,
            };
            self.keys
                .insert((partition, key.name), (key.fingerprint, recorded));
        }
        change
    }

    pub(crate) fn heads(&self) -> Vec<Position> {
        self.histories.iter().map(History::head).collect()
    }

    /// Every position that the partition's log has had in this epoch, trimmed ones included.
    pub(crate) fn positions(&self, partition: Partition) -> Vec<Position> {
        let history = &self.histories[partition.index()];
        std::iter::once(history.start)
            .chain(history.changes.iter().map(|change| change.at.position))
            .collect()
    }

    pub(crate) fn since(&self, partition: Partition, from: Position, count: usize) -> LogAnswer {
        let history = &self.histories[partition.index()];
        let head = history.head();
        let trimmed = history.changes.len().saturating_sub(self.log_max);
        let reason = if from.epoch != head.epoch {
            Discontinuity::Epoch
        } else if from.seq.get() < trimmed as u64 {
            Discontinuity::Trimmed
        } else if history.position(from.seq) == Some(from) {
            let seen = usize::try_from(from.seq.get()).expect("it is in the history");
            let changes = history
                .changes
                .iter()
                .skip(seen)
                .take(count)
                .cloned()
                .collect();
            return LogAnswer::Continues { head, changes };
        } else {
            Discontinuity::Forked
        };
        LogAnswer::Broken {
            reason,
            head: Some(head),
        }
    }

    pub(crate) fn tail(&self, partition: Partition, count: usize) -> Tail {
        let history = &self.histories[partition.index()];
        let skipped = history
            .changes
            .len()
            .saturating_sub(count.min(self.log_max));
        Tail {
            head: history.head(),
            changes: history.changes[skipped..].to_vec(),
        }
    }

    pub(crate) fn recorded(
        &self,
        partition: Partition,
        key: &RequestKey,
    ) -> Option<IdempotencyRecord> {
        let (fingerprint, recorded) = self.keys.get(&(partition, key.name))?;
        Some(IdempotencyRecord {
            same_request: *fingerprint == key.fingerprint,
            ..recorded.clone()
        })
    }

    /// All people, partition by partition in id order.
    pub(crate) fn all_people(&self) -> Vec<Person> {
        let of = |partition| {
            self.people
                .values()
                .filter(move |person| self.partitions.of(person.id) == partition)
        };
        self.partitions.iter().flat_map(of).cloned().collect()
    }
}

/// Applies a change to a state, as every reader of the log does.
pub(crate) fn fold(people: &mut BTreeMap<PersonId, Person>, change: &Change) {
    let before = people.get(&change.id).map(|person| person.fields.clone());
    assert_eq!(
        before, change.before,
        "the image before {} differs from the person's fields",
        change.at
    );
    match change.person() {
        Some(person) => drop(people.insert(change.id, person)),
        None => drop(people.remove(&change.id)),
    }
}
