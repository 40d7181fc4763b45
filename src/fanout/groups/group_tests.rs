//! Rounds: each member is handed each change once and in order, whatever comes and goes meanwhile,
//! from its joining on.

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
use crate::filter::View;
use crate::history::Checkpoint;
use crate::protocol::format::WireFormat;
use crate::session::{CatchUp, Connection, Notification, ServeHandle, Subscription};

/// The number of the group whose members these are.
const NUMBER: usize = 7;

fn place(offset: u64) -> Checkpoint {
    Checkpoint {
        offset,
        cursor: Cursor::new([Position::start_of(Epoch::new(1))]),
    }
}

fn notification(offset: u64, ends: bool) -> Notification {
    Notification::framed(
        Bytes::from_static(b"frame"),
        place(offset - 1),
        place(offset),
        ends,
    )
}

fn subscription() -> Subscription {
    Subscription {
        view: View::default(),
        format: WireFormat::Json,
        close_on: None,
    }
}

fn session() -> ServeHandle {
    let socket = UnixStream::pair().expect("two file descriptors").0;
    let catch_up = CatchUp::replay(place(0));
    let drain = Connection::open(socket.into(), subscription(), catch_up, None);
    ServeHandle::of(drain.connection())
}

fn key(session: &ServeHandle) -> *const Connection {
    Arc::as_ptr(session.connection())
}

/// A group, and what each of its members was handed.
struct Followed {
    group: SubscriptionGroup,
    handed: HashMap<*const Connection, Vec<u64>>,
    /// Changes that were pushed before a member joined.
    missed: HashMap<*const Connection, u64>,
    pushed: u64,
    /// How long rounds take.
    round: Duration,
}

impl Followed {
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

    /// Whether somebody was looked at: in this round, or in the one that follows without a rest.
    fn look(&mut self) -> bool {
        let Some((member, from)) = self
            .group
            .next_member()
            .map(|(session, from)| (key(session), from))
        else {
            return self.group.finish(Instant::now() + self.round) == Next::Round && self.look();
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
async fn each_member_is_handed_each_change_once_and_in_order_whatever_comes_and_goes() {
    for seed in 0..200 {
        let mut random = SmallRng::seed_from_u64(seed);
        let (mut followed, mut members) = (Followed::new(), Vec::new());
        for _ in 0..120 {
            followed.round = Duration::from_millis(random.random_range(0..2) * 8);
            match random.random_range(0..12) {
                0..3 => members.push(followed.add()),
                3 if !members.is_empty() => {
                    let gone = members.swap_remove(random.random_range(0..members.len()));
                    followed.group.remove(gone.slot().expect("a member"));
                    assert!(
                        gone.slot().is_none(),
                        "seed {seed}: who is gone has no slot"
                    );
                }
                4..6 => followed.push(),
                6 | 7 => drop(followed.group.wake()),
                8 => drop(followed.group.finish(Instant::now())),
                _ => drop((0..random.random_range(0..6)).all(|_| followed.look())),
            }
        }
        while followed.look() || followed.group.wake() {}
        assert_eq!(
            followed.group.waiting(),
            0,
            "seed {seed}: a finished round keeps nothing"
        );
        assert_eq!(followed.group.members().len(), members.len());
        for (slot, member) in followed.group.members().enumerate() {
            let at = member.slot().expect("a member");
            assert_eq!(
                (at.group(), at.slot()),
                (NUMBER, slot),
                "seed {seed}: members know their slots"
            );
        }
        for member in &members {
            let (handed, missed) = (
                &followed.handed[&key(member)],
                followed.missed[&key(member)],
            );
            assert_eq!(
                *handed,
                (missed + 1..=followed.pushed).collect::<Vec<_>>(),
                "seed {seed}"
            );
        }
    }
}

#[tokio::test]
async fn what_comes_while_a_round_is_under_way_goes_along_in_its_writes() {
    let mut followed = Followed::new();
    let members: Vec<_> = (0..10).map(|_| followed.add()).collect();
    let mut writes = 0;
    followed.push();
    // Eight changes are under way at a time, each taking as long as a round.
    for _ in 0..100 {
        for _ in 0..5 {
            assert!(followed.look());
            writes += 1;
        }
        for _ in 0..4 {
            followed.push();
        }
    }
    while followed.look() {
        writes += 1;
    }
    let deliveries: usize = members
        .iter()
        .map(|member| followed.handed[&key(member)].len())
        .sum();
    assert_eq!(deliveries, 401 * 10);
    assert!(
        deliveries > 7 * writes,
        "{deliveries} changes in {writes} writes: about eight in each"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_round_is_followed_by_a_cooldown_in_which_what_comes_is_gathered() {
    let mut followed = Followed::new();
    followed.add();
    let begin = |followed: &mut Followed| {
        followed.push();
        while followed.group.next_member().is_some() {}
    };
    let after = |millis| Instant::now() + Duration::from_millis(millis);
    begin(&mut followed);
    assert_eq!(
        followed.group.finish(Instant::now()),
        Next::Idle,
        "it was short"
    );
    begin(&mut followed);
    assert_eq!(followed.group.finish(after(8)), Next::Cooldown(after(10)));
    assert!(!followed.group.wake(), "nothing came");
    begin(&mut followed);
    assert_eq!(
        followed.group.finish(after(8)),
        Next::Cooldown(after(10)),
        "who woke begins at once"
    );
    for _ in 0..7 {
        assert!(
            !followed.group.push(notification(1, false)),
            "no round begins"
        );
    }
    assert!(followed.group.next_member().is_none());
    assert!(
        followed.group.push(notification(1, false)),
        "that is enough"
    );
    while followed.group.next_member().is_some() {}
    for _ in 0..8 {
        assert!(
            !followed.group.push(notification(1, false)),
            "the round is under way"
        );
    }
    assert_eq!(
        followed.group.finish(after(8)),
        Next::Round,
        "enough came meanwhile"
    );
    while followed.group.next_member().is_some() {}
    assert_eq!(followed.group.finish(after(8)), Next::Cooldown(after(10)));
    followed.group.push(notification(1, false));
    assert!(followed.group.wake());
    assert!(followed.group.next_member().is_some());
    assert_eq!(
        followed.group.finish(after(60_000)),
        Next::Cooldown(after(60_010)),
        "however long it took"
    );
}

#[test]
fn a_batch_goes_as_far_as_the_change_that_ends_the_stream() {
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
