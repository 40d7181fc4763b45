//! The dispatcher: evaluates what the relay passes on, and writes it to every session concerned.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::announcements::Announcements;
use super::egress::{Calls, Egress};
use super::evaluation::Evaluation;
use super::groups::{Groups, Next, SubscriptionGroup};
use super::metrics::Metrics;
use super::options::Options;
use super::run_queue::RunQueue;
use super::writes::{StepResult, Tally, Writes};
use crate::domain::Cursor;
use crate::filter::offload::INLINE_STEPS_MAX;
use crate::history::{Checkpoint, Event, History, with_checkpoints};
use crate::protocol::close::{Close, CloseCode};
use crate::session::{
    CatchUp, Delivery, DeliveryOutcome, Notification, Payload, ServeHandle, SessionCommand,
    Sessions,
};
use crate::store::Discontinuity;
use crate::telemetry::Traces;
use crate::telemetry::traces::Reach;

/// Members that are visited in a row, before the feed gets its turn.
pub(super) const STEP_MEMBERS: usize = 256;
/// Changes that may wait for one group before no more are taken from the feed: well below what may
/// wait for a session.
const WAITING_MAX: usize = 128;

/// What the serving thread owns.
pub struct Dispatcher {
    pub(super) options: Options,
    pub(super) metrics: Metrics,
    pub(super) history: Arc<History>,
    pub(super) sessions: Sessions,
    pub(super) groups: Groups,
    pub(super) run_queue: RunQueue,
    pub(super) announcements: Announcements,
    traces: Traces,
    egress: Box<dyn Egress>,
    /// Numbers of the groups that a change may concern; kept for its memory.
    concerned: Vec<u32>,
    /// Commands of the sessions.
    pub(super) commands: mpsc::Receiver<SessionCommand>,
    /// Commands that were received and not applied yet, and when they were received.
    pub(super) received: VecDeque<SessionCommand>,
    pub(super) received_at: Instant,
}

impl Dispatcher {
    /// A dispatcher without members. `commands` is what [`Sessions::new`] gave.
    pub fn new(
        options: Options,
        history: Arc<History>,
        (sessions, commands): (Sessions, mpsc::Receiver<SessionCommand>),
        metrics: Metrics,
        traces: Traces,
    ) -> Self {
        Self {
            groups: Groups::counted(&metrics),
            announcements: Announcements::new(options.position_interval),
            run_queue: RunQueue::default(),
            egress: Box::new(Calls),
            concerned: Vec::new(),
            received: VecDeque::new(),
            received_at: Instant::now(),
            options,
            metrics,
            history,
            sessions,
            commands,
            traces,
        }
    }

    /// Opens the history at `start`, with events that came after it and need not be sent to anyone.
    /// Called on the thread that serves.
    pub fn start(&mut self, start: Cursor, events: Vec<Event>) {
        self.egress = self.options.egress.make();
        self.history.open(start, events);
    }

    /// Records events and adds them to the streams of the groups that they concern.
    /// [`Dispatcher::serve`] sends them.
    pub fn take_in(&mut self, events: Vec<Event>) {
        let Some((before, entries)) = self.history.record(events) else {
            return;
        };
        self.announcements.moved();
        for (before, entry) in with_checkpoints(&before, &entries) {
            match (Evaluation::new(before, entry), entry.event.broken()) {
                (Some(change), _) => self.evaluate(change),
                (None, Some(reason)) => self.break_off(reason),
                (None, None) => {}
            }
        }
        if let Some(reason) = entries.iter().find_map(|entry| entry.event.broken()) {
            // Clients whose format has no reset go on from the new head.
            let new_heads = self.sessions.metrics().session_new_heads.at(reason);
            new_heads.inc_by(self.groups.members_without_reset());
        }
    }

    /// Whether [`Dispatcher::serve`] has something to do now.
    pub(super) fn is_busy(&self) -> bool {
        let now = Instant::now();
        self.run_queue.is_busy() || self.announcements.due().is_some_and(|due| due <= now)
    }

    /// When it has something to do next, where that is known: a cooldown ends, or an announcement
    /// is due.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.run_queue.cooldown_ends(), self.announcements.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether so little waits to be sent that more should be taken in.
    pub(super) fn has_room(&self) -> bool {
        self.run_queue
            .rounds()
            .all(|number| self.groups.group(number).waiting() < WAITING_MAX)
    }

    /// Makes the next steps: sends some of the members what was taken in, each in one write; or
    /// sends some sessions an announcement.
    pub fn serve(&mut self) {
        self.serve_changes();
        let waiting = self.run_queue.is_busy();
        self.announce(waiting);
    }

    fn serve_changes(&mut self) {
        if self.run_queue.cooldown_ends().is_some() {
            let cooled = self.run_queue.take_cooled(Instant::now());
            self.wake(cooled);
        }
        if !self.run_queue.is_busy() {
            return;
        }
        let Some(newest) = self.history.checkpoint() else {
            return;
        };
        let (mut writes, mut over) = (Writes::new(newest), Vec::new());
        for _ in 0..STEP_MEMBERS {
            let Some(number) = self.run_queue.current() else {
                break;
            };
            match writes.add_next_member(self.groups.group_mut(number), number) {
                StepResult::GoesOn => {}
                StepResult::Over => {
                    self.run_queue.end();
                    over.push(number);
                }
            }
        }
        self.run_queue.pass();
        self.write(&writes);
        let now = Instant::now();
        for number in over {
            match self.groups.group_mut(number).finish(now) {
                Next::Idle => {}
                Next::Round => self.run_queue.begin(number),
                Next::Cooldown(until) => self.run_queue.cool_down(number, until),
            }
        }
    }

    /// Begins a round in those of these groups for which something came during the cooldown.
    fn wake(&mut self, cooled: Vec<usize>) {
        for number in cooled {
            if self.groups.group_mut(number).wake() {
                self.run_queue.begin(number);
            }
        }
    }

    /// Sends all that was taken in.
    fn serve_all(&mut self) {
        loop {
            let cooling = self.run_queue.take_cooling();
            self.wake(cooling);
            if !self.run_queue.is_busy() {
                return;
            }
            self.serve_changes();
        }
    }

    /// Adds a change to the streams of the groups that it concerns.
    fn evaluate(&mut self, mut change: Evaluation<'_>) {
        let span = change
            .trace()
            .and_then(|(at, written)| self.traces.relay(at, written))
            .map(Arc::new);
        let mut reach = Reach::default();
        let mut concerned = std::mem::take(&mut self.concerned);
        self.groups.concerned(change.images(), &mut concerned);
        for number in concerned.iter().map(|number| *number as usize) {
            let group = self.groups.group_mut(number);
            if change.steps(&group.subscription) > INLINE_STEPS_MAX {
                self.part_with(number, change.before());
            } else if let Some(notification) = change.notification(&group.subscription) {
                reach.add_group(group.members().len());
                let span = span.clone();
                if group.push(Notification {
                    span,
                    ..notification
                }) {
                    self.run_queue.begin(number);
                }
            }
        }
        self.concerned = concerned;
        if let Some(span) = span {
            span.reaches(reach);
        }
    }

    /// Sends the members of a group to catch up from this checkpoint on: what comes there takes too
    /// long to be evaluated inline.
    fn part_with(&mut self, number: usize, from: &Checkpoint) {
        let members: Vec<_> = self.groups.group(number).members().cloned().collect();
        for session in members {
            self.serve_one(&session);
            if self.groups.remove(&session) {
                self.metrics.session_offloads.inc();
                let catch_up = CatchUp::replay(from.clone());
                self.sessions.drain(session.leave(catch_up));
            }
        }
    }

    /// The store's history broke: clients whose format has a reset get the earlier changes, then
    /// begin anew.
    fn break_off(&mut self, reason: Discontinuity) {
        self.serve_all();
        let groups = (0..self.groups.len()).map(|number| self.groups.group(number));
        let concerned = groups.filter(|group| group.subscription.format.has_reset());
        let members: Vec<_> = concerned
            .flat_map(SubscriptionGroup::members)
            .cloned()
            .collect();
        for session in members {
            self.groups.remove(&session);
            self.begin_anew(&session, reason);
        }
    }

    pub(super) fn begin_anew(&self, session: &ServeHandle, reason: Discontinuity) {
        let reset = Some(reason.into());
        self.sessions
            .drain(session.leave(CatchUp::Snapshot { reset }));
    }

    /// Sends one session all that was taken in.
    pub(super) fn serve_one(&mut self, session: &ServeHandle) {
        let Some(slot) = session.slot() else { return };
        if let Some(batch) = self.groups.group_mut(slot.group()).take_remaining(slot) {
            self.write(&Writes::one(session.clone(), batch));
        }
    }

    pub(super) fn write(&mut self, writes: &Writes) {
        let options = self.sessions.options();
        let mut pending = Vec::with_capacity(writes.iter().len());
        let mut settled = Vec::with_capacity(writes.iter().len());
        for (session, payload) in writes.iter() {
            match session.begin_write(payload, options) {
                Ok(write) => pending.push(write),
                Err(delivery) => settled.push((session, payload, delivery)),
            }
        }
        self.egress.write(&mut pending);
        let mut tally = Tally::new();
        settled.extend(pending.into_iter().map(|write| {
            tally.sent(write.taken());
            write.finish(options)
        }));
        for (session, payload, delivery) in settled {
            if let (DeliveryOutcome::Accepted, Payload::Changes(batch)) =
                (delivery.outcome, payload)
            {
                tally.delivered(batch);
            }
            self.settle(session, payload, delivery);
        }
        tally.count(&self.metrics, &self.sessions.metrics().session_sent_bytes);
    }

    /// Does what follows from what became of a payload.
    fn settle(&mut self, session: &ServeHandle, payload: &Payload, delivery: Delivery) {
        let Delivery { outcome, drain } = delivery;
        match outcome {
            DeliveryOutcome::Accepted => {
                if drain.is_some() {
                    self.metrics.session_partial_writes.inc();
                }
                self.sessions.drain(drain);
                match payload {
                    Payload::Changes(batch) if batch.ends() => {
                        let close = Close::new(CloseCode::NORMAL, "");
                        self.sessions.close(session, &close);
                    }
                    _ => return,
                }
            }
            DeliveryOutcome::Overflowed => {
                self.metrics.session_overflows.inc();
                self.sessions.drain(drain);
            }
            DeliveryOutcome::Gone => {}
        }
        self.groups.remove(session);
    }
}
