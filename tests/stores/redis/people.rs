//! Stores and people for the tests, and the comparison of the state with the replayed log.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use people_gateway::domain::{
    Change, FieldsJson, Partition, Partitions, Person, PersonId, Position, Tag, Timestamp,
};
use people_gateway::store::Metrics;
use people_gateway::store::redis::{Options, RedisStore};
use people_gateway::store::{LogAnswer, PageLimits, RequestKey, Store, Write, WriteOutcome};

use people_testing::redis::RedisServer;

/// The only partition of most tests.
pub(crate) const ONLY: Partition = Partition::new(0);

/// Settings for this server, with limits short enough for tests of faults.
pub(crate) fn options(server: &RedisServer) -> Options {
    Options {
        url: server.url(),
        connect_timeout: Duration::from_millis(500),
        command_timeout: Duration::from_millis(500),
        pool_wait: Duration::from_millis(700),
        ping_interval: Duration::from_millis(100),
        ping_timeout: Duration::from_millis(300),
        backoff_max: Duration::from_millis(200),
        ..Options::default()
    }
}

pub(crate) async fn open(options: Options) -> Arc<RedisStore> {
    RedisStore::open(options, Metrics::default())
        .await
        .expect("the store opens")
}

pub(crate) fn partitions(count: u16) -> Partitions {
    Partitions::new(NonZeroU16::new(count).expect("not zero"))
}

pub(crate) fn count(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("not zero")
}

pub(crate) fn id(n: u128) -> PersonId {
    PersonId::new(uuid::Uuid::from_u128(n))
}

pub(crate) fn fields(name: &str) -> FieldsJson {
    let text = format!(r#"{{"firstName":"{name}","lastName":"L","age":1,"job":"é\n"}}"#);
    FieldsJson::from_stored(&text).expect("fields")
}

/// The time of every write.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_795_342_200_123)
}

pub(crate) fn save(n: u128, name: &str) -> Write {
    Write::save(id(n), fields(name), now())
}

pub(crate) fn delete(n: u128) -> Write {
    Write::delete(id(n), now())
}

pub(crate) fn keyed(write: Write, key: u8) -> Write {
    write.keyed(Some(RequestKey {
        name: [key; 32],
        fingerprint: [key; 32],
    }))
}

/// Applies a write that must happen.
pub(crate) async fn done(store: &RedisStore, write: Write) -> Position {
    match store.apply(write).await.expect("an outcome") {
        WriteOutcome::Done { at, .. } => at.position,
        other => panic!("not done: {other:?}"),
    }
}

/// Entries and people that are read at once: few enough for the time limit of a call, also where
/// the machine is busy.
const READ_AT_ONCE: usize = 1_000;

/// A partition's head and whole log. Nothing may be written meanwhile.
pub(crate) async fn whole_log(store: &RedisStore, partition: Partition) -> (Position, Vec<Change>) {
    let tail = store.tail(partition, count(1)).await.expect("the log");
    let mut from = Position::start_of(tail.head.epoch);
    let mut log = Vec::new();
    loop {
        let answer = store.since(partition, from, count(READ_AT_ONCE)).await;
        match answer.expect("the log") {
            LogAnswer::Continues { changes, .. } if changes.is_empty() => return (tail.head, log),
            LogAnswer::Continues { changes, .. } => log.extend(changes),
            broken @ LogAnswer::Broken { .. } => panic!("{broken:?}"),
        }
        from = log.last().map_or(from, |change| change.at.position);
    }
}

/// All people of a partition, each page of which has this head.
async fn all_people(store: &RedisStore, partition: Partition, head: Position) -> Vec<Person> {
    let (mut people, mut after) = (Vec::new(), None);
    loop {
        let limits = PageLimits::people(count(READ_AT_ONCE));
        let page = store.page(partition, after, limits).await;
        let page = page.expect("the people");
        assert_eq!(page.head, head);
        people.extend(page.people);
        after = page.next;
        if after.is_none() {
            return people;
        }
    }
}

/// Replays each partition's whole log, compares it with the head, the people and the chain of tags,
/// and returns the number of changes.
pub(crate) async fn assert_state_is_the_replayed_log(store: &RedisStore) -> usize {
    let mut total = 0;
    for partition in store.partitions().iter() {
        let (head, log) = whole_log(store, partition).await;
        let mut people = BTreeMap::new();
        let mut last = Position::start_of(head.epoch);
        for change in &log {
            assert_eq!(
                change.predecessor(),
                Some(last),
                "the chain breaks at {}",
                change.at
            );
            assert_ne!(change.at.position.tag, Tag::START);
            assert_eq!(
                change.before,
                people
                    .get(&change.id)
                    .map(|(_, fields): &(_, FieldsJson)| fields.clone())
            );
            match &change.after {
                Some(fields) => people.insert(change.id, (change.at.position, fields.clone())),
                None => people.remove(&change.id),
            };
            last = change.at.position;
        }
        assert_eq!(head, last, "the head is the log's last entry");
        let stored: Vec<_> = all_people(store, partition, head)
            .await
            .into_iter()
            .map(|p| (p.id, (p.revision, p.fields)))
            .collect();
        assert_eq!(stored, people.into_iter().collect::<Vec<_>>());
        total += log.len();
    }
    total
}
