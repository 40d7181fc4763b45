//! All sessions, in shards. A session stays in its shard for life, so an announcement goes from
//! shard to shard over any length of time and reaches each session once, while others come and go.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::session::connection::Connection;

/// Shards of a roster: with ten thousand sessions about ten in each, with 262,144 one step of
/// writes.
pub(in crate::session) const SHARDS: usize = 1024;

/// The sessions that have not ended.
pub(in crate::session) struct Roster(Box<[Mutex<Vec<Weak<Connection>>>]>);

impl Roster {
    pub(super) fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }

    /// Adds a new session.
    pub(in crate::session) fn add(&self, connection: &Arc<Connection>) {
        self.lock_shard_of(connection)
            .push(Arc::downgrade(connection));
    }

    /// Removes a session that has ended.
    pub(in crate::session) fn remove(&self, connection: &Arc<Connection>) {
        let mut shard = self.lock_shard_of(connection);
        shard.retain(|member| member.as_ptr() != Arc::as_ptr(connection));
        if shard.len() < shard.capacity() / 4 {
            let room = 2 * shard.len();
            shard.shrink_to(room);
        }
    }

    /// The sessions of a shard, by its number from 0.
    pub(in crate::session) fn shard(&self, number: usize) -> Vec<Arc<Connection>> {
        lock(&self.0[number])
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// All sessions.
    pub(in crate::session) fn sessions(&self) -> Vec<Arc<Connection>> {
        (0..SHARDS).flat_map(|number| self.shard(number)).collect()
    }

    fn lock_shard_of(&self, connection: &Arc<Connection>) -> MutexGuard<'_, Vec<Weak<Connection>>> {
        lock(&self.0[shard_of(connection)])
    }
}

/// The shard of a session.
pub(in crate::session) fn shard_of(connection: &Arc<Connection>) -> usize {
    phase(connection) as usize / (u32::MAX as usize / SHARDS + 1)
}

/// A number that differs from session to session and stays the same for one, evenly spread also
/// among sessions that were made together: multiplied by the golden ratio, numbers in equal steps,
/// as addresses are, fall apart (Knuth, The Art of Computer Programming, volume 3, 6.4).
pub(in crate::session) fn phase(connection: &Arc<Connection>) -> u32 {
    let address = Arc::as_ptr(connection).addr() as u64;
    (address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;

    use super::*;
    use crate::session::connection::CatchUp;
    use crate::session::subscription::Subscription;

    fn session() -> Arc<Connection> {
        let socket = UnixStream::pair().expect("two file descriptors").0;
        let catch_up = CatchUp::Snapshot { reset: None };
        let drain = Connection::open(socket.into(), Subscription::default(), catch_up, None);
        Arc::clone(drain.connection())
    }

    #[tokio::test]
    async fn sessions_are_spread_evenly_over_the_shards_and_stay_in_theirs() {
        let roster = Roster::new();
        let sessions: Vec<_> = (0..400).map(|_| session()).collect();
        for session in &sessions {
            roster.add(session);
        }
        let sizes: Vec<_> = (0..SHARDS)
            .map(|number| roster.shard(number).len())
            .collect();
        assert_eq!(
            (sizes.iter().sum::<usize>(), roster.sessions().len()),
            (400, 400)
        );
        assert!(sizes.iter().all(|size| *size <= 8), "{sizes:?}");
        let quarters: Vec<usize> = sizes
            .chunks(SHARDS / 4)
            .map(|sizes| sizes.iter().sum())
            .collect();
        assert!(
            quarters.iter().all(|size| (50..150).contains(size)),
            "{quarters:?}"
        );
        let members = |number: usize| {
            roster
                .shard(number)
                .iter()
                .map(Arc::as_ptr)
                .collect::<Vec<_>>()
        };
        let before: Vec<_> = (0..SHARDS).map(members).collect();
        for session in sessions.iter().skip(1).step_by(2) {
            roster.remove(session);
        }
        for (number, before) in before.into_iter().enumerate() {
            let left: Vec<_> = before
                .into_iter()
                .filter(|member| {
                    sessions
                        .iter()
                        .step_by(2)
                        .any(|session| Arc::as_ptr(session) == *member)
                })
                .collect();
            assert_eq!(members(number), left, "shard {number}");
        }
    }

    #[tokio::test]
    async fn a_roster_leaves_out_dropped_sessions() {
        let roster = Roster::new();
        roster.add(&session());
        assert!(roster.sessions().is_empty());
    }
}
