//! Rounds: whoever comes and goes meanwhile, each member is handed each change once and in order, from its joining on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::net::UnixStream;
use tokio::time::Instant;

use super::burst::Shown;
use super::class::{Class, Next};
use super::{Course, Outbox, Place, Subscription};
use crate::domain::{Epoch, Position};
use crate::filter::View;
use crate::protocol::cursor::Cursor;
use crate::protocol::dress::Dress;

/// The number of the class whose members these are.
const NUMBER: usize = 7;

fn place(offset: u64) -> Place {
    Place { offset, cursor: Cursor::new([Position::start_of(Epoch::new(1))]) }
}

fn shown(offset: u64, ends: bool) -> Shown {
    Shown::framed(Bytes::from_static(b"frame"), place(offset - 1), place(offset), ends)
}

fn subscription() -> Subscription {
    Subscription { view: View::default(), dress: Dress::Json, close_on: None }
}

fn outbox() -> Arc<Outbox> {
    let course = Course::Missed { from: place(0), owes_live: None };
    Outbox::new(UnixStream::pair().expect("two file descriptors").0.into(), subscription(), course, None)
}

/// A class, and what each of its members was handed.
struct Followed {
    class: Class,
    handed: HashMap<*const Outbox, Vec<u64>>,
    /// Changes that were pushed before a member joined.
    missed: HashMap<*const Outbox, u64>,
    pushed: u64,
    /// How long rounds take.
    round: Duration,
}

impl Followed {
    fn new() -> Self {
        let class = Class::new(Arc::new(subscription()));
        Self { class, handed: HashMap::new(), missed: HashMap::new(), pushed: 0, round: Duration::ZERO }
    }

    fn add(&mut self) -> Arc<Outbox> {
        let outbox = outbox();
        self.class.add(Arc::clone(&outbox), NUMBER);
        self.handed.insert(Arc::as_ptr(&outbox), Vec::new());
        self.missed.insert(Arc::as_ptr(&outbox), self.pushed);
        outbox
    }

    fn push(&mut self) {
        self.pushed += 1;
        self.class.push(shown(self.pushed, false));
    }

    /// Whether somebody was looked at: in this round, or in the one that follows without a rest.
    fn look(&mut self) -> bool {
        let Some((outbox, from)) = self.class.next_member().map(|(outbox, from)| (Arc::clone(outbox), from)) else {
            return self.class.finish(Instant::now() + self.round) == Next::Round && self.look();
        };
        if let Some(from) = from {
            let burst = self.class.burst(from).expect("something is left");
            let handed = self.handed.get_mut(&Arc::as_ptr(&outbox)).expect("a member");
            handed.extend(burst.shown().iter().map(|shown| shown.after.offset));
        }
        true
    }
}

#[tokio::test]
async fn each_member_is_handed_each_change_once_and_in_order_whoever_comes_and_goes() {
    for seed in 0..200 {
        let mut random = SmallRng::seed_from_u64(seed);
        let (mut followed, mut members) = (Followed::new(), Vec::new());
        for _ in 0..120 {
            followed.round = Duration::from_millis(random.random_range(0..2) * 8);
            match random.random_range(0..12) {
                0..3 => members.push(followed.add()),
                3 if !members.is_empty() => {
                    let gone = members.swap_remove(random.random_range(0..members.len()));
                    followed.class.remove(gone.seat().expect("a member"));
                    assert!(gone.seat().is_none(), "seed {seed}: who is gone has no seat");
                }
                4..6 => followed.push(),
                6 | 7 => drop(followed.class.wake()),
                8 => drop(followed.class.finish(Instant::now())),
                _ => drop((0..random.random_range(0..6)).all(|_| followed.look())),
            }
        }
        while followed.look() || followed.class.wake() {}
        assert_eq!(followed.class.waiting(), 0, "seed {seed}: a finished round keeps nothing");
        assert_eq!(followed.class.members().len(), members.len());
        for (slot, member) in followed.class.members().enumerate() {
            let seat = member.seat().expect("a member");
            assert_eq!((seat.class(), seat.slot()), (NUMBER, slot), "seed {seed}: everyone knows their seat");
        }
        for member in &members {
            let (handed, missed) = (&followed.handed[&Arc::as_ptr(member)], followed.missed[&Arc::as_ptr(member)]);
            assert_eq!(*handed, (missed + 1..=followed.pushed).collect::<Vec<_>>(), "seed {seed}");
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
    let deliveries: usize = members.iter().map(|member| followed.handed[&Arc::as_ptr(member)].len()).sum();
    assert_eq!(deliveries, 401 * 10);
    assert!(deliveries > 7 * writes, "{deliveries} changes in {writes} writes: about eight in each");
}

#[tokio::test(start_paused = true)]
async fn a_long_round_is_followed_by_a_rest_in_which_what_comes_is_gathered() {
    let mut followed = Followed::new();
    followed.add();
    let begin = |followed: &mut Followed| {
        followed.push();
        while followed.class.next_member().is_some() {}
    };
    let after = |millis| Instant::now() + Duration::from_millis(millis);
    begin(&mut followed);
    assert_eq!(followed.class.finish(Instant::now()), Next::Idle, "it was short");
    begin(&mut followed);
    assert_eq!(followed.class.finish(after(8)), Next::Rest(after(10)));
    assert!(!followed.class.wake(), "nothing came");
    begin(&mut followed);
    assert_eq!(followed.class.finish(after(8)), Next::Rest(after(10)), "who woke begins at once");
    for _ in 0..7 {
        assert!(!followed.class.push(shown(1, false)), "no round begins");
    }
    assert!(followed.class.next_member().is_none());
    assert!(followed.class.push(shown(1, false)), "that is enough");
    while followed.class.next_member().is_some() {}
    for _ in 0..8 {
        assert!(!followed.class.push(shown(1, false)), "the round is under way");
    }
    assert_eq!(followed.class.finish(after(8)), Next::Round, "enough came meanwhile");
    while followed.class.next_member().is_some() {}
    assert_eq!(followed.class.finish(after(8)), Next::Rest(after(10)));
    followed.class.push(shown(1, false));
    assert!(followed.class.wake());
    assert!(followed.class.next_member().is_some());
    assert_eq!(followed.class.finish(after(60_000)), Next::Rest(after(60_010)), "however long it took");
}

#[test]
fn a_burst_goes_as_far_as_the_change_that_ends_the_stream() {
    let class = {
        let mut class = Class::new(Arc::new(subscription()));
        for (offset, ends) in [(1, false), (2, true), (3, false), (4, true)] {
            class.push(shown(offset, ends));
        }
        class
    };
    for (from, offsets) in [(0, 1..=2), (2, 3..=4), (3, 4..=4)] {
        let burst = class.burst(from).expect("something is left");
        let shown: Vec<_> = burst.shown().iter().map(|shown| shown.after.offset).collect();
        assert_eq!(shown, offsets.collect::<Vec<u64>>());
        assert!(burst.ends());
    }
    assert!(class.burst(4).is_none());
}
