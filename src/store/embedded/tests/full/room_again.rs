//! A full disk has room again after enough deletes, or when an operator makes some. Then saves
//! succeed.

use std::collections::BTreeSet;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::world::{FullDiskWorld, delete, is_done, is_full, large};
use crate::store::Store;
use crate::store::embedded::tests::disk::{Disk, RESERVE, save, store_on};

/// On disks with different capacities, with people of different sizes.
#[tokio::test]
async fn on_a_full_disk_every_delete_succeeds_and_after_many_saves_succeed_again() {
    for seed in 0..6 {
        let mut random = StdRng::seed_from_u64(seed);
        let disk = Arc::new(Disk::default());
        let mut world = FullDiskWorld {
            store: store_on(&disk),
            disk,
            people: BTreeSet::new(),
        };
        let (widest, free) = (
            [300, 900, 5_000][random.random_range(0..3)],
            random.random_range(0..300),
        );
        let mut someone = || {
            save(
                random.random_range(0..1 << 47),
                &"x".repeat(random.random_range(1..widest)),
            )
        };
        let mut bytes = 0;
        while bytes < 2 << 20 {
            let write = someone();
            world.people.insert(write.id);
            bytes += write
                .save
                .as_ref()
                .map_or(0, |fields| fields.as_str().len());
            assert!(is_done(&world.store.apply(write).await));
        }
        world.disk.leave_blocks(Some(free));
        let mut writes: Vec<_> = (0..free * 5_000 / widest + 500)
            .map(|_| someone())
            .collect();
        while world.disk.reserved() > 0 {
            let some = writes.split_off(
                writes
                    .len()
                    .checked_sub(50)
                    .expect("the disk is full by now"),
            );
            let ids: Vec<_> = some.iter().map(|write| write.id).collect();
            let answers = world.together(some).await;
            world.people.extend(
                ids.iter()
                    .zip(&answers)
                    .filter(|(_, answer)| is_done(answer))
                    .map(|(id, _)| id),
            );
        }
        let refused = world.store.apply(large(1)).await;
        assert!(is_full(&refused), "seed {seed}: {refused:?}");
        let mut people: Vec<_> = world.people.iter().copied().collect();
        people.shuffle(&mut random);
        for person in people {
            let deleted = world.store.apply(delete(person)).await;
            assert!(
                is_done(&deleted),
                "seed {seed}: {deleted:?} with {} left",
                world.people.len()
            );
            world.people.remove(&person);
        }
        world.agrees().await;
        world
            .saves(0..10)
            .await
            .expect("the disk is as small as it was, and the file is empty");
        assert_eq!(world.disk.reserved(), RESERVE, "seed {seed}");
        world.agrees().await;
    }
}

#[tokio::test]
async fn the_file_is_compacted_as_soon_as_no_read_runs() {
    let mut world = FullDiskWorld::filled().await;
    for person in world.people.clone() {
        let reading = world.store.handle.begin_read().expect("it is open");
        let deleted = tokio::spawn({
            let store = Arc::clone(&world.store);
            async move { store.apply(delete(person)).await }
        });
        while !deleted.is_finished() && world.store.handle.generation().is_some() {
            tokio::task::yield_now().await;
        }
        drop(reading);
        let deleted = deleted.await.expect("it ends");
        assert!(
            is_done(&deleted),
            "{deleted:?} with {} left",
            world.people.len()
        );
        world.people.remove(&person);
    }
    world
        .saves(0..10)
        .await
        .expect("the disk is as small as it was, and the file is empty");
    assert_eq!(world.disk.reserved(), RESERVE);
    world.agrees().await;
}

#[tokio::test]
async fn a_store_that_starts_on_a_full_disk_deletes_and_saves_when_there_is_room() {
    let FullDiskWorld {
        disk,
        store,
        mut people,
    } = FullDiskWorld::filled().await;
    drop(store);
    let mut world = FullDiskWorld {
        store: store_on(&disk),
        disk,
        people: people.clone(),
    };
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
