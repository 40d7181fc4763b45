//! Closes all sessions when the gateway stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval, timeout};

use super::catch_up::drain;
use super::command::SessionCommand;
use super::connection::{Connection, ServeHandle};
use super::shared::Shared;
use crate::protocol::close::Close;

/// Closed sessions a second, unless that would take longer than the grace period allows.
const CLOSES_PER_SECOND: u32 = 1000;
/// Pace of closing.
const CLOSE_STEP: Duration = Duration::from_millis(20);
/// How long the gateway waits for accepted changes before it closes the first session.
const PROOF_LIMIT: Duration = Duration::from_secs(1);
/// The least time over which closed clients are asked to spread their return.
const LEAST_RETRY: Duration = Duration::from_secs(1);

/// Closes all sessions with 1012, spread out, and returns when all have ended or `grace` is over.
pub(super) async fn close_all(shared: &Arc<Shared>, grace: Duration) {
    if timeout(grace, dismiss_all(shared, grace)).await.is_err() {
        let open = shared.roster.sessions().len();
        tracing::warn!(open, "sessions did not end within the grace period");
    }
}

async fn dismiss_all(shared: &Arc<Shared>, grace: Duration) {
    // A gateway without a history has no sessions, and no relay that would answer.
    if shared.history.checkpoint().is_some() {
        let limit = PROOF_LIMIT.min(grace / 8);
        shared.history.prove_since(Instant::now(), limit).await;
    }
    let sessions = shared.roster.sessions();
    let count = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
    let spread = (Duration::from_secs(1) * count / CLOSES_PER_SECOND).min(grace / 2);
    let close = Close::restart(spread.max(LEAST_RETRY));
    let steps = spread.as_millis() / CLOSE_STEP.as_millis() + 1;
    let step = sessions
        .len()
        .div_ceil(usize::try_from(steps).unwrap_or(1))
        .max(1);
    let mut pace = interval(CLOSE_STEP);
    for some in sessions.chunks(step) {
        pace.tick().await;
        for connection in some {
            dismiss(shared, connection, &close).await;
        }
    }
    drop(sessions);
    shared.tasks.close();
    // Sessions whose handshake was under way when the closing began.
    while timeout(CLOSE_STEP, shared.tasks.wait()).await.is_err() {
        for connection in shared.roster.sessions() {
            dismiss(shared, &connection, &close).await;
        }
    }
}

/// Closes a session after its pending changes, or at once if the dispatcher has ended.
async fn dismiss(shared: &Arc<Shared>, connection: &Arc<Connection>, close: &Close) {
    if connection.is_closing() {
        return;
    }
    let command = SessionCommand::Dismiss(ServeHandle::new(Arc::clone(connection)), close.clone());
    if shared.command(command).await.is_err()
        && let Some(handle) = shared.close(connection, close)
    {
        drain(shared, handle);
    }
}
