//! All sessions, in groups. A session stays in its group for life, so what is told to everyone goes from group to group
//! over any length of time and meets each session once, whatever else comes and goes meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Outbox;

/// Groups of a roster: with ten thousand sessions about ten in each, with 262,144 one step of writes.
pub(super) const GROUPS: usize = 1024;

/// The sessions that have not ended.
pub(super) struct Roster(Box<[Mutex<Vec<Weak<Outbox>>>]>);

impl Roster {
    pub(super) fn new() -> Self {
        Self((0..GROUPS).map(|_| Mutex::default()).collect())
    }

    /// Adds a new session.
    pub(super) fn add(&self, outbox: &Arc<Outbox>) {
        self.group_of(outbox).push(Arc::downgrade(outbox));
    }

    /// Removes a session that has ended.
    pub(super) fn remove(&self, outbox: &Arc<Outbox>) {
        let mut group = self.group_of(outbox);
        group.retain(|member| member.as_ptr() != Arc::as_ptr(outbox));
        if group.len() < group.capacity() / 4 {
            let room = 2 * group.len();
            group.shrink_to(room);
        }
    }

    /// The sessions of a group, by its number from 0.
    pub(super) fn group(&self, number: usize) -> Vec<Arc<Outbox>> {
        lock(&self.0[number]).iter().filter_map(Weak::upgrade).collect()
    }

    /// All sessions.
    pub(super) fn sessions(&self) -> Vec<Arc<Outbox>> {
        (0..GROUPS).flat_map(|number| self.group(number)).collect()
    }

    fn group_of(&self, outbox: &Arc<Outbox>) -> MutexGuard<'_, Vec<Weak<Outbox>>> {
        lock(&self.0[group_number(outbox)])
    }
}

/// The group of a session.
pub(super) fn group_number(outbox: &Arc<Outbox>) -> usize {
    phase(outbox) as usize / (u32::MAX as usize / GROUPS + 1)
}

/// A number that differs from session to session and stays the same for one, evenly spread also among sessions that were
/// made together: multiplied by the golden ratio, numbers in equal steps, as addresses are, fall apart (Knuth, The Art of
/// Computer Programming, volume 3, 6.4).
pub(super) fn phase(outbox: &Arc<Outbox>) -> u32 {
    let address = Arc::as_ptr(outbox).addr() as u64;
    (address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

fn lock<T>(group: &Mutex<T>) -> MutexGuard<'_, T> {
    group.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;

    use super::*;
    use crate::hub::{Course, Subscription};

    fn session() -> Arc<Outbox> {
        let socket = UnixStream::pair().expect("two file descriptors").0;
        Outbox::new(socket.into(), Subscription::default(), Course::Snapshot { reset: None }, None)
    }

    #[tokio::test]
    async fn sessions_that_came_together_are_spread_over_the_groups_and_stay_in_theirs() {
        let roster = Roster::new();
        let sessions: Vec<_> = (0..400).map(|_| session()).collect();
        for session in &sessions {
            roster.add(session);
        }
        let sizes: Vec<_> = (0..GROUPS).map(|number| roster.group(number).len()).collect();
        assert_eq!((sizes.iter().sum::<usize>(), roster.sessions().len()), (400, 400));
        assert!(sizes.iter().all(|size| *size <= 8), "{sizes:?}");
        let quarters: Vec<usize> = sizes.chunks(GROUPS / 4).map(|sizes| sizes.iter().sum()).collect();
        assert!(quarters.iter().all(|size| (50..150).contains(size)), "{quarters:?}");
        let members = |number: usize| roster.group(number).iter().map(Arc::as_ptr).collect::<Vec<_>>();
        let before: Vec<_> = (0..GROUPS).map(members).collect();
        for session in sessions.iter().skip(1).step_by(2) {
            roster.remove(session);
        }
        for (number, before) in before.into_iter().enumerate() {
            let left: Vec<_> = before
                .into_iter()
                .filter(|member| sessions.iter().step_by(2).any(|session| Arc::as_ptr(session) == *member))
                .collect();
            assert_eq!(members(number), left, "group {number}");
        }
    }

    #[tokio::test]
    async fn a_session_that_is_gone_is_not_met() {
        let roster = Roster::new();
        roster.add(&session());
        assert!(roster.sessions().is_empty());
    }
}
