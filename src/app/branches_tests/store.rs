//! A model of a store on two servers: each has a branch of the history, and commands, channel and gateway need not speak
//! of the same one.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::domain::{At, Change, Epoch, FieldsJson, Partition, Partitions, Person, PersonId, Position, Tag, Timestamp};
use crate::store::{
    Applied, Break, Feed, FeedEvent, FeedLimits, FeedQueue, IdempotencyKey, Page, PageLimits, Recorded, Since, Store,
    StoreError, Tail, Write, encode_frame,
};

/// People that there may be.
pub(super) const PEOPLE: u128 = 12;
/// The longest that the store takes to answer.
const SLOWEST_MS: u64 = 40;

/// The people who match a view, each with age and revision.
pub(super) type People = BTreeMap<PersonId, (u8, Position)>;

/// One partition's log and what it led to, on one server.
#[derive(Clone)]
struct Branch {
    epoch: Epoch,
    /// All entries of the epoch; those before `trimmed` are no longer kept.
    entries: Vec<Change>,
    trimmed: usize,
}

struct World {
    servers: [Vec<Branch>; 2],
    /// The server that commands go to, the one whose frames arrive, and the one that some connections still go to.
    commands: usize,
    channel: usize,
    stray: Option<usize>,
    feed: Option<Arc<FeedQueue>>,
    /// Numbers for tags and epochs: none is given twice.
    numbers: u64,
    random: u64,
    /// How many times a server lost history.
    breaks: usize,
    /// Every position that any history ever had.
    positions: Vec<At>,
    log_max: usize,
}

/// The store that the gateway is given.
pub(super) struct ModelStore {
    partitions: Partitions,
    world: Mutex<World>,
}

impl Branch {
    fn new(epoch: u64) -> Self {
        Self { epoch: Epoch::new(epoch), entries: Vec::new(), trimmed: 0 }
    }

    fn head(&self) -> Position {
        self.entries.last().map_or(Position::start_of(self.epoch), |change| change.at.position)
    }

    fn people(&self) -> BTreeMap<PersonId, Person> {
        let mut people = BTreeMap::new();
        for change in &self.entries {
            match change.person() {
                Some(person) => drop(people.insert(change.id, person)),
                None => drop(people.remove(&change.id)),
            }
        }
        people
    }

    fn since(&self, from: Position, count: usize) -> Since {
        let head = self.head();
        let broken = |reason| Since::Broken { reason, head: Some(head) };
        if from.epoch != head.epoch {
            return broken(Break::Epoch);
        }
        if from.seq > head.seq || (from.seq == head.seq && from.tag != head.tag) {
            return broken(Break::Forked);
        }
        let after = usize::try_from(from.seq.get()).expect("a small number");
        if after < self.trimmed {
            return broken(Break::Trimmed);
        }
        let changes: Vec<_> = self.entries[after..].iter().take(count).cloned().collect();
        if changes.first().is_some_and(|first| first.previous != from.tag) {
            return broken(Break::Forked);
        }
        Since::Continues { head, changes }
    }

    fn lose(&mut self, count: usize) -> bool {
        let kept = self.entries.len().saturating_sub(count);
        let loses = kept < self.entries.len();
        self.entries.truncate(kept);
        self.trimmed = self.trimmed.min(kept);
        loses
    }
}

impl World {
    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn write(&mut self, server: usize, partition: Partition, id: PersonId, age: Option<u8>, loses_frame: bool) {
        let tag = Tag::new(self.number());
        let branch = &mut self.servers[server][partition.index()];
        let (head, before) = (branch.head(), branch.people().remove(&id));
        if before.is_none() && age.is_none() {
            return;
        }
        let time = Timestamp::from_millis(0);
        let position = Position { epoch: head.epoch, seq: head.seq.next(), tag };
        let change = Change {
            at: At::new(partition, position),
            previous: head.tag,
            id,
            time,
            created_at: time,
            before: before.map(|person| person.fields),
            after: age.map(aged),
            trace: None,
        };
        branch.entries.push(change.clone());
        branch.trimmed = branch.trimmed.max(branch.entries.len().saturating_sub(self.log_max));
        self.positions.push(change.at);
        if server == self.channel && !loses_frame {
            self.publish(FeedEvent::Frame(partition, encode_frame(&change).into()));
        }
    }

    fn publish(&self, event: FeedEvent) {
        if let Some(feed) = &self.feed {
            feed.push(event);
        }
    }

    /// The server that the next command goes to.
    fn server(&mut self) -> usize {
        let strays = self.random(3) == 0;
        self.stray.filter(|_| strays).unwrap_or(self.commands)
    }
}

impl ModelStore {
    pub(super) fn new(partitions: u16, log_max: usize, seed: u64) -> Arc<Self> {
        let branches: Vec<_> = (0..partitions).map(|_| Branch::new(1)).collect();
        let positions =
            (0..partitions).map(|number| At::new(Partition::new(number), Position::start_of(Epoch::new(1))));
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
        Arc::new(Self { partitions, world: Mutex::new(world) })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no test panics while it holds it")
    }

    /// A write of this gateway, or of one that is at the other server.
    pub(super) fn write(&self, elsewhere: bool, person: u128, age: Option<u8>, loses_frame: bool) {
        let id = PersonId::new(Uuid::from_u128(person + 1));
        let mut world = self.world();
        let server = if elsewhere { 1 - world.commands } else { world.commands };
        world.write(server, self.partitions.of(id), id, age, loses_frame);
    }

    /// The other server becomes a replica that lacks the last writes of the one that commands go to.
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

    /// Commands, or the channel, go to the other server from now on.
    pub(super) fn switch_commands(&self, strays: bool) {
        let mut world = self.world();
        world.stray = strays.then_some(world.commands);
        world.commands = 1 - world.commands;
        world.breaks += 1;
    }

    pub(super) fn switch_channel(&self, told: bool) {
        let mut world = self.world();
        world.channel = 1 - world.channel;
        if told {
            world.publish(FeedEvent::Disconnected);
            world.publish(FeedEvent::Connected);
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
            world.publish(FeedEvent::Disconnected);
            world.publish(FeedEvent::Connected);
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
            world.positions.push(At::new(partition, Position::start_of(Epoch::new(epoch))));
        }
        world.breaks += 1;
    }

    /// From now on there is one server.
    pub(super) fn heal(&self) {
        let mut world = self.world();
        world.stray = None;
        world.channel = world.commands;
        world.publish(FeedEvent::Disconnected);
        world.publish(FeedEvent::Connected);
    }

    /// How many times history may have been lost.
    pub(super) fn breaks(&self) -> usize {
        self.world().breaks
    }

    /// Whether some history ever had this place.
    pub(super) fn had(&self, at: At) -> bool {
        self.world().positions.contains(&at)
    }

    /// The heads at the server that commands go to.
    pub(super) fn heads(&self) -> Vec<Position> {
        let world = self.world();
        world.servers[world.commands].iter().map(Branch::head).collect()
    }

    /// Who is at least so old there.
    pub(super) fn older_than(&self, age: u8) -> People {
        let world = self.world();
        let people = world.servers[world.commands].iter().flat_map(Branch::people);
        let shown = people.map(|(id, person)| (id, (age_of(&person.fields), person.revision)));
        shown.filter(|(_, (theirs, _))| *theirs >= age).collect()
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

    async fn apply(&self, _: Write) -> Result<Applied, StoreError> {
        Err(StoreError::Overloaded)
    }

    async fn recorded(&self, _: Partition, _: &IdempotencyKey) -> Result<Option<Recorded>, StoreError> {
        Ok(None)
    }

    async fn get(&self, _: PersonId) -> Result<Option<Person>, StoreError> {
        Ok(None)
    }

    async fn page(&self, partition: Partition, after: Option<PersonId>, most: PageLimits) -> Result<Page, StoreError> {
        let page = self.read(|branches| {
            let branch = &branches[partition.index()];
            let people = branch.people().into_values().filter(|person| after.is_none_or(|after| person.id > after));
            let people: Vec<_> = people.take(most.people.get()).collect();
            let next = people.last().filter(|_| people.len() == most.people.get()).map(|person: &Person| person.id);
            Page { head: branch.head(), people, next }
        });
        Ok(page.await)
    }

    async fn ids(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        count: NonZeroUsize,
    ) -> Result<Vec<PersonId>, StoreError> {
        let page = self.page(partition, after, PageLimits::people(count)).await?;
        Ok(page.people.iter().map(|person| person.id).collect())
    }

    async fn since(&self, partition: Partition, from: Position, count: NonZeroUsize) -> Result<Since, StoreError> {
        Ok(self.read(|branches| branches[partition.index()].since(from, count.get())).await)
    }

    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError> {
        let tail = self.read(|branches| {
            let branch = &branches[partition.index()];
            let first = branch.trimmed.max(branch.entries.len().saturating_sub(count.get()));
            Tail { head: branch.head(), changes: branch.entries[first..].to_vec() }
        });
        Ok(tail.await)
    }

    async fn probe(&self) -> Result<Vec<Position>, StoreError> {
        let heads = self.read(|branches| branches.iter().map(Branch::head).collect()).await;
        self.world().publish(FeedEvent::Probe);
        Ok(heads)
    }

    fn feed(&self, limits: FeedLimits) -> Feed {
        let queue = FeedQueue::new(limits);
        queue.push(FeedEvent::Connected);
        self.world().feed = Some(Arc::clone(&queue));
        Feed::new(queue)
    }
}

fn aged(age: u8) -> FieldsJson {
    let text = format!(r#"{{"firstName":"F","lastName":"L","age":{age},"job":""}}"#);
    FieldsJson::from_stored(&text).expect("a person's fields")
}

fn age_of(fields: &FieldsJson) -> u8 {
    let fields: serde_json::Value = serde_json::from_str(fields.as_str()).expect("JSON");
    u8::try_from(fields["age"].as_u64().expect("a number")).expect("a small one")
}
