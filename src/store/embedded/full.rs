//! A full disk: saves are refused and deletes go on, until there is room again.

use std::collections::BTreeSet;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::EmbeddedStore;
use super::disk::{Disk, Fault, Lasts, On, RESERVE, id, save, store_on};
use crate::domain::PersonId;
use crate::store::{Applied, IdempotencyKey, PageLimits, Since, Store, StoreError, Write};

/// More than is ever saved.
const ALL: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

/// A disk, the store on it, and who is in it by the answers so far.
struct World {
    disk: Arc<Disk>,
    store: Arc<EmbeddedStore>,
    people: BTreeSet<PersonId>,
}

impl World {
    /// People of a page each, whatever fits.
    async fn filled() -> Self {
        let disk = Arc::new(Disk::default());
        let mut world = Self { store: store_on(&disk), disk, people: BTreeSet::new() };
        world.saves(0..800).await.expect("an empty disk");
        assert_eq!(world.disk.reserved(), RESERVE);
        world.disk.leave_blocks(Some(10));
        let full = world.saves(1_000..2_000).await;
        assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
        world.agrees().await;
        world
    }

    async fn saves(&mut self, numbers: std::ops::Range<u64>) -> Result<(), StoreError> {
        for number in numbers {
            self.store.apply(large(number)).await?;
            self.people.insert(id(number));
        }
        Ok(())
    }

    /// The store holds those whose save was acknowledged, unless their delete was.
    async fn agrees(&self) {
        let mut found = BTreeSet::new();
        for partition in self.store.partitions().iter() {
            let page = self.store.page(partition, None, PageLimits::people(ALL)).await.expect("it can be read");
            found.extend(page.people.iter().map(|person| person.id));
        }
        assert_eq!(found, self.people);
    }

    /// Sends all of it while the writer can do nothing, so that what is behind the first is one batch.
    async fn together(&self, writes: impl IntoIterator<Item = Write>) -> Vec<Result<Applied, StoreError>> {
        let mut sent: Vec<_> = writes.into_iter().map(|write| self.store.apply(write)).collect();
        {
            let _still = self.disk.stopped();
            assert!(sent.iter_mut().all(|write| write.now_or_never().is_none()));
        }
        join_all(sent).await
    }
}

fn large(number: u64) -> Write {
    save(number, &"x".repeat(900))
}

fn delete(id: PersonId) -> Write {
    Write { id, save: None, ..save(0, "") }
}

fn keyed(write: Write, fingerprint: u8) -> Write {
    Write { idempotency: Some(IdempotencyKey { name: [1; 32], fingerprint: [fingerprint; 32] }), ..write }
}

fn is_full(answer: &Result<Applied, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Full(_)))
}

fn is_done(answer: &Result<Applied, StoreError>) -> bool {
    matches!(answer, Ok(Applied::Done { .. }))
}

#[tokio::test]
async fn on_a_full_disk_people_can_be_deleted_and_nobody_saved_until_there_is_room() {
    let mut world = World::filled().await;
    assert_eq!(world.disk.reserved(), 0, "it is for the deletes");
    // Not so many that the file is compacted.
    for person in world.people.clone().into_iter().take(300) {
        let before = (world.store.probe().await.expect("it is open"), world.disk.changes());
        let refused = world.store.apply(large(3_000)).await;
        assert!(is_full(&refused), "{refused:?}");
        assert_eq!(
            (world.store.probe().await.expect("it is open"), world.disk.changes()),
            before,
            "it is not even tried"
        );
        let deleted = world.store.apply(delete(person)).await;
        assert!(is_done(&deleted), "{deleted:?} with {} left", world.people.len());
        world.people.remove(&person);
        world.agrees().await;
    }
    world.disk.leave_blocks(Some(2 * RESERVE));
    world.saves(0..10).await.expect("there is room for the reserve, and in the file");
    assert_eq!(world.disk.reserved(), RESERVE);
    world.agrees().await;
}

#[tokio::test]
async fn of_writes_that_find_the_disk_full_together_the_deletes_are_carried_out() {
    let disk = Arc::new(Disk::default());
    let mut world = World { store: store_on(&disk), disk, people: BTreeSet::new() };
    world.saves(0..500).await.expect("an empty disk");
    world.disk.leave_blocks(Some(0));
    let writes = (0..500).map(|number| if number < 450 { large(1_000 + number) } else { delete(id(number)) });
    let answers = world.together(writes).await;
    let first = answers.iter().position(is_full).expect("there is no room for all of them");
    assert!(answers[first..450].iter().all(is_full), "no save goes through behind the first that did not");
    assert!(answers[450..].iter().all(is_done), "{:?}", answers[450..].iter().find(|answer| !is_done(answer)));
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
async fn deletes_that_do_not_fit_together_are_carried_out_one_by_one() {
    let mut world = World::filled().await;
    // A person of every leaf: all of them together need more pages than the reserve has.
    let some: Vec<_> = world.people.iter().copied().step_by(3).collect();
    let answers = world.together(some.iter().copied().map(delete)).await;
    assert!(answers.iter().all(is_done), "{:?}", answers.iter().find(|answer| !is_done(answer)));
    world.people.retain(|person| !some.contains(person));
    world.agrees().await;
}

#[tokio::test]
async fn on_a_full_disk_a_repeat_is_answered_and_a_new_key_is_refused() {
    let disk = Arc::new(Disk::default());
    let mut world = World { store: store_on(&disk), disk, people: BTreeSet::new() };
    world.saves(0..100).await.expect("an empty disk");
    let first = world.store.apply(keyed(large(1), 1)).await;
    world.disk.leave_blocks(Some(0));
    let full = world.saves(1_000..2_000).await;
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");

    let changes = world.disk.changes();
    let repeat = world.store.apply(keyed(large(1), 1)).await;
    assert!(
        matches!((&first, &repeat), (Ok(Applied::Done { at, .. }), Ok(Applied::Replayed(recorded))) if recorded.at == *at),
        "{first:?}, {repeat:?}"
    );
    let other = world.store.apply(keyed(large(1), 2)).await;
    assert!(matches!(other, Ok(Applied::KeyReused)), "{other:?}");
    let new = world.store.apply(Write { idempotency: None, ..keyed(large(2), 3) }).await;
    assert!(is_full(&new), "{new:?}");
    assert_eq!(world.disk.changes(), changes, "none of them writes");
}

/// On disks of many sizes, with people of many sizes.
#[tokio::test]
async fn on_a_full_disk_all_can_be_deleted_and_when_many_are_saves_are_taken_again() {
    for seed in 0..6 {
        let mut random = StdRng::seed_from_u64(seed);
        let disk = Arc::new(Disk::default());
        let mut world = World { store: store_on(&disk), disk, people: BTreeSet::new() };
        let (widest, free) = ([300, 900, 5_000][random.random_range(0..3)], random.random_range(0..300));
        let mut someone = || save(random.random_range(0..1 << 47), &"x".repeat(random.random_range(1..widest)));
        let mut bytes = 0;
        while bytes < 2 << 20 {
            let write = someone();
            world.people.insert(write.id);
            bytes += write.save.as_ref().map_or(0, |fields| fields.as_str().len());
            assert!(is_done(&world.store.apply(write).await));
        }
        world.disk.leave_blocks(Some(free));
        let mut writes: Vec<_> = (0..free * 5_000 / widest + 500).map(|_| someone()).collect();
        while world.disk.reserved() > 0 {
            let some = writes.split_off(writes.len().checked_sub(50).expect("the disk is full by now"));
            let ids: Vec<_> = some.iter().map(|write| write.id).collect();
            let answers = world.together(some).await;
            world.people.extend(ids.iter().zip(&answers).filter(|(_, answer)| is_done(answer)).map(|(id, _)| id));
        }
        let refused = world.store.apply(large(1)).await;
        assert!(is_full(&refused), "seed {seed}: {refused:?}");
        let mut people: Vec<_> = world.people.iter().copied().collect();
        people.shuffle(&mut random);
        for person in people {
            let deleted = world.store.apply(delete(person)).await;
            assert!(is_done(&deleted), "seed {seed}: {deleted:?} with {} left", world.people.len());
            world.people.remove(&person);
        }
        world.agrees().await;
        world.saves(0..10).await.expect("the disk is as small as it was, and the file is empty");
        assert_eq!(world.disk.reserved(), RESERVE, "seed {seed}");
        world.agrees().await;
    }
}

#[tokio::test]
async fn the_file_is_compacted_as_soon_as_nobody_reads() {
    let mut world = World::filled().await;
    for person in world.people.clone() {
        let reading = world.store.handle.begin_read().expect("it is open");
        let deleted = tokio::spawn({
            let store = Arc::clone(&world.store);
            async move { store.apply(delete(person)).await }
        });
        while !deleted.is_finished() && world.store.handle.opening().is_some() {
            tokio::task::yield_now().await;
        }
        drop(reading);
        let deleted = deleted.await.expect("it ends");
        assert!(is_done(&deleted), "{deleted:?} with {} left", world.people.len());
        world.people.remove(&person);
    }
    world.saves(0..10).await.expect("the disk is as small as it was, and the file is empty");
    assert_eq!(world.disk.reserved(), RESERVE);
    world.agrees().await;
}

/// Wherever the disk turns out to be full, the delete happens, and happens once.
#[tokio::test]
async fn a_delete_that_finds_the_disk_full_at_any_step_happens_once() {
    let disk = Arc::new(Disk::default());
    let store = store_on(&disk);
    let mut met = 0;
    for after in 0.. {
        store.apply(save(1, "again")).await.expect("there is room");
        let (from, failures) = (store.probe().await.expect("it is open"), disk.failures());
        let kind = io::ErrorKind::StorageFull;
        disk.set_fault(Some(Fault { kind, on: On::Change, after, lasts: Lasts::Once }));
        let answer = store.apply(delete(id(1))).await;
        disk.set_fault(None);
        let Ok(Applied::Done { at, .. }) = answer else { panic!("operation {after}: {answer:?}") };
        assert_eq!(store.get(id(1)).await.expect("it is open"), None);
        let since = store.since(at.partition, from[at.partition.index()], ALL).await.expect("it is open");
        let Since::Continues { changes, .. } = since else { panic!("operation {after}: {since:?}") };
        assert_eq!(changes.iter().map(|change| change.at).collect::<Vec<_>>(), [at], "operation {after}");
        if disk.failures() == failures {
            break;
        }
        met += 1;
    }
    assert!(met > 3, "{met} operations");
}

#[tokio::test]
async fn a_store_that_starts_on_a_full_disk_deletes_and_saves_when_there_is_room() {
    let World { disk, store, mut people } = World::filled().await;
    drop(store);
    let mut world = World { store: store_on(&disk), disk, people: people.clone() };
    world.agrees().await;
    let refused = world.store.apply(large(3_000)).await;
    assert!(is_full(&refused), "{refused:?}");
    let person = people.pop_first().expect("it was filled");
    let deleted = world.store.apply(delete(person)).await;
    assert!(is_done(&deleted), "{deleted:?}");
    world.people.remove(&person);
    world.agrees().await;
    world.disk.leave_blocks(None);
    world.saves(3_000..3_010).await.expect("there is room");
    assert_eq!(world.disk.reserved(), RESERVE);
}

#[tokio::test]
async fn a_reserve_that_cannot_be_held_refuses_no_save() {
    let disk = Arc::new(Disk::default());
    let kind = io::ErrorKind::PermissionDenied;
    disk.set_fault(Some(Fault { kind, on: On::Reserve, after: 0, lasts: Lasts::UntilMended }));
    let mut world = World { store: store_on(&disk), disk, people: BTreeSet::new() };
    world.saves(0..10).await.expect("the disk is sound");
    assert_eq!(world.disk.reserved(), 0);
    world.disk.leave_blocks(Some(0));
    let full = world.saves(1_000..2_000).await;
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    world.agrees().await;
    world.disk.leave_blocks(Some(2 * RESERVE));
    world.saves(3_000..3_010).await.expect("there is room, if not for the reserve");
    world.agrees().await;
}
