//! `ModelStore` is a store on two servers: each has a branch of the history, and commands and
//! channel may use different ones.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use uuid::Uuid;

use super::servers::{Branch, World};
use crate::domain::{
    Epoch, FieldsJson, LogPosition, Partition, Partitions, Person, PersonId, Position,
};
use crate::store::{
    Feed, FeedEvent, FeedLimits, FeedQueue, Heads, IdempotencyRecord, LogAnswer, PageLimits,
    PartitionPage, RequestKey, Store, StoreError, Tail, Write, WriteOutcome,
};

/// The number of possible people.
pub(super) const PEOPLE: u128 = 12;
/// The longest delay before the store reads, and after it.
const SLOWEST_MS: u64 = 40;

/// The people who match a view, each with age and revision.
pub(super) type People = BTreeMap<PersonId, (u8, Position)>;

/// The gateway's store.
pub(super) struct ModelStore {
    partitions: Partitions,
    world: Mutex<World>,
}

impl ModelStore {
    pub(super) fn new(partitions: u16, log_max: usize, seed: u64) -> Arc<Self> {
        let branches: Vec<_> = (0..partitions).map(|_| Branch::new(1)).collect();
        let positions = (0..partitions).map(|number| {
            LogPosition::new(Partition::new(number), Position::start_of(Epoch::new(1)))
        });
        let world = World {
            servers: [branches.clone(), branches],
            commands: 0,
            channel: 0,
            stray: None,
            feed: None,
            numbers: 1,
            random: seed | 1,
            breaks: 0,
            positions: positions.collect(),
            log_max,
        };
        let partitions = Partitions::new(NonZeroU16::new(partitions).expect("at least one"));
        Arc::new(Self {
            partitions,
            world: Mutex::new(world),
        })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no test panics while it holds it")
    }

    /// A write of this gateway, or of one that is at the other server.
    pub(super) fn write(&self, elsewhere: bool, person: u128, age: Option<u8>, loses_frame: bool) {
        let id = PersonId::new(Uuid::from_u128(person + 1));
        let mut world = self.world();
        let server = if elsewhere {
            1 - world.commands
        } else {
            world.commands
        };
        world.write(server, self.partitions.of(id), id, age, loses_frame);
    }

    /// The other server becomes a replica that lacks the last writes of the one that commands go
    /// to.
    pub(super) fn copy(&self, lost: usize) {
        let mut world = self.world();
        let (from, to) = (world.commands, 1 - world.commands);
        let mut copy = world.servers[from].clone();
        for branch in &mut copy {
            branch.lose(lost);
        }
        world.servers[to] = copy;
        if world.channel == to {
            world.channel = from;
        }
    }

    /// Commands go to the other server from now on.
    pub(super) fn switch_commands(&self, strays: bool) {
        let mut world = self.world();
        world.stray = strays.then_some(world.commands);
        world.commands = 1 - world.commands;
        world.breaks += 1;
    }

    pub(super) fn switch_channel(&self, announced: bool) {
        let mut world = self.world();
        world.channel = 1 - world.channel;
        if announced {
            world.reconnect();
        }
    }

    /// The server comes back with less than it had; it may cut the subscription.
    pub(super) fn lose(&self, lost: usize, cuts: bool) {
        let mut world = self.world();
        let server = world.commands;
        for branch in &mut world.servers[server] {
            branch.lose(lost);
        }
        world.breaks += 1;
        if cuts {
            world.reconnect();
        }
    }

    /// The logs begin anew.
    pub(super) fn wipe(&self) {
        let mut world = self.world();
        let server = world.commands;
        for number in 0..world.servers[server].len() {
            let epoch = world.number();
            world.servers[server][number] = Branch::new(epoch);
            let partition = Partition::new(u16::try_from(number).expect("few partitions"));
            world.positions.push(LogPosition::new(
                partition,
                Position::start_of(Epoch::new(epoch)),
            ));
        }
        world.breaks += 1;
    }

    /// Commands and channel use one server from now on.
    pub(super) fn heal(&self) {
        let mut world = self.world();
        world.stray = None;
        world.channel = world.commands;
        world.reconnect();
    }

    /// The number of times that history may have been lost.
    pub(super) fn breaks(&self) -> usize {
        self.world().breaks
    }

    /// Whether some history ever had this position.
    pub(super) fn had(&self, at: LogPosition) -> bool {
        self.world().positions.contains(&at)
    }

    /// The heads at the server that commands go to.
    pub(super) fn heads(&self) -> Vec<Position> {
        let world = self.world();
        world.servers[world.commands]
            .iter()
            .map(Branch::head)
            .collect()
    }

    /// The people of at least this age at the server that commands go to.
    pub(super) fn older_than(&self, age: u8) -> People {
        let world = self.world();
        let people = world.servers[world.commands]
            .iter()
            .flat_map(Branch::people);
        let people = people.map(|(id, person)| (id, (age_of(&person.fields), person.revision)));
        people.filter(|(_, (theirs, _))| *theirs >= age).collect()
    }

    /// Reads at one moment of the time that an answer takes.
    async fn read<T>(&self, look: impl FnOnce(&[Branch]) -> T) -> T {
        let (before, after) = {
            let mut world = self.world();
            (world.random(SLOWEST_MS), world.random(SLOWEST_MS))
        };
        tokio::time::sleep(Duration::from_millis(before)).await;
        let answer = {
            let mut world = self.world();
            let server = world.server();
            look(&world.servers[server])
        };
        tokio::time::sleep(Duration::from_millis(after)).await;
        answer
    }
}

#[async_trait]
impl Store for ModelStore {
    fn partitions(&self) -> Partitions {
        self.partitions
    }

    async fn apply(&self, _: Write) -> Result<WriteOutcome, StoreError> {
        Err(StoreError::Overloaded)
    }

    async fn recorded(
        &self,
        _: Partition,
        _: &RequestKey,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        Ok(None)
    }

    async fn get(&self, _: PersonId) -> Result<Option<Person>, StoreError> {
        Ok(None)
    }

    async fn page(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        most: PageLimits,
    ) -> Result<PartitionPage, StoreError> {
        let page = self.read(|branches| {
            let branch = &branches[partition.index()];
            let people = branch
                .people()
                .into_values()
                .filter(|person| after.is_none_or(|after| person.id > after));
            let people: Vec<_> = people.take(most.people.get()).collect();
            let next = people
                .last()
                .filter(|_| people.len() == most.people.get())
                .map(|person: &Person| person.id);
            PartitionPage {
                head: branch.head(),
                people,
                next,
            }
        });
        Ok(page.await)
    }

    async fn ids(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        count: NonZeroUsize,
    ) -> Result<Vec<PersonId>, StoreError> {
        let page = self
            .page(partition, after, PageLimits::people(count))
            .await?;
        Ok(page.people.iter().map(|person| person.id).collect())
    }

    async fn since(
        &self,
        partition: Partition,
        from: Position,
        count: NonZeroUsize,
    ) -> Result<LogAnswer, StoreError> {
        Ok(self
            .read(|branches| branches[partition.index()].since(from, count.get()))
            .await)
    }

    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError> {
        let tail = self.read(|branches| {
            let branch = &branches[partition.index()];
            let first = branch
                .trimmed
                .max(branch.entries.len().saturating_sub(count.get()));
            Tail {
                head: branch.head(),
                changes: branch.entries[first..].to_vec(),
            }
        });
        Ok(tail.await)
    }

    fn probe(&self, partitions: &[Partition]) -> BoxStream<'_, Heads> {
        let partitions = partitions.to_vec();
        let probe = async {
            let heads = self.read(|branches| {
                let asked = partitions
                    .iter()
                    .map(|partition| &branches[partition.index()]);
                asked.map(Branch::head).collect()
            });
            let heads = Ok(heads.await);
            self.world()
                .publish(FeedEvent::Probe(partitions.as_slice().into()));
            Heads { partitions, heads }
        };
        stream::once(probe).boxed()
    }

    fn feed(&self, limits: FeedLimits) -> Feed {
        let queue = FeedQueue::new(limits);
        let mut world = self.world();
        queue.push(FeedEvent::Connected(world.partitions()));
        world.feed = Some(Arc::clone(&queue));
        Feed::new(queue)
    }
}

fn age_of(fields: &FieldsJson) -> u8 {
    let fields: serde_json::Value = serde_json::from_str(fields.as_str()).expect("JSON");
    u8::try_from(fields["age"].as_u64().expect("a number")).expect("a small one")
}
