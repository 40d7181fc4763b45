//! Rounds: each member gets each change once and in order, from its join on, while others join and
//! leave.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::net::UnixStream;
use tokio::time::Instant;

use super::group::{Next, SubscriptionGroup};
use crate::domain::{Cursor, Epoch, Position};
use crate::history::Checkpoint;
use crate::protocol::format::WireFormat;
use crate::session::{CatchUp, Connection, Notification, ServeHandle, Subscription};

/// The number of the group whose members these are.
const NUMBER: usize = 7;

fn checkpoint(offset: u64) -> Checkpoint {
    Checkpoint {
        offset,
        cursor: Cursor::new([Position::start_of(Epoch::new(1))]),
    }
}

fn notification(offset: u64, ends: bool) -> Notification {
    Notification::framed(
        Bytes::from_static(b"frame"),
        checkpoint(offset - 1),
        checkpoint(offset),
        ends,
    )
}

fn subscription() -> Subscription {
    Subscription {
        format: WireFormat::Json,
        ..Subscription::default()
    }
}

fn session() -> ServeHandle {
    let socket = UnixStream::pair().expect("two file descriptors").0;
    let catch_up = CatchUp::replay(checkpoint(0));
    let drain = Connection::open(socket.into(), subscription(), catch_up, None);
    ServeHandle::of(drain.connection())
}

fn key(session: &ServeHandle) -> *const Connection {
    Arc::as_ptr(session.connection())
}

/// A group, and the changes that each of its members got.
struct GroupRecorder {
    group: SubscriptionGroup,
    handed: HashMap<*const Connection, Vec<u64>>,
    /// The number of changes before a member joined.
    missed: HashMap<*const Connection, u64>,
    pushed: u64,
    /// The length of a round.
    round: Duration,
}

impl GroupRecorder {
    fn new() -> Self {
        let group = SubscriptionGroup::new(Arc::new(subscription()));
        Self {
            group,
            handed: HashMap::new(),
            missed: HashMap::new(),
            pushed: 0,
            round: Duration::ZERO,
        }
    }

    fn add(&mut self) -> ServeHandle {
        let session = session();
        self.group.add(session.clone(), NUMBER);
        self.handed.insert(key(&session), Vec::new());
        self.missed.insert(key(&session), self.pushed);
        session
    }

    fn push(&mut self) {
        self.pushed += 1;
        self.group.push(notification(self.pushed, false));
    }

    /// Visits the next member, in this round or one that follows at once; false without one.
    fn visit(&mut self) -> bool {
        let Some((member, from)) = self
            .group
            .next_member()
            .map(|(session, from)| (key(session), from))
        else {
            return self.group.finish(Instant::now() + self.round) == Next::Round && self.visit();
        };
        if let Some(from) = from {
            let batch = self.group.batch(from).expect("something is left");
            let handed = self.handed.get_mut(&member).expect("a member");
            handed.extend(batch.notifications().iter().map(|one| one.after.offset));
        }
        true
    }
}

#[tokio::test]
async fn each_member_gets_each_change_once_and_in_order() {
    for seed in 0..200 {
        let mut random = SmallRng::seed_from_u64(seed);
        let (mut recorder, mut members) = (GroupRecorder::new(), Vec::new());
        for _ in 0..120 {
            recorder.round = Duration::from_millis(random.random_range(0..2) * 8);
            match random.random_range(0..12) {
                0..3 => members.push(recorder.add()),
                3 if !members.is_empty() => {
                    let gone = members.swap_remove(random.random_range(0..members.len()));
                    recorder.group.remove(gone.slot().expect("a member"));
                    assert!(
                        gone.slot().is_none(),
                        "seed {seed}: a removed member has no slot"
                    );
                }
                4..6 => recorder.push(),
                6 | 7 => drop(recorder.group.wake()),
                8 => drop(recorder.group.finish(Instant::now())),
                _ => drop((0..random.random_range(0..6)).all(|_| recorder.visit())),
            }
        }
        while recorder.visit() || recorder.group.wake() {}
        assert_eq!(
            recorder.group.waiting(),
            0,
            "seed {seed}: a finished round keeps nothing"
        );
        assert_eq!(recorder.group.members().len(), members.len());
        for (slot, member) in recorder.group.members().enumerate() {
            let at = member.slot().expect("a member");
            assert_eq!(
                (at.group(), at.slot()),
                (NUMBER, slot),
                "seed {seed}: members know their slots"
            );
        }
        for member in &members {
            let (handed, missed) = (
                &recorder.handed[&key(member)],
                recorder.missed[&key(member)],
            );
            assert_eq!(
                *handed,
                (missed + 1..=recorder.pushed).collect::<Vec<_>>(),
                "seed {seed}"
            );
        }
    }
}

#[tokio::test]
async fn changes_during_a_round_join_its_writes() {
    let mut recorder = GroupRecorder::new();
    let members: Vec<_> = (0..10).map(|_| recorder.add()).collect();
    let mut writes = 0;
    recorder.push();
    // Eight changes are under way at a time, each taking as long as a round.
    for _ in 0..100 {
        for _ in 0..5 {
            assert!(recorder.visit());
            writes += 1;
        }
        for _ in 0..4 {
            recorder.push();
        }
    }
    while recorder.visit() {
        writes += 1;
    }
    let deliveries: usize = members
        .iter()
        .map(|member| recorder.handed[&key(member)].len())
        .sum();
    assert_eq!(deliveries, 401 * 10);
    assert!(
        deliveries > 7 * writes,
        "{deliveries} changes in {writes} writes: about eight in each"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_follows_a_long_round_and_gathers_changes() {
    let mut recorder = GroupRecorder::new();
    recorder.add();
    let begin = |recorder: &mut GroupRecorder| {
        recorder.push();
        while recorder.group.next_member().is_some() {}
    };
    let after = |millis| Instant::now() + Duration::from_millis(millis);
    begin(&mut recorder);
    assert_eq!(
        recorder.group.finish(Instant::now()),
        Next::Idle,
        "the round was short"
    );
    begin(&mut recorder);
    assert_eq!(recorder.group.finish(after(8)), Next::Cooldown(after(10)));
    assert!(!recorder.group.wake(), "nothing came");
    begin(&mut recorder);
    assert_eq!(
        recorder.group.finish(after(8)),
        Next::Cooldown(after(10)),
        "the group begins a round at once after its wake-up"
    );
    for _ in 0..7 {
        assert!(
            !recorder.group.push(notification(1, false)),
            "no round begins"
        );
    }
    assert!(recorder.group.next_member().is_none());
    assert!(
        recorder.group.push(notification(1, false)),
        "enough changes end the cooldown"
    );
    while recorder.group.next_member().is_some() {}
    for _ in 0..8 {
        assert!(
            !recorder.group.push(notification(1, false)),
            "the round is under way"
        );
    }
    assert_eq!(
        recorder.group.finish(after(8)),
        Next::Round,
        "enough came meanwhile"
    );
    while recorder.group.next_member().is_some() {}
    assert_eq!(recorder.group.finish(after(8)), Next::Cooldown(after(10)));
    recorder.group.push(notification(1, false));
    assert!(recorder.group.wake());
    assert!(recorder.group.next_member().is_some());
    assert_eq!(
        recorder.group.finish(after(60_000)),
        Next::Cooldown(after(60_010)),
        "a cooldown has a longest length"
    );
}

#[test]
fn a_batch_ends_with_the_change_that_ends_the_stream() {
    let group = {
        let mut group = SubscriptionGroup::new(Arc::new(subscription()));
        for (offset, ends) in [(1, false), (2, true), (3, false), (4, true)] {
            group.push(notification(offset, ends));
        }
        group
    };
    for (from, offsets) in [(0, 1..=2), (2, 3..=4), (3, 4..=4)] {
        let batch = group.batch(from).expect("something is left");
        let offsets_of: Vec<_> = batch
            .notifications()
            .iter()
            .map(|one| one.after.offset)
            .collect();
        assert_eq!(offsets_of, offsets.collect::<Vec<u64>>());
        assert!(batch.ends());
    }
    assert!(group.batch(4).is_none());
}
