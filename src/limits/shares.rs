//! How many a caller has open at the same time.
//!
//! An entry is as old as what it counts, so there are no more of them than open connections.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use super::caller::CallerName;

/// The open ones of each caller. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    most: NonZeroU32,
    /// By a seeded hash of the caller.
    open: Arc<Mutex<HashMap<u64, u32>>>,
    seed: RandomState,
}

/// One of those that a caller may have; it ends with its drop.
#[derive(Debug)]
pub struct Share {
    caller: u64,
    open: Arc<Mutex<HashMap<u64, u32>>>,
}

impl Shares {
    pub(super) fn new(most: NonZeroU32) -> Self {
        Self {
            most,
            open: Arc::default(),
            seed: RandomState::new(),
        }
    }

    /// One more, unless the caller has as many as it may.
    pub(super) fn take(&self, caller: &CallerName<'_>) -> Option<Share> {
        let caller = self.seed.hash_one(caller);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(caller).or_default();
        // No entry is left at 0: its caller has at least one, and one more is allowed.
        if *count >= self.most.get() {
            return None;
        }
        *count += 1;
        Some(Share {
            caller,
            open: Arc::clone(&self.open),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_as_many_as_it_may_and_nothing_stays_of_those_that_end() {
        let shares = Shares::new(NonZeroU32::new(2).expect("not zero"));
        let subject = |subject| CallerName::Subject {
            issuer: Some("i"),
            subject,
        };
        let (first, second) = (shares.take(&subject("ada")), shares.take(&subject("ada")));
        assert!(first.is_some() && second.is_some());
        assert!(shares.take(&subject("ada")).is_none());
        let other = shares.take(&subject("grace"));
        assert!(other.is_some());
        drop(first);
        let third = shares.take(&subject("ada"));
        assert!(third.is_some() && shares.take(&subject("ada")).is_none());
        drop((second, third, other));
        assert!(shares.open.lock().expect("no panic").is_empty());
    }
}
