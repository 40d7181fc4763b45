//! Looks after a session that cannot be served in passing, until it can again.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::time::timeout;

use super::Sessions;
use super::catch_up::{self, Lost, Step};
use crate::hub::{Command, Flush, Outbox, Place, Subscription};
use crate::protocol::close::{Close, CloseCode};

/// How often within the silence limit a blocked socket is tried although nothing announced room in it.
const LOOKS_PER_LIMIT: u32 = 4;

/// Drains what waits for the socket; lets a session that is behind catch up at the pace of its socket, and hands it back
/// to the dispatcher. Ends when the session needs no attendant, which is bounded by the wheel: a peer that takes nothing
/// is dropped.
pub(super) async fn attend(sessions: Arc<Sessions>, outbox: Arc<Outbox>) {
    loop {
        let flow = match sessions.hub.flush(&outbox) {
            Flush::Done => ControlFlow::Break(()),
            Flush::Blocked => {
                let patience = sessions.hub.options().silence_limit / LOOKS_PER_LIMIT;
                match timeout(patience, outbox.socket().writable()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => drop(outbox.end(CloseCode::ABNORMAL)),
                    Err(_) => sessions.hub.press(&outbox),
                }
                ControlFlow::Continue(())
            }
            Flush::Behind(place, subscription) => advance(&sessions, &outbox, place, &subscription).await,
        };
        if flow.is_break() {
            return;
        }
    }
}

/// Takes a session that is behind one step further.
async fn advance(
    sessions: &Sessions,
    outbox: &Arc<Outbox>,
    place: Place,
    subscription: &Arc<Subscription>,
) -> ControlFlow<()> {
    match catch_up::step(sessions, place, subscription).await {
        Ok(Step::CaughtUp) => {
            if outbox.begin_join(subscription) {
                if sessions.hub.command(Command::Join(Arc::clone(outbox))).await.is_err() {
                    outbox.end(CloseCode::INTERNAL);
                }
                return ControlFlow::Break(());
            }
        }
        Ok(Step::Shown { shown, place, ends }) => {
            if shown.is_empty() {
                // Nothing will be waited for: leave the worker to others for a moment.
                tokio::task::yield_now().await;
            }
            if outbox.refill(subscription, &shown, place) {
                sessions.hub.metrics().deliveries.inc_by(shown.len() as u64);
                if ends {
                    sessions.hub.close(outbox, &Close::new(CloseCode::NORMAL, ""));
                }
            }
        }
        Err(Lost::Trimmed) => {
            let close = Close::new(CloseCode::STALLED, "fell behind what the log keeps");
            sessions.hub.close(outbox, &close);
        }
        Err(Lost::Store(error)) => {
            // The relay tells the operator, once for all sessions.
            tracing::debug!(%error, "a session could not catch up from the log; trying again");
            tokio::time::sleep(sessions.options.log_retry).await;
        }
    }
    ControlFlow::Continue(())
}
