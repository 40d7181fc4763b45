//! Group commit, and the conditions under which the file opens.

use std::sync::Arc;

use people_gateway::domain::Partitions;
use people_gateway::store::Metrics;
use people_gateway::store::embedded::{EmbeddedStore, FileError, Options};
use people_gateway::store::{Store, StoreError, WriteOutcome};
use tokio::task::JoinSet;

use super::{options, partitions, replayed};
use crate::people::{count, done, id, save};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_saves_share_their_commits() {
    const WRITERS: u64 = 64;
    const SAVES: u64 = 50;
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::default();
    let store = EmbeddedStore::open(Options {
        metrics: metrics.clone(),
        ..options(folder.path())
    })
    .unwrap();
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for number in 0..SAVES {
                done(&*store, save(id(writer * SAVES + number), "A")).await;
            }
        });
    }
    tasks.join_all().await;
    let (saves, commits) = (metrics.store_writes.get(), metrics.store_batches.get());
    assert_eq!(saves, WRITERS * SAVES);
    assert!(commits * 16 <= saves, "{commits} commits for {saves} saves");
}

#[tokio::test]
async fn a_write_beyond_the_queue_limit_is_refused_and_the_others_happen() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = Options {
        queue: count(4),
        batch: count(2),
        ..options(folder.path())
    };
    let store = EmbeddedStore::open(narrow).unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..500 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { (number, store.apply(save(id(number), "A")).await) });
    }
    let (mut happened, mut refused) = (0, 0);
    for (number, answer) in tasks.join_all().await {
        let there = store.get(id(number)).await.unwrap().is_some();
        match answer {
            Ok(WriteOutcome::Done { .. }) => happened += 1,
            Err(StoreError::Overloaded) => refused += 1,
            other => panic!("{other:?}"),
        }
        assert_eq!(there, matches!(answer, Ok(WriteOutcome::Done { .. })));
    }
    assert!(
        happened >= 4 && refused > 0,
        "{happened} happened, {refused} refused"
    );
}

#[tokio::test]
async fn saved_people_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    let store = EmbeddedStore::open(options(&deep)).unwrap();
    for number in 0..30 {
        done(&*store, save(id(number), "A")).await;
    }
    let before = replayed(&*store).await;
    drop(store);
    let store = EmbeddedStore::open(options(&deep)).unwrap();
    assert_eq!(replayed(&*store).await, before);
    assert_eq!(before.len(), 30);
}

#[tokio::test]
async fn the_next_change_trims_the_log_to_a_shorter_limit() {
    let folder = tempfile::tempdir().unwrap();
    let one = Options {
        partitions: Partitions::ONE,
        ..options(folder.path())
    };
    let store = EmbeddedStore::open(one.clone()).unwrap();
    for number in 0..30 {
        done(&*store, save(id(number), "A")).await;
    }
    drop(store);
    let mut shorter = one;
    shorter.retention.log_max = count(7);
    let store = EmbeddedStore::open(shorter).unwrap();
    let at = done(&*store, save(id(0), "B")).await;
    let tail = store.tail(at.partition, count(100)).await.unwrap();
    assert_eq!((tail.head, tail.changes.len()), (at.position, 7));
}

#[test]
fn a_file_that_this_program_cannot_use_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    let locked = EmbeddedStore::open(options(folder.path())).err().unwrap();
    assert!(matches!(locked, FileError::Locked(_)), "{locked}");
    drop(store);
    let three = Options {
        partitions: partitions(3),
        ..options(folder.path())
    };
    let other = EmbeddedStore::open(three).err().unwrap();
    assert!(
        matches!(
            other,
            FileError::Partitions {
                found: 2,
                asked: 3,
                ..
            }
        ),
        "{other}"
    );

    let file = folder.path().join("people.redb");
    set_layout_version(&file, 2);
    let newer = EmbeddedStore::open(options(folder.path())).err().unwrap();
    assert!(
        matches!(&newer, FileError::Layout { found, .. } if found == "2"),
        "{newer}"
    );

    std::fs::write(&file, "not a database").unwrap();
    let damaged = EmbeddedStore::open(options(folder.path())).err().unwrap();
    assert!(matches!(damaged, FileError::Damaged { .. }), "{damaged}");
    assert_eq!(
        std::fs::read(&file).unwrap(),
        b"not a database",
        "a refused file is left unchanged"
    );

    let unusable = EmbeddedStore::open(options(&file)).err().unwrap();
    assert!(matches!(unusable, FileError::Io { .. }), "{unusable}");
}

fn set_layout_version(file: &std::path::Path, version: u64) {
    let database = redb::Database::open(file).unwrap();
    let transaction = database.begin_write().unwrap();
    let layout = redb::TableDefinition::<&str, u64>::new("layout");
    transaction
        .open_table(layout)
        .unwrap()
        .insert("version", version)
        .unwrap();
    transaction.commit().unwrap();
}
