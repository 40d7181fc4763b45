//! Virtual time: what happens next, in one order that only the seed decides. Nothing waits here.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

use tokio::time::Instant;

use super::simulation::Event;

/// The events to come, and the randomness of a schedule.
pub(super) struct Timeline {
    base: Instant,
    now: Duration,
    coming: BinaryHeap<Coming>,
    number: u64,
    pub(super) random: Random,
}

struct Coming {
    at: Duration,
    /// Events of one moment happen in the order in which they were planned.
    number: u64,
    event: Event,
}

impl Timeline {
    /// Begins at zero.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            base: Instant::now(),
            now: Duration::ZERO,
            coming: BinaryHeap::new(),
            number: 0,
            random: Random(seed),
        }
    }

    /// The time since the beginning.
    pub(super) const fn now(&self) -> Duration {
        self.now
    }

    /// The same time, for state machines.
    pub(super) fn instant(&self) -> Instant {
        self.base + self.now
    }

    /// Plans an event.
    pub(super) fn after(&mut self, pause: Duration, event: impl Into<Event>) {
        self.number += 1;
        self.coming.push(Coming {
            at: self.now + pause,
            number: self.number,
            event: event.into(),
        });
    }

    /// Plans an event at a time that is not over.
    pub(super) fn at(&mut self, time: Duration, event: impl Into<Event>) {
        self.after(time.saturating_sub(self.now), event);
    }

    /// Plans an event at a random time between two numbers of milliseconds.
    pub(super) fn between(&mut self, from_ms: u64, to_ms: u64, event: impl Into<Event>) {
        let pause = self.random.between(from_ms, to_ms);
        self.after(pause, event);
    }

    /// Goes on to the next event; to `due` or `end`, without an event, where that is earlier.
    pub(super) fn next(&mut self, due: Instant, end: Duration) -> Option<Event> {
        let until = due.saturating_duration_since(self.base).min(end);
        match self.coming.peek() {
            Some(coming) if coming.at <= until => {
                let coming = self.coming.pop()?;
                self.now = coming.at;
                Some(coming.event)
            }
            _ => {
                self.now = self.now.max(until);
                None
            }
        }
    }
}

impl Ord for Coming {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Coming {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Coming {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Coming {}

/// `SplitMix64`: the same numbers for a seed for ever.
pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    /// Whether something with this probability happens.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A time between two numbers of milliseconds.
    pub(super) fn between(&mut self, from_ms: u64, to_ms: u64) -> Duration {
        let micros = (to_ms - from_ms) * 1000;
        Duration::from_micros(from_ms * 1000 + self.next() % (micros + 1))
    }

    /// One of them.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.below(of.len())])
    }
}
