//! The log: numbers without gaps, a chain of tags, exact trimming, and a correct answer for every
//! position.

use super::SETUP;
use crate::backing::{Backing, for_every_store};
use crate::people::{changes, count, delete, done, fields, id, save};
use people_gateway::domain::{Epoch, Partition, Position, Seq, Tag};
use people_gateway::store::{Discontinuity, LogAnswer, PageLimits, Store};

for_every_store!(
    a_fresh_store_is_at_the_start_of_its_epochs,
    a_change_is_logged_with_both_images,
    every_entry_chains_to_the_one_before,
    the_log_is_read_in_portions,
    the_log_keeps_exactly_its_limit_of_entries,
    a_position_that_never_existed_is_a_fork,
    a_foreign_epoch_is_reported,
    the_tail_ends_at_the_head,
    a_wiped_store_begins_a_new_epoch,
);

/// Makes `n` changes of people of one partition, and returns their positions, the start first.
async fn history(store: &dyn Store, n: usize) -> (Partition, Vec<Position>) {
    let partition = store.partitions().of(id(0));
    let mut positions = vec![store.heads().await.unwrap()[partition.index()]];
    let numbers = (0..10_000)
        .map(id)
        .filter(|id| store.partitions().of(*id) == partition);
    for id in numbers.take(n) {
        positions.push(done(store, save(id, "A")).await.position);
    }
    (partition, positions)
}

/// Reads from a position where the log must be broken, and returns the reason.
async fn broken(store: &dyn Store, partition: Partition, from: Position) -> Discontinuity {
    let head = store.heads().await.unwrap()[partition.index()];
    match store.since(partition, from, count(5)).await.unwrap() {
        LogAnswer::Broken {
            reason,
            head: named,
        } => {
            assert_eq!(named, Some(head));
            reason
        }
        continues @ LogAnswer::Continues { .. } => {
            panic!("expected a break at {from}: {continues:?}")
        }
    }
}

async fn a_fresh_store_is_at_the_start_of_its_epochs(backing: &mut impl Backing) {
    let store = backing.store();
    let heads = store.heads().await.unwrap();
    assert_eq!(heads.len(), usize::from(store.partitions().get()));
    for (number, head) in heads.iter().enumerate() {
        assert_eq!(*head, Position::start_of(head.epoch));
        assert_ne!(head.epoch, Epoch::new(0));
        assert!(
            heads[..number]
                .iter()
                .all(|other| other.epoch != head.epoch),
            "{heads:?}"
        );
        let partition = Partition::new(u16::try_from(number).unwrap());
        assert_eq!(changes(&*store, partition, *head).await, (*head, vec![]));
        let tail = store.tail(partition, count(10)).await.unwrap();
        assert_eq!((tail.head, tail.changes), (*head, vec![]));
        let page = store
            .page(partition, None, PageLimits::people(count(10)))
            .await
            .unwrap();
        assert_eq!((page.head, page.people), (*head, vec![]));
    }
}

async fn a_change_is_logged_with_both_images(backing: &mut impl Backing) {
    let store = backing.store();
    let partition = store.partitions().of(id(1));
    let start = store.heads().await.unwrap()[partition.index()];
    for write in [
        save(id(1), "A"),
        save(id(1), "B"),
        delete(id(1)),
        save(id(1), "C"),
    ] {
        done(&*store, write).await;
    }
    let (_, changes) = changes(&*store, partition, start).await;
    let images: Vec<_> = changes
        .iter()
        .map(|change| (change.before.clone(), change.after.clone()))
        .collect();
    let [a, b, c] = ["A", "B", "C"].map(|name| Some(fields(name)));
    assert_eq!(
        images,
        [(None, a.clone()), (a, b.clone()), (b, None), (None, c)]
    );
    let times: Vec<_> = changes
        .iter()
        .map(|change| (change.created_at.as_millis(), change.time.as_millis()))
        .collect();
    assert_eq!(
        times,
        [
            (1_000, 1_000),
            (1_000, 1_000),
            (1_000, 2_000),
            (1_000, 1_000)
        ]
    );
    assert!(
        changes
            .iter()
            .all(|change| change.id == id(1) && change.at.partition == partition)
    );
}

async fn every_entry_chains_to_the_one_before(backing: &mut impl Backing) {
    let store = backing.store();
    let (partition, positions) = history(&*store, 15).await;
    let (head, changes) = changes(&*store, partition, positions[0]).await;
    assert_eq!(head, positions[15]);
    for (change, pair) in changes.iter().zip(positions.windows(2)) {
        assert_eq!(
            (change.at.position, change.previous),
            (pair[1], pair[0].tag)
        );
        assert_eq!(pair[1].seq, pair[0].seq.next());
        assert_eq!(pair[1].epoch, pair[0].epoch);
        assert_ne!(pair[1].tag, Tag::START);
        assert_eq!(
            positions
                .iter()
                .filter(|other| other.tag == pair[1].tag)
                .count(),
            1
        );
    }
}

async fn the_log_is_read_in_portions(backing: &mut impl Backing) {
    let store = backing.store();
    let (partition, positions) = history(&*store, 12).await;
    for (start, from) in positions.iter().enumerate() {
        let answer = store.since(partition, *from, count(5)).await.unwrap();
        let LogAnswer::Continues { head, changes } = answer else {
            panic!("{answer:?}")
        };
        let found: Vec<_> = changes.iter().map(|change| change.at.position).collect();
        assert_eq!(
            (head, found.as_slice()),
            (positions[12], &positions[(start + 1)..=12.min(start + 5)])
        );
    }
}

async fn the_log_keeps_exactly_its_limit_of_entries(backing: &mut impl Backing) {
    let store = backing.store();
    let (partition, positions) = history(&*store, 50).await;
    let oldest = 50 - SETUP.log_max;
    for (number, from) in positions.iter().enumerate() {
        if number < oldest {
            assert_eq!(
                broken(&*store, partition, *from).await,
                Discontinuity::Trimmed
            );
        } else {
            assert_eq!(
                changes(&*store, partition, *from).await.1.len(),
                50 - number
            );
        }
    }
    assert_eq!(
        store
            .tail(partition, count(1_000))
            .await
            .unwrap()
            .changes
            .len(),
        SETUP.log_max
    );
}

async fn a_position_that_never_existed_is_a_fork(backing: &mut impl Backing) {
    let store = backing.store();
    let (partition, positions) = history(&*store, 10).await;
    for position in &positions {
        let forged = Position {
            tag: Tag::new(0xbad),
            ..*position
        };
        assert_eq!(
            broken(&*store, partition, forged).await,
            Discontinuity::Forked,
            "{forged}"
        );
    }
    let swapped = Position {
        tag: positions[3].tag,
        ..positions[4]
    };
    assert_eq!(
        broken(&*store, partition, swapped).await,
        Discontinuity::Forked
    );
    for beyond in [positions[10].seq.next(), Seq::MAX] {
        let beyond = Position {
            seq: beyond,
            ..positions[10]
        };
        assert_eq!(
            broken(&*store, partition, beyond).await,
            Discontinuity::Forked
        );
    }
}

async fn a_foreign_epoch_is_reported(backing: &mut impl Backing) {
    let store = backing.store();
    let (partition, positions) = history(&*store, 3).await;
    for position in &positions {
        let foreign = Position {
            epoch: Epoch::new(0xbad),
            ..*position
        };
        assert_eq!(
            broken(&*store, partition, foreign).await,
            Discontinuity::Epoch
        );
    }
    let beyond = Position {
        epoch: Epoch::new(0xbad),
        seq: Seq::MAX,
        tag: Tag::START,
    };
    assert_eq!(
        broken(&*store, partition, beyond).await,
        Discontinuity::Epoch
    );
}

async fn the_tail_ends_at_the_head(backing: &mut impl Backing) {
    let store = backing.store();
    let (partition, positions) = history(&*store, 10).await;
    for most in [1, 3, 10, 100] {
        let tail = store.tail(partition, count(most)).await.unwrap();
        let found: Vec<_> = tail
            .changes
            .iter()
            .map(|change| change.at.position)
            .collect();
        assert_eq!(
            (tail.head, found.as_slice()),
            (positions[10], &positions[11 - most.min(10)..])
        );
    }
}

async fn a_wiped_store_begins_a_new_epoch(backing: &mut impl Backing) {
    let (partition, positions) = history(&*backing.store(), 5).await;
    backing.wipe().await;
    let store = backing.store();
    let head = store.heads().await.unwrap()[partition.index()];
    assert_eq!(head, Position::start_of(head.epoch));
    assert_ne!(head.epoch, positions[0].epoch);
    for position in &positions {
        assert_eq!(
            broken(&*store, partition, *position).await,
            Discontinuity::Epoch
        );
    }
    assert_eq!(store.get(id(0)).await.unwrap(), None);
    assert_eq!(
        done(&*store, save(id(0), "A")).await.position.seq,
        Seq::START.next()
    );
}
