//! Idempotency: a repeat returns the first success, a reused key is refused, and a refused write
//! leaves its key free.

use std::time::Duration;

use super::SETUP as USUAL;
use crate::backing::{Backing, Setup, for_every_store};
use crate::people::{at_millis, delete, done, fields, id, key, save};
use people_gateway::domain::{LogPosition, PersonId};
use people_gateway::store::{Expectation, IdempotencyRecord, RequestKey, Write, WriteOutcome};
use people_testing::wait::DEADLINE;

const SETUP: Setup = USUAL;

for_every_store!(
    a_repeat_with_the_same_key_returns_the_first_success,
    a_key_with_another_fingerprint_is_refused,
    a_refused_write_leaves_no_record,
    a_repeat_is_recognised_before_its_expectation_is_checked,
    a_record_can_be_read,
    a_key_belongs_to_one_partition,
);

mod expiry {
    //! Records with a short time to live.
    use super::*;

    const SETUP: Setup = Setup {
        idempotency_ttl: Duration::from_millis(30),
        ..USUAL
    };

    for_every_store!(an_expired_key_can_be_used_again);

    async fn an_expired_key_can_be_used_again(backing: &mut impl Backing) {
        let store = backing.store();
        let first = done(&*store, keyed(save(id(1), "A"), key(1, 1))).await;
        let forgotten = async {
            while store
                .recorded(first.partition, &key(1, 1))
                .await
                .unwrap()
                .is_some()
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, forgotten)
            .await
            .expect("the record expires");
        let second = done(&*store, keyed(save(id(1), "B"), key(1, 2))).await;
        assert_eq!(second.position.seq, first.position.seq.next());
    }
}

fn keyed(write: Write, key: RequestKey) -> Write {
    write.keyed(Some(key))
}

fn recorded(at: LogPosition, id: PersonId, time: i64, name: Option<&str>) -> IdempotencyRecord {
    let (created_at, time) = (at_millis(1_000), at_millis(time));
    IdempotencyRecord {
        at,
        id,
        created_at,
        time,
        save: name.map(fields),
        same_request: true,
    }
}

async fn a_repeat_with_the_same_key_returns_the_first_success(backing: &mut impl Backing) {
    let store = backing.store();
    let saved = done(&*store, keyed(save(id(1), "A"), key(1, 1))).await;
    let other = done(&*store, save(id(1), "B")).await;
    let deleted = done(&*store, keyed(delete(id(1)), key(2, 1))).await;
    let heads = store.heads().await.unwrap();
    for _ in 0..3 {
        let later = Write {
            time: at_millis(9_000),
            ..keyed(save(id(1), "A"), key(1, 1))
        };
        let answer = store.apply(later).await.unwrap();
        assert_eq!(
            answer,
            WriteOutcome::Replayed(recorded(saved, id(1), 1_000, Some("A")))
        );
        let answer = store.apply(keyed(delete(id(1)), key(2, 1))).await.unwrap();
        assert_eq!(
            answer,
            WriteOutcome::Replayed(recorded(deleted, id(1), 2_000, None))
        );
    }
    assert_eq!(store.heads().await.unwrap(), heads);
    assert_eq!(store.get(id(1)).await.unwrap(), None);
    assert_eq!(other.position.seq, saved.position.seq.next());
}

async fn a_key_with_another_fingerprint_is_refused(backing: &mut impl Backing) {
    let store = backing.store();
    done(&*store, keyed(save(id(1), "A"), key(1, 1))).await;
    let heads = store.heads().await.unwrap();
    for write in [
        save(id(1), "B"),
        delete(id(1)),
        save(id(1), "B").expecting(Expectation::Absent),
    ] {
        assert_eq!(
            store.apply(keyed(write, key(1, 2))).await.unwrap(),
            WriteOutcome::KeyReused
        );
    }
    assert_eq!(store.heads().await.unwrap(), heads);
    assert_eq!(store.get(id(1)).await.unwrap().unwrap().fields, fields("A"));
}

async fn a_refused_write_leaves_no_record(backing: &mut impl Backing) {
    let store = backing.store();
    let partition = store.partitions().of(id(1));
    assert_eq!(
        store.apply(keyed(delete(id(1)), key(1, 1))).await.unwrap(),
        WriteOutcome::NotFound
    );
    let conflict = keyed(save(id(1), "A"), key(1, 1)).expecting(Expectation::Present);
    assert_eq!(
        store.apply(conflict).await.unwrap(),
        WriteOutcome::Conflict { current: None }
    );
    assert_eq!(store.recorded(partition, &key(1, 1)).await.unwrap(), None);
    done(&*store, keyed(save(id(1), "A"), key(1, 2))).await;
}

async fn a_repeat_is_recognised_before_its_expectation_is_checked(backing: &mut impl Backing) {
    let store = backing.store();
    let create = keyed(save(id(1), "A"), key(1, 1)).expecting(Expectation::Absent);
    let at = done(&*store, create.clone()).await;
    assert_eq!(
        store.apply(create).await.unwrap(),
        WriteOutcome::Replayed(recorded(at, id(1), 1_000, Some("A")))
    );
}

async fn a_record_can_be_read(backing: &mut impl Backing) {
    let store = backing.store();
    let partition = store.partitions().of(id(1));
    assert_eq!(store.recorded(partition, &key(1, 1)).await.unwrap(), None);
    let at = done(&*store, keyed(save(id(1), "A"), key(1, 1))).await;
    let record = recorded(at, id(1), 1_000, Some("A"));
    assert_eq!(
        store.recorded(partition, &key(1, 1)).await.unwrap(),
        Some(record.clone())
    );
    let clash = IdempotencyRecord {
        same_request: false,
        ..record
    };
    assert_eq!(
        store.recorded(partition, &key(1, 2)).await.unwrap(),
        Some(clash)
    );
}

async fn a_key_belongs_to_one_partition(backing: &mut impl Backing) {
    let store = backing.store();
    for partition in store.partitions().iter() {
        let here = (0..1_000)
            .map(id)
            .find(|id| store.partitions().of(*id) == partition)
            .unwrap();
        done(
            &*store,
            keyed(
                save(here, "A"),
                key(1, u8::try_from(partition.get()).unwrap()),
            ),
        )
        .await;
    }
}
