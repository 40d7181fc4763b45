//! The limit of open files. Each connection is one, so the start raises the soft limit to the hard
//! one.

use std::num::NonZeroUsize;

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are not client connections: listeners, the store's connections or file, standard
/// streams, the runtime.
const RESERVED: usize = 128;
/// Connections where the system sets no limit.
const UNLIMITED: usize = 1_000_000;
/// The fewest connections, however low the limit: accepts may then fail, and the log says so.
const AT_LEAST: usize = 16;

/// Raises the soft limit to the hard one; returns the number of files that may be open.
#[cfg(unix)]
pub(in crate::app) fn raise() -> usize {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// This system has no such limit.
#[cfg(not(unix))]
pub(in crate::app) const fn raise() -> usize {
    usize::MAX
}

/// The number of connections within that limit.
pub(in crate::app) fn connections_max(limit: usize) -> NonZeroUsize {
    let connections = limit.min(UNLIMITED).saturating_sub(RESERVED).max(AT_LEAST);
    NonZeroUsize::new(connections).expect("at least 16")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_limit_leaves_room_for_other_files_and_is_never_zero() {
        assert_eq!(connections_max(10_000).get(), 9_872);
        assert_eq!(connections_max(0).get(), AT_LEAST);
        assert_eq!(connections_max(usize::MAX).get(), UNLIMITED - RESERVED);
    }

    #[test]
    fn raise_sets_the_soft_limit_to_the_hard_one() {
        let limit = raise();
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        assert_eq!(u64::try_from(limit).unwrap(), hard);
    }
}
