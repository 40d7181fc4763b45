//! While the disk is full, saves are refused and deletes succeed, one by one and in batches.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::world::{ALL, FullDiskWorld, delete, is_done, is_full, keyed, large};
use crate::store::embedded::tests::disk::{
    Disk, DiskFault, FaultDuration, FaultyOperation, RESERVE, id, save, store_on,
};
use crate::store::{LogAnswer, Store, StoreError, WriteOutcome};

#[tokio::test]
async fn on_a_full_disk_deletes_succeed_and_saves_are_refused_until_there_is_room() {
    let mut world = FullDiskWorld::filled().await;
    assert_eq!(world.disk.reserved(), 0, "the reserve is free for deletes");
    // Too few for a compaction.
    for person in world.people.clone().into_iter().take(300) {
        let before = (
            world.store.heads().await.expect("it is open"),
            world.disk.changes(),
        );
        let refused = world.store.apply(large(3_000)).await;
        assert!(is_full(&refused), "{refused:?}");
        assert_eq!(
            (
                world.store.heads().await.expect("it is open"),
                world.disk.changes()
            ),
            before,
            "the store does not try"
        );
        let deleted = world.store.apply(delete(person)).await;
        assert!(
            is_done(&deleted),
            "{deleted:?} with {} left",
            world.people.len()
        );
        world.people.remove(&person);
        world.agrees().await;
    }
    world.disk.leave_blocks(Some(2 * RESERVE));
    world
        .saves(0..10)
        .await
        .expect("there is room for the reserve, and in the file");
    assert_eq!(world.disk.reserved(), RESERVE);
    world.agrees().await;
}

#[tokio::test]
async fn in_a_batch_that_finds_the_disk_full_the_deletes_succeed() {
    let disk = Arc::new(Disk::default());
    let mut world = FullDiskWorld {
        store: store_on(&disk),
        disk,
        people: BTreeSet::new(),
    };
    world.saves(0..500).await.expect("an empty disk");
    world.disk.leave_blocks(Some(0));
    let writes = (0..500).map(|number| {
        if number < 450 {
            large(1_000 + number)
        } else {
            delete(id(number))
        }
    });
    let answers = world.together(writes).await;
    let first = answers
        .iter()
        .position(is_full)
        .expect("there is no room for all of them");
    assert!(
        answers[first..450].iter().all(is_full),
        "no save succeeds after the first refused one"
    );
    assert!(
        answers[450..].iter().all(is_done),
        "{:?}",
        answers[450..].iter().find(|answer| !is_done(answer))
    );
    for (number, answer) in (0..).zip(&answers) {
        match number {
            0..450 if is_done(answer) => drop(world.people.insert(id(1_000 + number))),
            0..450 => {}
            _ => drop(world.people.remove(&id(number))),
        }
    }
    world.agrees().await;
}

#[tokio::test]
async fn deletes_that_do_not_fit_together_are_repeated_one_by_one() {
    let mut world = FullDiskWorld::filled().await;
    // A person of every leaf: together they need more pages than the reserve has.
    let some: Vec<_> = world.people.iter().copied().step_by(3).collect();
    let answers = world.together(some.iter().copied().map(delete)).await;
    assert!(
        answers.iter().all(is_done),
        "{:?}",
        answers.iter().find(|answer| !is_done(answer))
    );
    world.people.retain(|person| !some.contains(person));
    world.agrees().await;
}

#[tokio::test]
async fn on_a_full_disk_a_repeat_is_answered_and_a_new_key_is_refused() {
    let disk = Arc::new(Disk::default());
    let mut world = FullDiskWorld {
        store: store_on(&disk),
        disk,
        people: BTreeSet::new(),
    };
    world.saves(0..100).await.expect("an empty disk");
    let first = world.store.apply(keyed(large(1), 1)).await;
    world.disk.leave_blocks(Some(0));
    let full = world.saves(1_000..2_000).await;
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");

    let changes = world.disk.changes();
    let repeat = world.store.apply(keyed(large(1), 1)).await;
    let (Ok(WriteOutcome::Done { at, .. }), Ok(WriteOutcome::Replayed(recorded))) =
        (&first, &repeat)
    else {
        panic!("{first:?}, {repeat:?}")
    };
    assert_eq!(recorded.at, *at);
    let other = world.store.apply(keyed(large(1), 2)).await;
    assert!(matches!(other, Ok(WriteOutcome::KeyReused)), "{other:?}");
    let new = world.store.apply(large(2)).await;
    assert!(is_full(&new), "{new:?}");
    assert_eq!(world.disk.changes(), changes, "none of them writes");
}

#[tokio::test]
async fn a_delete_that_finds_the_disk_full_at_any_step_happens_once() {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    let mut met = 0;
    for after in 0.. {
        store.apply(save(1, "again")).await.expect("there is room");
        let (from, failures) = (store.heads().await.expect("it is open"), disk.failures());
        let kind = io::ErrorKind::StorageFull;
        disk.set_fault(Some(DiskFault {
            kind,
            on: FaultyOperation::Change,
            after,
            lasts: FaultDuration::Once,
        }));
        let answer = store.apply(delete(id(1))).await;
        disk.set_fault(None);
        let Ok(WriteOutcome::Done { at, .. }) = answer else {
            panic!("operation {after}: {answer:?}")
        };
        assert_eq!(store.get(id(1)).await.expect("it is open"), None);
        let since = store
            .since(at.partition, from[at.partition.index()], ALL)
            .await
            .expect("it is open");
        let LogAnswer::Continues { changes, .. } = since else {
            panic!("operation {after}: {since:?}")
        };
        assert_eq!(
            changes.iter().map(|change| change.at).collect::<Vec<_>>(),
            [at],
            "operation {after}"
        );
        if disk.failures() == failures {
            break;
        }
        met += 1;
    }
    assert!(met > 3, "{met} operations");
}

#[tokio::test]
async fn a_reserve_that_cannot_be_held_refuses_no_save() {
    let disk = Arc::new(Disk::default());
    let kind = io::ErrorKind::PermissionDenied;
    disk.set_fault(Some(DiskFault {
        kind,
        on: FaultyOperation::Reserve,
        after: 0,
        lasts: FaultDuration::UntilMended,
    }));
    let mut world = FullDiskWorld {
        store: store_on(&disk),
        disk,
        people: BTreeSet::new(),
    };
    world.saves(0..10).await.expect("the disk is sound");
    assert_eq!(world.disk.reserved(), 0);
    world.disk.leave_blocks(Some(0));
    let full = world.saves(1_000..2_000).await;
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    world.agrees().await;
    world.disk.leave_blocks(Some(2 * RESERVE));
    world
        .saves(3_000..3_010)
        .await
        .expect("there is room, if not for the reserve");
    world.agrees().await;
}
