//! Groups of servers run one at a time, unless a process allows more: on few cores two groups would
//! starve each other until their nodes take each other for dead.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

static GROUPS: Semaphore = Semaphore::const_new(1);
/// The limit of the wait for all other tests of the process that have a group.
const QUEUE: Duration = Duration::from_secs(30 * 60);

/// Lets one group of servers run, until it is dropped.
pub(crate) type Turn = SemaphorePermit<'static>;

/// Lets so many groups of this process run at the same time from now on.
///
/// Panics when it is called with 0.
pub fn allow_groups(groups: usize) {
    assert!(groups > 0, "one group at least");
    GROUPS.add_permits(groups - 1);
}

/// Waits until no other group of this process runs.
pub(crate) async fn turn() -> Turn {
    timeout(QUEUE, GROUPS.acquire())
        .await
        .expect("a turn: does the test hold another group?")
        .expect("the semaphore is never closed")
}
