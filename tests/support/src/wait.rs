//! Waits with a limit.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The limit of one step of a test. Only a step that hangs takes this long.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The time between two checks of a condition.
const INTERVAL: Duration = Duration::from_millis(15);

/// Waits until a condition holds. Panics with the name `what` after [`DEADLINE`].
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(INTERVAL).await;
    }
}

/// Waits until a step succeeds. Panics after [`DEADLINE`] with its last error.
pub async fn eventually_ok(what: &str, mut step: impl AsyncFnMut() -> Result<(), String>) {
    let deadline = Instant::now() + DEADLINE;
    while let Err(error) = step().await {
        assert!(Instant::now() < deadline, "not in time: {what}: {error}");
        sleep(INTERVAL).await;
    }
}
