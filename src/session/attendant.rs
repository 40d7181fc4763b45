//! Looks after a session that cannot be served in passing, until it can again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Sessions;
use super::catch_up::{self, Judge, Lost, Step};
use super::snapshot::{Progress, Snapshot};
use crate::hub::{Command, Course, Flush, Outbox, Place, Subscription, Wish};
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::dress::Dress;
use crate::protocol::message::Message;
use crate::protocol::request::FilterFrom;
use crate::telemetry::ReasonLabel;

/// How often within the silence limit a blocked socket is tried although nothing announced room in it.
const LOOKS_PER_LIMIT: u32 = 4;
/// Pause of a session that is ahead of this gateway.
const AHEAD_PAUSE: Duration = Duration::from_millis(10);
/// Snapshots in a row that the log could not complete; the last closes the session.
const SNAPSHOTS: u32 = 3;

/// One attendant's work on one session.
struct Attendant {
    sessions: Arc<Sessions>,
    outbox: Arc<Outbox>,
    snapshot: Option<Snapshot>,
    /// Snapshots begun since the session was last live.
    snapshots: u32,
}

/// Drains what waits for the socket; lets a session that is behind follow its course at the pace of its socket, and hands
/// it back to the dispatcher. Ends when the session needs no attendant, which is bounded by the wheel: a peer that takes
/// nothing is dropped.
pub(super) async fn attend(sessions: Arc<Sessions>, outbox: Arc<Outbox>) {
    let mut attendant = Attendant { sessions, outbox, snapshot: None, snapshots: 0 };
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

    /// Carries out what the client asked for. Everything before is sent, so a filter change takes hold exactly here.
    fn grant(&mut self, course: Course, subscription: &Subscription, wish: Wish) {
        let dress = subscription.dress;
        let standing = match &course {
            Course::Missed { from, .. } => Some(from.clone()),
            Course::Snapshot { .. } => None,
        };
        match wish {
            Wish::Ping(reference) => {
                // Before `live` a client holds no cursor.
                let place = standing.as_ref().filter(|_| !course.is_beginning());
                let cursor = place.map(|place| &place.cursor);
                let pong = dress.message(&Message::Pong { reference: reference.as_deref(), cursor });
                let told = place.map(|place| place.offset);
                self.outbox.show(pong, course, told);
            }
            Wish::Subscribe(chosen, FilterFrom::Now, reference) => {
                // A snapshot that ends here leaves the client without a place: the new view begins where the hub stands.
                let Some(from) = standing.or_else(|| self.sessions.hub.place()) else { return };
                let owes_live = match course {
                    Course::Missed { owes_live, .. } => owes_live,
                    Course::Snapshot { .. } => Some(from.offset),
                };
                let message = Message::Filtered { reference: reference.as_deref(), cursor: Some(&from.cursor) };
                let (filtered, told) = (dress.message(&message), Some(from.offset));
                self.begin(chosen);
                self.outbox.show(filtered, Course::Missed { from, owes_live }, told);
            }
            Wish::Subscribe(chosen, FilterFrom::Snapshot, reference) => {
                let filtered = dress.message(&Message::Filtered { reference: reference.as_deref(), cursor: None });
                self.begin(chosen);
                self.outbox.show(filtered, Course::Snapshot { reset: None }, None);
            }
        }
    }

    fn begin(&mut self, chosen: Arc<Subscription>) {
        self.snapshot = None;
        self.snapshots = 0;
        self.outbox.subscribe(chosen);
    }

    /// Takes a session that missed something one step further.
    async fn catch_up(&mut self, from: Place, owes_live: Option<u64>, subscription: &Subscription) -> ControlFlow<()> {
        if owes_live.is_some_and(|goal| from.offset >= goal) {
            self.say_live(from, subscription);
            return ControlFlow::Continue(());
        }
        let hub = &self.sessions.hub;
        let is_live = owes_live.is_none();
        let may_compose = is_live || subscription.dress == Dress::Json;
        let judge = Judge { subscription, is_live, may_compose, covered: &|_| false };
        let log = &self.sessions.log;
        let step = if is_live {
            catch_up::step(hub, log, from, &judge).await
        } else {
            catch_up::replay(hub, log, from, &judge).await
        };
        match step {
            Ok(Step::CaughtUp) => {
                if self.outbox.begin_join() {
                    if hub.command(Command::Join(Arc::clone(&self.outbox))).await.is_err() {
                        self.outbox.end(CloseCode::INTERNAL);
                    }
                    return ControlFlow::Break(());
                }
            }
            Ok(Step::Ahead) => sleep(AHEAD_PAUSE).await,
            Ok(Step::Shown(shown)) => {
                if shown.frames.is_empty() {
                    // Nothing will be waited for: leave the worker to others for a moment.
                    tokio::task::yield_now().await;
                }
                hub.metrics().deliveries.inc_by(shown.frames.len() as u64);
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

    fn say_live(&self, place: Place, subscription: &Subscription) {
        let live = subscription.dress.message(&Message::Live(&place.cursor));
        let told = Some(place.offset);
        self.outbox.show(live, Course::Missed { from: place, owes_live: None }, told);
    }

    /// Takes a session's snapshot one step further.
    async fn take_snapshot(&mut self, reset: Option<&'static str>, subscription: &Subscription) {
        let course = Course::Snapshot { reset: None };
        if let Some(reason) = reset {
            self.snapshot = None;
            self.outbox.show(subscription.dress.message(&Message::Reset(reason)), course, None);
            return;
        }
        let snapshot = self.snapshot.get_or_insert_with(|| {
            self.snapshots += 1;
            Snapshot::new()
        });
        match snapshot.step(&self.sessions.hub, &self.sessions.log, subscription).await {
            Ok(Progress::Shown(frames)) => {
                if frames.is_empty() {
                    tokio::task::yield_now().await;
                }
                self.outbox.show(frames, course, None);
            }
            Ok(Progress::Ahead) => sleep(AHEAD_PAUSE).await,
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
        match lost {
            Lost::Broken(reason) if subscription.dress.has_cursor() => {
                if self.snapshots >= SNAPSHOTS {
                    hub.close(&self.outbox, &Close::new(CloseCode::OVERLOADED, "the log is too short for a snapshot"));
                    return;
                }
                self.sessions.log.forget_pages();
                hub.metrics().session_resets.get_or_create(&ReasonLabel { reason: reason.name() }).inc();
                self.outbox.show(None, Course::Snapshot { reset: Some(reason.name()) }, None);
            }
            Lost::Broken(_) => {
                hub.close(&self.outbox, &Close::new(CloseCode::STALLED, "fell behind what the log keeps"));
            }
            Lost::Store(error) => {
                // The relay tells the operator, once for all sessions.
                tracing::debug!(%error, "a session could not read what it missed; trying again");
                sleep(self.sessions.options.log_retry).await;
            }
        }
    }
}
