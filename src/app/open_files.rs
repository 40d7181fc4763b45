//! The limit of open files: each connection is one, so the soft limit is raised to the hard one at
//! start.

use std::num::NonZeroUsize;

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are not connections: listeners, the store's connections or file, standard streams,
/// the runtime.
const RESERVED: usize = 128;
/// Connections where the system sets no limit.
const UNLIMITED: usize = 1_000_000;
/// Connections at least, however low the limit: then accepting fails, and says so.
const AT_LEAST: usize = 16;

/// Raises the soft limit to the hard one, and returns how many files may be open now.
#[cfg(unix)]
pub(super) fn raise() -> usize {
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

/// There is no such limit here.
#[cfg(not(unix))]
pub(super) const fn raise() -> usize {
    usize::MAX
}

/// How many connections fit below that limit.
pub(super) fn connections_max(limit: usize) -> NonZeroUsize {
    let fitting = limit.min(UNLIMITED).saturating_sub(RESERVED).max(AT_LEAST);
    NonZeroUsize::new(fitting).expect("at least 16")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_other_files_and_are_never_none() {
        assert_eq!(connections_max(10_000).get(), 9_872);
        assert_eq!(connections_max(0).get(), AT_LEAST);
        assert_eq!(connections_max(usize::MAX).get(), UNLIMITED - RESERVED);
    }

    #[test]
    fn after_raising_the_soft_limit_is_the_hard_one() {
        let limit = raise();
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        assert_eq!(u64::try_from(limit).unwrap(), hard);
    }
}
