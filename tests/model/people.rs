//! People, writes and reads as the suites spell them.

use std::num::NonZeroUsize;
use std::time::Duration;

use people_gateway::domain::{
    Change, FieldsJson, LogPosition, Partition, Person, PersonId, Position, Timestamp,
};
use people_gateway::store::{
    Applied, Expect, Feed, FeedEvent, FeedLimits, IdempotencyKey, PageLimits, Since, Store, Write,
    decode_frame,
};

/// How long a test waits for what must come.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Room for all that a test publishes.
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
    Write {
        id,
        save: Some(fields(name)),
        expect: Expect::Anything,
        idempotency: None,
        time: at_millis(1_000),
        trace: None,
    }
}

pub(crate) fn delete(id: PersonId) -> Write {
    Write {
        id,
        save: None,
        expect: Expect::Anything,
        idempotency: None,
        time: at_millis(2_000),
        trace: None,
    }
}

pub(crate) fn key(name: u8, fingerprint: u8) -> IdempotencyKey {
    IdempotencyKey {
        name: [name; 32],
        fingerprint: [fingerprint; 32],
    }
}

/// Carries out a write that must succeed.
pub(crate) async fn done(store: &dyn Store, write: Write) -> LogPosition {
    match store.apply(write).await.expect("the store answers") {
        Applied::Done { at, .. } => at,
        other => panic!("expected it to happen, not {other:?}"),
    }
}

/// The changes after `from`, which the log must be able to continue.
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
        Since::Continues { head, changes } => (head, changes),
        broken @ Since::Broken { .. } => {
            panic!("expected the log to continue from {from}: {broken:?}")
        }
    }
}

/// Everyone, partition by partition, read in pages of `size`.
pub(crate) async fn everyone(store: &dyn Store, size: usize) -> Vec<Person> {
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

/// Waits for `most` events of a feed, no more and no fewer.
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
        "of {most} events only these came: {events:?}"
    );
    events
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
