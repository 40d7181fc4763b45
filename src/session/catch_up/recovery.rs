//! The next step of a session that cannot go on catching up: it begins anew, waits, or closes.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::drainer::{Drainer, wait_for_relay};
use super::evaluator::CatchUpError;
use crate::history::Checkpoint;
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::message::Message;
use crate::session::connection::ResetCause;
use crate::session::connection::{CatchUp, DrainHandle};
use crate::session::subscription::Subscription;
use crate::store::{Discontinuity, StoreError};
use crate::telemetry::ErrorChain;

/// How long a view that cannot be continued waits for proof of this gateway's history, before it
/// begins anew all the same.
const PROOF_LIMIT: Duration = Duration::from_secs(1);
/// Snapshots in a row that the log could not complete; the last closes the session.
const SNAPSHOTS_MAX: u32 = 3;

impl Drainer {
    /// Decides the next step of a session whose checkpoint cannot be continued, or not now.
    pub(super) async fn cannot_continue(
        &mut self,
        handle: &DrainHandle,
        error: CatchUpError,
        subscription: &Subscription,
    ) {
        match error {
            CatchUpError::Broken(reason) => {
                if let ControlFlow::Break(close) = self.broken(handle, reason, subscription) {
                    self.close(handle, &close);
                }
            }
            CatchUpError::Parted => {
                let history = &self.shared.history;
                history.suspect_gap();
                let offset = history
                    .checkpoint()
                    .map_or(Checkpoint::BEFORE_MEMORY, |newest| newest.offset);
                wait_for_relay(history, offset).await;
            }
            CatchUpError::WaitedTooLong => {
                tracing::warn!(
                    "a session's position did not come into this gateway's history in time; \
                     closing it"
                );
                let close = Close::new(
                    CloseCode::INTERNAL,
                    "the gateway did not reach your position in time",
                );
                self.close(handle, &close);
            }
            CatchUpError::Store(error) => self.cannot_read(handle, &error).await,
        }
    }

    /// Begins anew, or breaks with why the session is closed.
    fn broken(
        &mut self,
        handle: &DrainHandle,
        reason: Discontinuity,
        subscription: &Subscription,
    ) -> ControlFlow<Close> {
        if matches!(reason, Discontinuity::Forked | Discontinuity::Epoch) {
            self.broke = Instant::now();
        }
        if let Some(snapshot) = &self.snapshot
            && !snapshot.has_shown()
        {
            // The client has no view yet to drop.
            (self.snapshot, self.snapshots) = (None, self.snapshots - 1);
            return ControlFlow::Continue(());
        }
        if !subscription.format.has_reset() {
            let why = match reason {
                Discontinuity::Trimmed => "fell behind what the log keeps",
                Discontinuity::Forked | Discontinuity::Epoch | Discontinuity::Unknown => {
                    "the store lost changes that you received"
                }
            };
            return ControlFlow::Break(Close::new(CloseCode::STALLED, why));
        }
        if reason != Discontinuity::Trimmed {
            // The reason is not the length of the log.
            self.snapshots = 0;
        } else if self.snapshots >= SNAPSHOTS_MAX {
            let why = "the log is too short for a snapshot";
            return ControlFlow::Break(Close::new(CloseCode::OVERLOADED, why));
        }
        let reset = Some(reason.into());
        handle.send(None, CatchUp::Snapshot { reset }, None);
        ControlFlow::Continue(())
    }

    /// Tries again after a pause, or closes a session that could not catch up for too long: no
    /// client waits forever in silence, and the operator gets a log line.
    async fn cannot_read(&mut self, handle: &DrainHandle, error: &StoreError) {
        let options = &self.shared.options;
        self.shared.stuck.log(|| {
            tracing::warn!(
                why = %ErrorChain(error),
                limit_ms = options.read_limit.as_millis(),
                "sessions wait for what cannot be read; after the limit they are closed"
            );
        });
        let since = *self.stuck.get_or_insert_with(Instant::now);
        if since.elapsed() >= options.read_limit {
            let close = match error {
                StoreError::Corrupt(_) | StoreError::Damaged { .. } => {
                    Close::new(CloseCode::INTERNAL, "the store holds what cannot be read")
                }
                _ => Close::new(
                    CloseCode::OVERLOADED,
                    "the store does not answer: retry later",
                ),
            };
            self.close(handle, &close);
        }
        sleep(options.log_retry).await;
    }

    /// Says why the view begins anew.
    pub(super) async fn begin_anew(
        &mut self,
        handle: &DrainHandle,
        reason: ResetCause,
        of: &Subscription,
    ) {
        if matches!(reason, ResetCause::Log(reason) if reason != Discontinuity::Trimmed) {
            // Where the log refused a session's checkpoint, this gateway's own history may be lost
            // too, and the view would begin anew twice. Without proof the client learns at least
            // that its view is void.
            let history = &self.shared.history;
            history.prove_since(self.broke, PROOF_LIMIT).await;
        }
        self.snapshot = None;
        let resets = &self.shared.metrics.session_resets;
        resets.at(reason).inc();
        let frame = of.message(&Message::Reset(reason.name()));
        handle.send(frame, CatchUp::Snapshot { reset: None }, None);
    }
}
