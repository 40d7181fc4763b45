//! The callers that limits remember, in bounded memory.
//!
//! A caller is a seeded hash, so that nobody can choose where it falls. The entries lie in parts,
//! each with a lock of its own. A full part drops the entries whose time has passed, which say
//! nothing any more; if there are none, it takes no newcomer, and goes on with the callers that it
//! has.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::caller::CallerName;
use super::limit::Limit;

/// The parts; a power of two.
const PARTS: usize = 16;

/// Theoretical arrival times, by limit and caller.
#[derive(Debug)]
pub(super) struct CallerTable {
    parts: [Mutex<Part>; PARTS],
    /// The most entries of a part.
    part_max: usize,
    seed: RandomState,
}

#[derive(Debug, Default)]
struct Part {
    /// The theoretical arrival times, in nanoseconds since the table began. A tree needs less than
    /// 2 MiB for 65,536 entries, and gives back what it no longer needs.
    arrivals: BTreeMap<u64, u64>,
    /// No entry's time passes before this.
    earliest: u64,
}

/// There is no room for another caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full {
    /// Until there may be.
    pub(super) wait: Duration,
}

impl CallerTable {
    /// Remembers this many, rounded up to a multiple of [`PARTS`].
    pub(super) fn new(callers: NonZeroUsize) -> Self {
        Self {
            parts: std::array::from_fn(|_| Mutex::default()),
            part_max: callers.get().div_ceil(PARTS),
            seed: RandomState::new(),
        }
    }

    /// Lets `decide` replace the theoretical arrival time of a caller; that of an unknown caller is
    /// now. None leaves it.
    pub(super) fn update<T>(
        &self,
        limit: Limit,
        caller: &CallerName<'_>,
        now: Duration,
        decide: impl FnOnce(Duration, Duration) -> (Option<Duration>, T),
    ) -> Result<T, Full> {
        let key = self.seed.hash_one((limit, caller));
        let part = &self.parts[usize::from(key.to_be_bytes()[0]) % PARTS];
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        let known = part.arrivals.get(&key);
        let arrival = if let Some(arrival) = known {
            Duration::from_nanos(*arrival)
        } else {
            part.make_room(nanos(now), self.part_max)?;
            now
        };
        let (next, outcome) = decide(arrival, now);
        if let Some(next) = next.map(nanos) {
            part.earliest = part.earliest.min(next);
            part.arrivals.insert(key, next);
        }
        Ok(outcome)
    }

    /// The callers that it remembers.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let lengths = self.parts.iter().map(|part| {
            let part = part.lock().unwrap_or_else(PoisonError::into_inner);
            part.arrivals.len()
        });
        lengths.sum()
    }
}

impl Part {
    /// Drops the entries that say nothing, if a newcomer finds no room.
    fn make_room(&mut self, now: u64, max: usize) -> Result<(), Full> {
        if self.arrivals.len() < max {
            return Ok(());
        }
        if self.earliest <= now {
            self.arrivals.retain(|_, arrival| *arrival > now);
            self.earliest = self.arrivals.values().copied().min().unwrap_or(u64::MAX);
        }
        if self.arrivals.len() < max {
            return Ok(());
        }
        Err(Full {
            wait: Duration::from_nanos(self.earliest.saturating_sub(now)),
        })
    }
}

/// The time of a clock that began with the table: 584 years fit.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
