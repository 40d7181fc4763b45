//! Two servers, each with a branch of the history; `World` decides which of them commands and
//! frames use.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    Change, Epoch, FieldsJson, LogPosition, Partition, Person, PersonId, Position, Tag, Timestamp,
};
use crate::store::{FeedEvent, FeedQueue, LogAnswer, ModelEntries, PartitionSet, encode_frame};

/// One partition's log on one server.
#[derive(Clone)]
pub(super) struct Branch {
    pub(super) epoch: Epoch,
    /// All entries of the epoch; those before `trimmed` are no longer kept.
    pub(super) entries: Vec<Change>,
    pub(super) trimmed: usize,
}

pub(super) struct World {
    pub(super) servers: [Vec<Branch>; 2],
    /// The server that commands go to, the one whose frames arrive, and the one that some
    /// connections still go to.
    pub(super) commands: usize,
    pub(super) channel: usize,
    pub(super) stray: Option<usize>,
    pub(super) feed: Option<Arc<FeedQueue>>,
    /// The last number for a tag or epoch: each number is used once.
    pub(super) numbers: u64,
    pub(super) random: u64,
    /// The number of times that a server lost history.
    pub(super) breaks: usize,
    /// Every position that any history ever had.
    pub(super) positions: Vec<LogPosition>,
    pub(super) log_max: usize,
}

impl Branch {
    pub(super) fn new(epoch: u64) -> Self {
        Self {
            epoch: Epoch::new(epoch),
            entries: Vec::new(),
            trimmed: 0,
        }
    }

    fn log(&self) -> ModelEntries<'_> {
        ModelEntries {
            epoch: self.epoch,
            entries: &self.entries,
            trimmed: self.trimmed,
        }
    }

    pub(super) fn head(&self) -> Position {
        self.log().head()
    }

    pub(super) fn people(&self) -> BTreeMap<PersonId, Person> {
        let mut people = BTreeMap::new();
        for change in &self.entries {
            match change.person() {
                Some(person) => drop(people.insert(change.id, person)),
                None => drop(people.remove(&change.id)),
            }
        }
        people
    }

    pub(super) fn since(&self, from: Position, count: usize) -> LogAnswer {
        self.log().since(from, count)
    }

    pub(super) fn lose(&mut self, count: usize) -> bool {
        let kept = self.entries.len().saturating_sub(count);
        let loses = kept < self.entries.len();
        self.entries.truncate(kept);
        self.trimmed = self.trimmed.min(kept);
        loses
    }
}

impl World {
    pub(super) fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn write(
        &mut self,
        server: usize,
        partition: Partition,
        id: PersonId,
        age: Option<u8>,
        loses_frame: bool,
    ) {
        let tag = Tag::new(self.number());
        let branch = &mut self.servers[server][partition.index()];
        let (head, before) = (branch.head(), branch.people().remove(&id));
        if before.is_none() && age.is_none() {
            return;
        }
        let time = Timestamp::from_millis(0);
        let position = Position {
            epoch: head.epoch,
            seq: head.seq.next(),
            tag,
        };
        let change = Change {
            at: LogPosition::new(partition, position),
            previous: head.tag,
            id,
            time,
            created_at: time,
            before: before.map(|person| person.fields),
            after: age.map(aged),
            trace: None,
        };
        branch.entries.push(change.clone());
        branch.trimmed = branch
            .trimmed
            .max(branch.entries.len().saturating_sub(self.log_max));
        self.positions.push(change.at);
        if server == self.channel && !loses_frame {
            self.publish(FeedEvent::Frame(partition, encode_frame(&change).into()));
        }
    }

    pub(super) fn publish(&self, event: FeedEvent) {
        if let Some(feed) = &self.feed {
            feed.push(event);
        }
    }

    /// The channel is cut and connected again.
    pub(super) fn reconnect(&self) {
        self.publish(FeedEvent::Disconnected(self.partitions()));
        self.publish(FeedEvent::Connected(self.partitions()));
    }

    pub(super) fn partitions(&self) -> PartitionSet {
        (0..)
            .map(Partition::new)
            .take(self.servers[0].len())
            .collect()
    }

    /// The server that the next command goes to.
    pub(super) fn server(&mut self) -> usize {
        let strays = self.random(3) == 0;
        self.stray.filter(|_| strays).unwrap_or(self.commands)
    }
}

fn aged(age: u8) -> FieldsJson {
    let text = format!(r#"{{"firstName":"F","lastName":"L","age":{age},"job":""}}"#);
    FieldsJson::from_stored(&text).expect("a person's fields")
}
