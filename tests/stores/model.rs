//! Thousands of random operations. After each one, the store and the reference agree on the answer,
//! the state, the log, the numbers and the tags, and a follower of the log or the feed has the same
//! people.
//!
//! `MODEL_SEED=N` runs one history again. Every run prints its seed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use people_gateway::domain::{Partition, Person, PersonId, Position, Seq, Tag};
use people_gateway::store::{Expectation, Feed, LogAnswer, RequestKey, Store, Write, WriteOutcome};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::backing::{Backing, Setup, for_every_store};
use crate::people::{
    ROOMY, all_people, at_millis, connected, count, delete, events, framed, id, probed, save,
};
use crate::reference::{Reference, fold};

const SETUP: Setup = Setup {
    partitions: 1,
    log_max: 12,
    idempotency_ttl: Duration::from_secs(3600),
};
/// Operations of one history.
const OPERATIONS: usize = 4_000;
/// Every 50th operation compares all people and all logs.
const WHOLE_EVERY: usize = 50;
/// One operation in 700 wipes the store.
const WIPE_EVERY: usize = 700;
/// People, keys and remembered writes: few, so that they collide.
const PEOPLE: u64 = 14;
const KEYS: u8 = 10;
const REMEMBERED: usize = 20;

for_every_store!(random_operations_agree_with_the_reference);

async fn random_operations_agree_with_the_reference(backing: &mut impl Backing) {
    let seed = std::env::var("MODEL_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random);
    println!(
        "partitions {}, MODEL_SEED={seed}",
        backing.store().partitions().get()
    );
    let mut random = StdRng::seed_from_u64(seed);
    let mut old_positions = Vec::new();
    let mut run = Run::new(backing.store()).await;
    for number in 1..=OPERATIONS {
        if random.random_ratio(1, u32::try_from(WIPE_EVERY).expect("small")) {
            old_positions.extend(
                run.partitions()
                    .into_iter()
                    .flat_map(|partition| run.reference.positions(partition)),
            );
            drop(run);
            backing.wipe().await;
            run = Run::new(backing.store()).await;
        }
        match random.random_range(0..100) {
            0..70 => run.write(&mut random).await,
            70..94 => run.ask_since(&mut random, &old_positions).await,
            _ => run.ask_recorded(&mut random).await,
        }
        run.compare(number % WHOLE_EVERY == 0).await;
    }
}

/// A store, its reference, and a follower that reads the log only.
struct Run {
    store: Arc<dyn Store>,
    feed: Feed,
    reference: Reference,
    positions: Vec<Position>,
    follower: BTreeMap<PersonId, Person>,
    /// Writes with a key, for repeats.
    keyed: VecDeque<Write>,
    /// Earlier revisions, for stale expectations.
    revisions: VecDeque<Position>,
    touched: PersonId,
}

impl Run {
    async fn new(store: Arc<dyn Store>) -> Self {
        let positions = store.heads().await.expect("the heads");
        let mut feed = store.feed(ROOMY);
        connected(&mut feed, store.partitions()).await;
        let reference = Reference::new(store.partitions(), SETUP.log_max, positions.clone());
        let (follower, keyed, revisions) = (BTreeMap::new(), VecDeque::new(), VecDeque::new());
        Self {
            store,
            feed,
            reference,
            positions,
            follower,
            keyed,
            revisions,
            touched: id(0),
        }
    }

    fn partitions(&self) -> Vec<Partition> {
        self.store.partitions().iter().collect()
    }

    async fn write(&mut self, random: &mut StdRng) {
        let write = self.choose_write(random);
        self.touched = write.id;
        let refusal = self.reference.refusal(&write);
        let answer = self
            .store
            .apply(write.clone())
            .await
            .expect("the store answers");
        if let Some(refusal) = refusal {
            assert_eq!(answer, refusal, "to {write:?}");
            return;
        }
        let change = self.reference.record_write(&write, &answer);
        if let WriteOutcome::Done { at, .. } = answer {
            remember(&mut self.revisions, at.position);
        }
        if write.idempotency.is_some() {
            remember(&mut self.keyed, write);
        }
        let published = events(&mut self.feed, 1).await;
        assert_eq!(framed(&published[0]), Some(change));
    }

    fn choose_write(&self, random: &mut StdRng) -> Write {
        if random.random_ratio(1, 6)
            && let Some(repeat) = choose(random, &self.keyed)
        {
            return repeat;
        }
        let id = id(random.random_range(0..PEOPLE));
        let name = format!("{:x}", random.random::<u32>());
        let write = if random.random_ratio(1, 3) {
            delete(id)
        } else {
            save(id, &name)
        };
        let current = self.reference.people.get(&id).map(|person| person.revision);
        let expect = match random.random_range(0..10) {
            0..4 => Expectation::Anything,
            4 => Expectation::Absent,
            5 => Expectation::Present,
            6 | 7 => current.map_or(Expectation::Absent, Expectation::Revision),
            8 => {
                choose(random, &self.revisions).map_or(Expectation::Present, Expectation::Revision)
            }
            _ => Expectation::Impossible,
        };
        let idempotency = random.random_ratio(1, 4).then(|| any_key(random));
        Write {
            expect,
            idempotency,
            time: at_millis(random.random_range(0..1 << 40)),
            ..write
        }
    }

    async fn ask_since(&mut self, random: &mut StdRng, old_positions: &[Position]) {
        let partition = *self.partitions().choose(random).expect("there is one");
        let positions = self.reference.positions(partition);
        let recent = &positions[positions.len().saturating_sub(2 * SETUP.log_max)..];
        let position = *(if random.random_bool(0.8) {
            recent
        } else {
            &positions
        })
        .choose(random)
        .expect("the start");
        let from = match random.random_range(0..8) {
            0 => Position {
                tag: Tag::new(random.random()),
                ..position
            },
            1 => Position {
                seq: Seq::new(position.seq.get() + random.random_range(1..30)).expect("small"),
                ..position
            },
            2 => Position {
                tag: recent.choose(random).expect("the start").tag,
                ..position
            },
            3 => *old_positions.choose(random).unwrap_or(&position),
            _ => position,
        };
        let most = random.random_range(1..2 * SETUP.log_max);
        let answer = self
            .store
            .since(partition, from, count(most))
            .await
            .expect("the log answers");
        assert_eq!(
            answer,
            self.reference.since(partition, from, most),
            "since {partition}:{from}, at most {most}"
        );
    }

    async fn ask_recorded(&mut self, random: &mut StdRng) {
        let partition = *self.partitions().choose(random).expect("there is one");
        let key = any_key(random);
        let answer = self
            .store
            .recorded(partition, &key)
            .await
            .expect("the store answers");
        assert_eq!(
            answer,
            self.reference.recorded(partition, &key),
            "{key:?} in {partition}"
        );
    }

    async fn compare(&mut self, whole: bool) {
        assert_eq!(
            self.store.heads().await.expect("the heads"),
            self.reference.heads()
        );
        probed(&mut self.feed, self.store.partitions()).await;
        let person = self
            .store
            .get(self.touched)
            .await
            .expect("the store answers");
        assert_eq!(person.as_ref(), self.reference.people.get(&self.touched));
        let partition = self.store.partitions().of(self.touched);
        self.follow(partition).await;
        let most = if whole { 2 * SETUP.log_max } else { 3 };
        let tail = self
            .store
            .tail(partition, count(most))
            .await
            .expect("the log answers");
        assert_eq!(tail, self.reference.tail(partition, most));
        if whole {
            for partition in self.partitions() {
                self.follow(partition).await;
            }
            assert_eq!(self.follower, self.reference.people, "the replayed log");
            assert_eq!(
                all_people(&*self.store, 5).await,
                self.reference.all_people(),
                "the list"
            );
        }
    }

    /// Reads the follower's next change. The follower is at most one change behind, so the log must
    /// continue.
    async fn follow(&mut self, partition: Partition) {
        let from = self.positions[partition.index()];
        let answer = self
            .store
            .since(partition, from, count(SETUP.log_max))
            .await
            .expect("the log answers");
        let LogAnswer::Continues { head, changes } = answer else {
            panic!("{from}: {answer:?}")
        };
        for change in &changes {
            assert_eq!(
                change.predecessor(),
                Some(self.positions[partition.index()])
            );
            self.positions[partition.index()] = change.at.position;
            fold(&mut self.follower, change);
        }
        assert_eq!(self.positions[partition.index()], head);
    }
}

fn any_key(random: &mut StdRng) -> RequestKey {
    RequestKey {
        name: [random.random_range(0..KEYS); 32],
        fingerprint: [random.random_range(0..2); 32],
    }
}

fn choose<T: Clone>(random: &mut StdRng, from: &VecDeque<T>) -> Option<T> {
    if from.is_empty() {
        None
    } else {
        from.get(random.random_range(0..from.len())).cloned()
    }
}

fn remember<T>(into: &mut VecDeque<T>, value: T) {
    if into.len() == REMEMBERED {
        into.pop_front();
    }
    into.push_back(value);
}
