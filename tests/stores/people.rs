//! The people that the suites write, and helpers that write and read them.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use people_gateway::domain::{
    Change, FieldsJson, LogPosition, Partition, Partitions, Person, PersonId, Position, Timestamp,
};
use people_gateway::store::{
    Feed, FeedEvent, FeedLimits, LogAnswer, PageLimits, PartitionSet, RequestKey, Store, Write,
    WriteOutcome, decode_frame,
};
use people_testing::wait::DEADLINE;

/// Limits of a feed that has room for all frames of a test.
pub(crate) const ROOMY: FeedLimits = FeedLimits {
    events: count(100_000),
    bytes: count(1 << 30),
};

pub(crate) const fn count(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("at least one")
}

/// The person with this number.
pub(crate) fn id(number: u64) -> PersonId {
    // Spread over the whole range, so that the order of ids is not the order of numbers.
    let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "{:08x}-{:04x}-7000-8000-{number:012x}",
        scattered >> 32,
        scattered >> 16 & 0xffff
    )
    .parse()
    .expect("an id")
}

pub(crate) fn fields(name: &str) -> FieldsJson {
    let name = format!("{name:?}");
    FieldsJson::from_stored(&format!(
        r#"{{"firstName":{name},"lastName":"L","age":30,"job":"a b"}}"#
    ))
    .expect("fields")
}

pub(crate) fn at_millis(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn save(id: PersonId, name: &str) -> Write {
    Write::save(id, fields(name), at_millis(1_000))
}

pub(crate) fn delete(id: PersonId) -> Write {
    Write::delete(id, at_millis(2_000))
}

pub(crate) fn key(name: u8, fingerprint: u8) -> RequestKey {
    RequestKey {
        name: [name; 32],
        fingerprint: [fingerprint; 32],
    }
}

/// Applies a write that must happen.
pub(crate) async fn done(store: &dyn Store, write: Write) -> LogPosition {
    match store.apply(write).await.expect("the store answers") {
        WriteOutcome::Done { at, .. } => at,
        other => panic!("expected the write to happen, not {other:?}"),
    }
}

/// The changes after `from`; the log must continue from there.
pub(crate) async fn changes(
    store: &dyn Store,
    partition: Partition,
    from: Position,
) -> (Position, Vec<Change>) {
    match store
        .since(partition, from, count(10_000))
        .await
        .expect("the log answers")
    {
        LogAnswer::Continues { head, changes } => (head, changes),
        broken @ LogAnswer::Broken { .. } => {
            panic!("expected the log to continue from {from}: {broken:?}")
        }
    }
}

/// All people, partition by partition, read in pages of `size`.
pub(crate) async fn all_people(store: &dyn Store, size: usize) -> Vec<Person> {
    let mut all = Vec::new();
    for partition in store.partitions().iter() {
        let mut after = None;
        loop {
            let page = store
                .page(partition, after, PageLimits::people(count(size)))
                .await
                .expect("the store answers");
            all.extend(page.people);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    all
}

/// Waits for exactly `most` events of a feed.
pub(crate) async fn events(feed: &mut Feed, most: usize) -> Vec<FeedEvent> {
    let mut events = Vec::new();
    let arrived = async {
        while events.len() < most {
            let missing = most - events.len();
            feed.receive(&mut events, missing).await;
        }
    };
    let in_time = tokio::time::timeout(DEADLINE, arrived).await;
    assert!(
        in_time.is_ok(),
        "only these of {most} events arrived: {events:?}"
    );
    events
}

/// Waits until the feed is subscribed to every partition; no other event may come before.
pub(crate) async fn connected(feed: &mut Feed, partitions: Partitions) {
    each_in(feed, partitions, |event| match event {
        FeedEvent::Connected(partitions) => Some(partitions),
        _ => None,
    })
    .await;
}

/// Waits until a probe has come back for every partition; no other event may come before.
pub(crate) async fn probed(feed: &mut Feed, partitions: Partitions) {
    each_in(feed, partitions, |event| match event {
        FeedEvent::Probe(partitions) => Some(partitions),
        _ => None,
    })
    .await;
}

async fn each_in(
    feed: &mut Feed,
    partitions: Partitions,
    told: impl Fn(&FeedEvent) -> Option<&PartitionSet>,
) {
    let mut missing: BTreeSet<Partition> = partitions.iter().collect();
    while !missing.is_empty() {
        let event = &events(feed, 1).await[0];
        let found = told(event).unwrap_or_else(|| panic!("another event: {event:?}"));
        missing.retain(|partition| !found.contains(partition));
    }
}

/// The change that an event carries, if it is a frame.
pub(crate) fn framed(event: &FeedEvent) -> Option<Change> {
    match event {
        FeedEvent::Frame(partition, bytes) => {
            Some(decode_frame(*partition, bytes).expect("a frame"))
        }
        _ => None,
    }
}
