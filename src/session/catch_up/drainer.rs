//! The task that exists as long as something waits for a session's socket: it sends that, lets the
//! session catch up, and hands it to the dispatcher.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::evaluator::{CatchUpError, Evaluator};
use super::renewal::renew;
use super::replay;
use super::requests::{RequestAnswer, RequestOutcome, reply};
use super::snapshot::{Snapshot, SnapshotProgress};
use crate::domain::Cursor;
use crate::history::{Checkpoint, History};
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::message::Message;
use crate::session::command::SessionCommand;
use crate::session::connection::ResetCause;
use crate::session::connection::{CatchUp, ClientRequest, DrainHandle, DrainStep};
use crate::session::shared::Shared;
use crate::session::subscription::Subscription;

/// How often within the silence limit a blocked socket is tried although nothing announced room in
/// it.
const TRIES_PER_LIMIT: u32 = 4;
/// How often a session that waits for this gateway's relay wakes up: it may end, or get a request.
const WAIT_STEP: Duration = Duration::from_millis(200);
/// How long a session waits for this gateway to come to its checkpoint.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Starts the drainer of a session.
pub(in crate::session) fn drain(shared: &Arc<Shared>, handle: DrainHandle) {
    let task = run(Arc::clone(shared), handle);
    shared.tasks.spawn_on(task, &shared.workers);
}

/// Empties the queue and catches up, at the pace of the socket. Ends when the session needs no
/// drainer, which the timer wheel bounds: a peer that takes nothing is closed.
pub(in crate::session) async fn run(shared: Arc<Shared>, handle: DrainHandle) {
    let mut drainer = Drainer {
        shared,
        snapshot: None,
        snapshots: 0,
        catching_up: false,
        wait: None,
        broke: Instant::now(),
        stuck: None,
    };
    let mut handle = Some(handle);
    while let Some(held) = handle {
        handle = drainer.step(held).await;
    }
}

/// What one drainer remembers.
pub(super) struct Drainer {
    pub(super) shared: Arc<Shared>,
    pub(super) snapshot: Option<Snapshot>,
    /// Snapshots begun since the session was last live.
    pub(super) snapshots: u32,
    /// Whether the session was sent something that it had missed.
    catching_up: bool,
    wait: Option<RelayWait>,
    /// When the checkpoint was last found to be broken; else when the drainer began.
    pub(super) broke: Instant,
    /// Since when the session cannot catch up, because the store cannot be read.
    pub(super) stuck: Option<Instant>,
}

/// A wait for this gateway to come to a session's checkpoint.
#[derive(Clone, Copy)]
struct RelayWait {
    since: Instant,
    /// When the store was last asked about it.
    asked: Instant,
}

impl Drainer {
    async fn step(&mut self, handle: DrainHandle) -> Option<DrainHandle> {
        let (now, sent) = (self.shared.now(), &self.shared.metrics.session_sent_bytes);
        match handle.next_step(now, sent) {
            DrainStep::Done => return None,
            DrainStep::Blocked => self.wait_for_room(&handle).await,
            DrainStep::CatchUp(catch_up, subscription, Some(request)) => {
                self.answer(&handle, catch_up, &subscription, request);
            }
            DrainStep::CatchUp(CatchUp::Replay { from, owes_live }, subscription, None) => {
                return self.replay(handle, from, owes_live, &subscription).await;
            }
            DrainStep::CatchUp(CatchUp::Snapshot { reset }, subscription, None) => {
                self.take_snapshot(&handle, reset, &subscription).await;
            }
        }
        Some(handle)
    }

    async fn wait_for_room(&self, handle: &DrainHandle) {
        let patience = self.shared.options.silence_limit / TRIES_PER_LIMIT;
        let connection = handle.connection();
        match timeout(patience, connection.socket().writable()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => drop(connection.end(CloseCode::ABNORMAL)),
            Err(_) => handle.flush(self.shared.now(), &self.shared.metrics.session_sent_bytes),
        }
    }

    /// Closes the session. It has a drainer: this one.
    pub(super) fn close(&self, handle: &DrainHandle, close: &Close) {
        let other = self.shared.close(handle.connection(), close);
        debug_assert!(other.is_none(), "a session has one drainer");
    }

    fn answer(
        &mut self,
        handle: &DrainHandle,
        catch_up: CatchUp,
        subscription: &Subscription,
        request: ClientRequest,
    ) {
        let newest = self.shared.history.checkpoint();
        let answer = match reply(
            request,
            catch_up,
            subscription,
            &self.shared.filters,
            newest,
            |verified| renew(&self.shared, handle.connection(), subscription, verified),
        ) {
            RequestOutcome::Close(close) => return self.close(handle, &close),
            RequestOutcome::RequestAnswer(answer) => answer,
        };
        let RequestAnswer {
            frame,
            catch_up,
            announced,
            view,
            scope,
            drops_snapshot,
        } = answer;
        if drops_snapshot {
            (self.snapshot, self.snapshots, self.wait) = (None, 0, None);
        }
        if view.is_some() || scope.is_some() {
            let old = subscription.clone();
            handle.subscribe(Subscription {
                view: view.unwrap_or(old.view),
                scope: scope.unwrap_or(old.scope),
                ..old
            });
        }
        handle.send(frame, catch_up, announced);
    }

    /// Takes a session that missed something one step further.
    async fn replay(
        &mut self,
        handle: DrainHandle,
        from: Checkpoint,
        owes_live: Option<u64>,
        subscription: &Subscription,
    ) -> Option<DrainHandle> {
        let shared = Arc::clone(&self.shared);
        let history = &shared.history;
        let is_due = owes_live.is_some_and(|goal| from.offset >= goal);
        if is_due && history.holds(&from) {
            self.say_live(&handle, from, subscription);
            return Some(handle);
        }
        let is_live = owes_live.is_none();
        if is_live && replay::is_caught_up(history, &from, subscription) {
            return self.hand_over(handle).await;
        }
        let evaluator = Evaluator {
            subscription,
            is_live,
            may_compose: is_live || subscription.format.composes_before_live(),
            covered: &|_| Ok(false),
        };
        let (offset, cursor) = (from.offset, from.cursor.clone());
        let mut outcome = replay::step(&shared, from, &evaluator).await;
        if is_due || matches!(outcome, Ok(None) | Err(CatchUpError::Parted)) {
            if let Err(error) = self.note_wait(Some(&cursor)).await {
                outcome = Err(error);
            }
        } else {
            self.wait = None;
        }
        match outcome {
            Ok(None) => wait_for_relay(history, offset).await,
            Ok(Some(step)) => {
                self.made_progress(step.frames.is_empty()).await;
                if step.evaluated > 0 && !std::mem::replace(&mut self.catching_up, true) {
                    shared.metrics.catch_ups.inc();
                }
                let announced = step.announces.then_some(step.checkpoint.offset);
                let catch_up = CatchUp::Replay {
                    from: step.checkpoint,
                    owes_live,
                };
                handle.send(step.frames, catch_up, announced);
                if step.ends {
                    self.close(&handle, &Close::new(CloseCode::NORMAL, ""));
                }
            }
            Err(error) => self.cannot_continue(&handle, error, subscription).await,
        }
        Some(handle)
    }

    /// Hands the session to the dispatcher, unless a request came meanwhile.
    async fn hand_over(&self, handle: DrainHandle) -> Option<DrainHandle> {
        let serve = match handle.hand_over() {
            Ok(serve) => serve,
            Err(handle) => return Some(handle),
        };
        let connection = Arc::clone(serve.connection());
        if self
            .shared
            .command(SessionCommand::Join(serve))
            .await
            .is_err()
        {
            connection.end(CloseCode::INTERNAL);
        }
        None
    }

    fn say_live(&mut self, handle: &DrainHandle, at: Checkpoint, subscription: &Subscription) {
        self.wait = None;
        let live = subscription.message(&Message::Live(&at.cursor));
        let announced = Some(at.offset);
        handle.send(live, CatchUp::replay(at), announced);
    }

    /// Takes a session's snapshot one step further.
    async fn take_snapshot(
        &mut self,
        handle: &DrainHandle,
        reset: Option<ResetCause>,
        subscription: &Subscription,
    ) {
        if let Some(reason) = reset {
            return self.begin_anew(handle, reason, subscription).await;
        }
        let shared = Arc::clone(&self.shared);
        let Some(newest) = shared.history.checkpoint() else {
            return;
        };
        let snapshot = self.snapshot.get_or_insert_with(|| {
            self.snapshots += 1;
            self.wait = None;
            shared.metrics.snapshots.inc();
            Snapshot::new(newest)
        });
        let mut outcome = snapshot.step(&shared, subscription).await;
        if matches!(
            outcome,
            Ok(SnapshotProgress::Ahead(_)) | Err(CatchUpError::Parted)
        ) {
            let cursor = snapshot.cursor().cloned();
            if let Err(error) = self.note_wait(cursor.as_ref()).await {
                outcome = Err(error);
            }
        } else {
            self.wait = None;
        }
        match outcome {
            Ok(SnapshotProgress::Frames(frames)) => {
                self.made_progress(frames.is_empty()).await;
                handle.send(frames, CatchUp::Snapshot { reset: None }, None);
            }
            Ok(SnapshotProgress::Ahead(offset)) => wait_for_relay(&shared.history, offset).await,
            Ok(SnapshotProgress::Whole(checkpoint)) => {
                (self.snapshot, self.snapshots) = (None, 0);
                self.say_live(handle, checkpoint, subscription);
            }
            Err(error) => self.cannot_continue(handle, error, subscription).await,
        }
    }

    async fn made_progress(&mut self, is_silent: bool) {
        self.stuck = None;
        if is_silent {
            // Nothing will be waited for: leave the worker to others for a moment.
            tokio::task::yield_now().await;
        }
    }

    /// Notes that it waits for this gateway to come to the history of its checkpoint. Asks the
    /// relay whether this gateway's own history is still the store's, and the log whether the
    /// checkpoint still is.
    async fn note_wait(&mut self, cursor: Option<&Cursor>) -> Result<(), CatchUpError> {
        let now = Instant::now();
        let wait = self.wait.get_or_insert(RelayWait {
            since: now,
            asked: now,
        });
        if now - wait.since >= WAIT_MAX {
            return Err(CatchUpError::WaitedTooLong);
        }
        if now - wait.asked >= WAIT_STEP {
            wait.asked = now;
            self.shared.history.suspect_gap();
            match (cursor, &mut self.snapshot) {
                (Some(cursor), _) => replay::confirm(&self.shared, cursor).await?,
                (None, Some(snapshot)) => snapshot.read_anew(),
                (None, None) => {}
            }
        }
        Ok(())
    }
}

/// Waits until this gateway's order goes on after this offset, for a moment.
pub(super) async fn wait_for_relay(history: &History, offset: u64) {
    // Whether it went on is seen by the next step.
    let _ = timeout(WAIT_STEP, history.wait_past(offset)).await;
}
