//! Transactions of writes: expiry of idempotency records, damaged records, published frames.

use std::time::Duration;

use redb::{Database, ReadableDatabase, ReadableTableMetadata};

use super::*;
use crate::domain::FieldsJson;
use crate::store::embedded::file::write_genesis;
use crate::store::embedded::read;
use crate::store::embedded::tables::{EXPIRIES, KEYS};
use crate::store::{Expectation, PageLimits, RequestKey, decode_frame};

/// A file whose clock the test moves. Idempotency records live for 100 ms.
struct ClockedFile(Database);

const RULES: CommitRules = CommitRules {
    partitions: Partitions::ONE,
    retention: Retention {
        log_max: NonZeroUsize::new(1_000).expect("not zero"),
        idempotency_ttl: Duration::from_millis(100),
    },
};

impl ClockedFile {
    fn new() -> Self {
        let database = Database::builder()
            .create_with_backend(redb::backends::InMemoryBackend::new())
            .unwrap();
        write_genesis(&database, RULES.partitions).unwrap();
        Self(database)
    }

    fn apply_at(&self, now: u64, name: u32) -> WriteOutcome {
        let heads = tables::heads(&self.0, RULES.partitions).unwrap();
        let transaction = self.0.begin_write().unwrap();
        let mut batch =
            GroupCommit::open(&transaction, RULES, Admission::Everything, heads, now).unwrap();
        let applied = batch.apply(&keyed(name)).unwrap().unwrap();
        assert!(batch.finish(1).unwrap().changed);
        transaction.commit().unwrap();
        applied
    }

    fn rows(&self) -> (u64, u64) {
        let transaction = self.0.begin_read().unwrap();
        let (keys, expiries) = (
            transaction.open_table(KEYS).unwrap(),
            transaction.open_table(EXPIRIES).unwrap(),
        );
        (keys.len().unwrap(), expiries.len().unwrap())
    }
}

fn keyed(name: u32) -> Write {
    let fields = r#"{"firstName":"A","lastName":"L","age":1,"job":""}"#;
    let mut key = RequestKey {
        name: [0; 32],
        fingerprint: [1; 32],
    };
    key.name[..4].copy_from_slice(&name.to_be_bytes());
    let id = "00000000-0000-7000-8000-000000000001".parse().unwrap();
    let fields = FieldsJson::from_stored(fields).unwrap();
    Write::save(id, fields, Timestamp::from_millis(1)).keyed(Some(key))
}

#[test]
fn the_span_of_a_write_is_published_but_not_logged() {
    let file = ClockedFile::new();
    let heads = tables::heads(&file.0, RULES.partitions).unwrap();
    let transaction = file.0.begin_write().unwrap();
    let mut batch =
        GroupCommit::open(&transaction, RULES, Admission::Everything, heads, 0).unwrap();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        .parse()
        .ok();
    for write in [keyed(1), keyed(2).traced(trace)] {
        assert!(matches!(
            batch.apply(&write),
            Ok(Ok(WriteOutcome::Done { .. }))
        ));
    }
    let frames = batch.effect.frames.clone();
    let read = |bytes: &[u8]| decode_frame(Partition::new(0), bytes).unwrap();
    assert_eq!(
        [read(&frames[0].1).trace, read(&frames[1].1).trace],
        [None, trace]
    );
    for seq in [1, 2] {
        let kept = read(batch.log.get((0, seq)).unwrap().unwrap().value());
        assert_eq!(kept.trace, None);
        assert_eq!(kept.id, keyed(1).id);
    }
}

#[test]
fn a_replay_renews_the_expiry_of_its_record() {
    let file = ClockedFile::new();
    assert!(matches!(file.apply_at(0, 1), WriteOutcome::Done { .. }));
    for now in [99, 198, 297] {
        assert!(
            matches!(file.apply_at(now, 1), WriteOutcome::Replayed(_)),
            "at {now}"
        );
        assert_eq!(file.rows(), (1, 1));
    }
    assert!(
        matches!(file.apply_at(397, 1), WriteOutcome::Done { .. }),
        "it lives for 100 ms, not a moment longer"
    );
    assert_eq!(file.rows(), (1, 1));
}

#[test]
fn expired_records_are_removed_a_few_at_a_time() {
    let file = ClockedFile::new();
    let many = 3 * u32::try_from(PURGE_AT_LEAST).unwrap();
    for name in 0..many {
        file.apply_at(u64::from(name % 2), name);
    }
    assert_eq!(file.rows(), (u64::from(many), u64::from(many)));
    file.apply_at(100, many);
    assert_eq!(
        file.rows().0,
        u64::from(many) / 2 + 1,
        "records of the first moment only"
    );
    file.apply_at(500, many + 1);
    assert_eq!(file.rows(), (1, 1));
}

#[test]
fn a_save_or_a_delete_mends_a_damaged_record_and_begins_a_new_epoch() {
    for deletes in [false, true] {
        let file = ClockedFile::new();
        file.apply_at(0, 1);
        let first = tables::heads(&file.0, RULES.partitions).unwrap()[0].position;
        let id = keyed(1).id;
        let transaction = file.0.begin_write().unwrap();
        let key = tables::person_key(Partition::new(0), id);
        transaction
            .open_table(PEOPLE)
            .unwrap()
            .insert(key, "garbage")
            .unwrap();
        transaction.commit().unwrap();
        let page = || {
            let transaction = file.0.begin_read().unwrap();
            let most = PageLimits::people(NonZeroUsize::MIN);
            read::page(&transaction, Partition::new(0), None, most).unwrap()
        };
        let read = page();
        assert_eq!(
            (read.page.people.len(), read.damaged.len(), read.page.next),
            (0, 1, None)
        );

        let heads = tables::heads(&file.0, RULES.partitions).unwrap();
        let transaction = file.0.begin_write().unwrap();
        let mut batch =
            GroupCommit::open(&transaction, RULES, Admission::Everything, heads, 0).unwrap();
        let write = |expect| Write {
            expect,
            idempotency: None,
            ..keyed(1)
        };
        for expect in [
            Expectation::Absent,
            Expectation::Revision(first),
            Expectation::Impossible,
        ] {
            assert!(
                matches!(
                    batch.apply(&write(expect)),
                    Ok(Err(StoreError::Damaged { .. }))
                ),
                "{expect:?}"
            );
        }
        let mend = write(Expectation::Present);
        let mend = if deletes {
            Write { save: None, ..mend }
        } else {
            mend
        };
        let Ok(Ok(WriteOutcome::Done { at, .. })) = batch.apply(&mend) else {
            panic!("not mended")
        };
        assert_ne!(at.position.epoch, first.epoch);
        assert_eq!(at.position.seq.get(), u64::from(!deletes));
        batch.finish(1).unwrap();
        transaction.commit().unwrap();
        assert_eq!(
            (page().page.people.len(), page().damaged.len()),
            (usize::from(!deletes), 0)
        );
        assert_eq!(
            tables::heads(&file.0, RULES.partitions).unwrap()[0].position,
            at.position
        );
    }
}
