//! Looks after a session that cannot be served in passing, until it can again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::Sessions;
use super::catch_up::{self, Judge, Lost};
use super::snapshot::{Progress, Snapshot};
use crate::hub::{Command, Course, Flush, Outbox, Place, Subscription};
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::cursor::Cursor;
use crate::protocol::dress::Dress;
use crate::protocol::message::Message;
use crate::store::{Break, StoreError};

/// How often within the silence limit a blocked socket is tried although nothing announced room in it.
const LOOKS_PER_LIMIT: u32 = 4;
/// How often a session that waits for this gateway's relay is looked at: it may end meanwhile, or be asked something.
const LOOK: Duration = Duration::from_millis(200);
/// How long a session waits for this gateway to come to its place.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a view that lost its place waits for proof of this gateway's, before it begins anew all the same.
const PROOF_LIMIT: Duration = Duration::from_secs(1);
/// Snapshots in a row that the log could not complete; the last closes the session.
const SNAPSHOTS: u32 = 3;

/// One attendant's work on one session.
pub(super) struct Attendant {
    pub(super) sessions: Arc<Sessions>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) snapshot: Option<Snapshot>,
    /// Snapshots begun since the session was last live.
    pub(super) snapshots: u32,
    /// Whether it was shown something that it had missed.
    catching_up: bool,
    /// Since when it waits for this gateway to come to its place, and when it last asked why.
    pub(super) waits: Option<Waits>,
    /// When it was last found that its place cannot be continued; else when the attendant came.
    broke: Instant,
    /// Since when it could not be taken further, because what is to be read cannot be.
    stuck: Option<Instant>,
}

/// A wait for this gateway.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    since: Instant,
    asked: Instant,
}

/// Drains what waits for the socket; lets a session that is behind follow its course at the pace of its socket, and hands
/// it back to the dispatcher. Ends when the session needs no attendant, which is bounded by the wheel: a peer that takes
/// nothing is dropped.
pub(super) async fn attend(sessions: Arc<Sessions>, outbox: Arc<Outbox>) {
    let broke = Instant::now();
    let mut attendant = Attendant {
        sessions,
        outbox,
        snapshot: None,
        snapshots: 0,
        catching_up: false,
        waits: None,
        broke,
        stuck: None,
    };
    while attendant.go_on().await.is_continue() {}
}

impl Attendant {
    async fn go_on(&mut self) -> ControlFlow<()> {
        match self.sessions.hub.flush(&self.outbox) {
            Flush::Done => return ControlFlow::Break(()),
            Flush::Blocked => self.wait().await,
            Flush::Behind(course, subscription, Some(wish)) => self.grant(course, &subscription, wish),
            Flush::Behind(Course::Missed { from, owes_live }, subscription, None) => {
                return self.catch_up(from, owes_live, &subscription).await;
            }
            Flush::Behind(Course::Snapshot { reset }, subscription, None) => {
                self.take_snapshot(reset, &subscription).await;
            }
        }
        ControlFlow::Continue(())
    }

    async fn wait(&self) {
        let patience = self.sessions.hub.options().silence_limit / LOOKS_PER_LIMIT;
        match timeout(patience, self.outbox.socket().writable()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => drop(self.outbox.end(CloseCode::ABNORMAL)),
            Err(_) => self.sessions.hub.press(&self.outbox),
        }
    }

    /// Waits until the hub's order goes on after this offset, for a moment.
    async fn wait_for_relay(&self, offset: u64) {
        // Whether it went on is seen by the next step.
        let _ = timeout(LOOK, self.sessions.hub.goes_on(offset)).await;
    }

    /// Closes a session that could not be taken further for too long: no client waits for ever in silence, and no
    /// operator is left without a line.
    fn is_stuck(&mut self, why: &str, close: Close) {
        let limit = self.sessions.options.read_limit;
        let since = *self.stuck.get_or_insert_with(Instant::now);
        self.sessions.stuck.tell(|| {
            tracing::warn!(
                why,
                limit_ms = limit.as_millis(),
                "sessions wait for what cannot be read; after the limit they are closed"
            );
        });
        if since.elapsed() >= limit {
            self.sessions.hub.close(&self.outbox, &close);
        }
    }

    /// Waits until this gateway has compared its place with the store's heads: where the log refused a session's place, the
    /// gateway's own may be lost too, and the view would begin anew twice.
    async fn wait_for_proof(&self) {
        // Without proof the client is to know at least that its view is worth nothing.
        self.sessions.hub.proof(self.broke, PROOF_LIMIT).await;
    }

    /// Notes that it waits for this gateway to come to the history of its place. Has the gateway look whether its own is
    /// still the store's, and asks the log whether the place still is.
    async fn note_wait(&mut self, cursor: Option<&Cursor>) -> Result<(), Lost> {
        let now = Instant::now();
        let waits = self.waits.get_or_insert(Waits { since: now, asked: now });
        if now - waits.since >= PATIENCE {
            return Err(Lost::WaitedTooLong);
        }
        if now - waits.asked >= LOOK {
            waits.asked = now;
            let Sessions { hub, log, .. } = &*self.sessions;
            hub.doubt();
            match (cursor, &mut self.snapshot) {
                (Some(cursor), _) => catch_up::confirm(hub, log, cursor).await?,
                (None, Some(snapshot)) => snapshot.read_anew(),
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Takes a session that missed something one step further.
    async fn catch_up(&mut self, from: Place, owes_live: Option<u64>, subscription: &Subscription) -> ControlFlow<()> {
        let sessions = Arc::clone(&self.sessions);
        let hub = &sessions.hub;
        let is_due = owes_live.is_some_and(|goal| from.offset >= goal);
        if is_due && hub.holds(&from) {
            self.say_live(from, subscription);
            return ControlFlow::Continue(());
        }
        let is_live = owes_live.is_none();
        if is_live && catch_up::is_caught_up(hub, &from, subscription) {
            return self.join().await;
        }
        let may_compose = is_live || subscription.dress == Dress::Json;
        let judge = Judge { subscription, is_live, may_compose, covered: &|_| Ok(false) };
        let (offset, cursor) = (from.offset, from.cursor.clone());
        let mut outcome = catch_up::step(hub, &sessions.log, from, &judge).await;
        if is_due || matches!(outcome, Ok(None) | Err(Lost::Parted)) {
            if let Err(lost) = self.note_wait(Some(&cursor)).await {
                outcome = Err(lost);
            }
        } else {
            self.waits = None;
        }
        match outcome {
            Ok(None) => self.wait_for_relay(offset).await,
            Ok(Some(shown)) => {
                self.stuck = None;
                if shown.frames.is_empty() {
                    // Nothing will be waited for: leave the worker to others for a moment.
                    tokio::task::yield_now().await;
                }
                if shown.judged > 0 && !std::mem::replace(&mut self.catching_up, true) {
                    hub.metrics().catch_ups.inc();
                }
                let told = shown.tells.then_some(shown.place.offset);
                self.outbox.show(shown.frames, Course::Missed { from: shown.place, owes_live }, told);
                if shown.ends {
                    hub.close(&self.outbox, &Close::new(CloseCode::NORMAL, ""));
                }
            }
            Err(lost) => self.lost(lost, subscription).await,
        }
        ControlFlow::Continue(())
    }

    /// Hands the session to the dispatcher, unless something was asked for meanwhile.
    async fn join(&self) -> ControlFlow<()> {
        if !self.outbox.begin_join() {
            return ControlFlow::Continue(());
        }
        if self.sessions.hub.command(Command::Join(Arc::clone(&self.outbox))).await.is_err() {
            self.outbox.end(CloseCode::INTERNAL);
        }
        ControlFlow::Break(())
    }

    fn say_live(&mut self, place: Place, subscription: &Subscription) {
        self.waits = None;
        let live = subscription.dress.message(&Message::Live(&place.cursor));
        let told = Some(place.offset);
        self.outbox.show(live, Course::Missed { from: place, owes_live: None }, told);
    }

    /// Takes a session's snapshot one step further.
    async fn take_snapshot(&mut self, reset: Option<Break>, subscription: &Subscription) {
        let course = Course::Snapshot { reset: None };
        if let Some(reason) = reset {
            if reason != Break::Trimmed {
                self.wait_for_proof().await;
            }
            self.snapshot = None;
            self.sessions.hub.metrics().session_resets.at(reason.label()).inc();
            self.outbox.show(subscription.dress.message(&Message::Reset(reason.name())), course, None);
            return;
        }
        let sessions = Arc::clone(&self.sessions);
        let Some(place) = sessions.hub.place() else { return };
        let snapshot = self.snapshot.get_or_insert_with(|| {
            self.snapshots += 1;
            self.waits = None;
            sessions.hub.metrics().snapshots.inc();
            Snapshot::new(place)
        });
        let mut outcome = snapshot.step(&sessions.hub, &sessions.log, subscription).await;
        if matches!(outcome, Ok(Progress::Ahead(_)) | Err(Lost::Parted)) {
            let cursor = snapshot.cursor().cloned();
            if let Err(lost) = self.note_wait(cursor.as_ref()).await {
                outcome = Err(lost);
            }
        } else {
            self.waits = None;
        }
        match outcome {
            Ok(Progress::Shown(frames)) => {
                self.stuck = None;
                if frames.is_empty() {
                    tokio::task::yield_now().await;
                }
                self.outbox.show(frames, course, None);
            }
            Ok(Progress::Ahead(offset)) => self.wait_for_relay(offset).await,
            Ok(Progress::Whole(place)) => {
                (self.snapshot, self.snapshots) = (None, 0);
                self.say_live(place, subscription);
            }
            Err(lost) => self.lost(lost, subscription).await,
        }
    }

    /// What becomes of a session whose place cannot be continued, or not now.
    async fn lost(&mut self, lost: Lost, subscription: &Subscription) {
        let hub = &self.sessions.hub;
        if let Lost::Broken(Break::Forked | Break::Epoch) = lost {
            self.broke = Instant::now();
        }
        match lost {
            Lost::Broken(_) if self.snapshot.as_ref().is_some_and(|snapshot| !snapshot.has_shown()) => {
                // The client has nothing yet that it would have to drop.
                (self.snapshot, self.snapshots) = (None, self.snapshots - 1);
            }
            Lost::Broken(reason) if subscription.dress.has_cursor() => {
                if reason != Break::Trimmed {
                    // It says nothing of how long the log is.
                    self.snapshots = 0;
                } else if self.snapshots >= SNAPSHOTS {
                    hub.close(&self.outbox, &Close::new(CloseCode::OVERLOADED, "the log is too short for a snapshot"));
                    return;
                }
                self.outbox.show(None, Course::Snapshot { reset: Some(reason) }, None);
            }
            Lost::Broken(Break::Trimmed) => {
                hub.close(&self.outbox, &Close::new(CloseCode::STALLED, "fell behind what the log keeps"));
            }
            Lost::Broken(Break::Forked | Break::Epoch | Break::Unknown) => {
                hub.close(&self.outbox, &Close::new(CloseCode::STALLED, "the store lost what was shown"));
            }
            Lost::Parted => {
                hub.doubt();
                let offset = hub.place().map_or(Place::BEFORE_MEMORY, |place| place.offset);
                self.wait_for_relay(offset).await;
            }
            Lost::WaitedTooLong => {
                tracing::warn!("a session's place did not come into this gateway's history in time; closing it");
                hub.close(&self.outbox, &Close::new(CloseCode::INTERNAL, "not at your place in time"));
            }
            Lost::Store(error) => {
                let close = match &*error {
                    StoreError::Corrupt(_) | StoreError::Damaged { .. } => {
                        Close::new(CloseCode::INTERNAL, "the store holds what cannot be read")
                    }
                    _ => Close::new(CloseCode::OVERLOADED, "the store does not answer: retry later"),
                };
                self.is_stuck(&error.to_string(), close);
                sleep(self.sessions.options.log_retry).await;
            }
        }
    }
}
