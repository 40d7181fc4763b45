//! The one that serves: judges what the relay passes on and writes it to every session concerned.

mod announce;
#[cfg(test)]
mod announce_tests;
mod commands;
#[cfg(test)]
mod continuity_tests;
mod sweep;
mod tally;
#[cfg(test)]
mod tests;
mod turns;
mod writes;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::aside::QUICK_STEPS;
use super::burst::{self, Judged, Shown};
use super::class::{Class, Next};
use super::egress::{Calls, Egress};
use super::outbox::{Delivery, Parcel};
use super::registry::Registry;
use super::ring::Ring;
use super::{Attend, Command, Course, Entry, Event, Hub, Outbox, Place};
use crate::domain::Change;
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::cursor::Cursor;
use crate::store::Break;
use crate::telemetry::Traces;
use crate::telemetry::traces::Reach;
use announce::Announcements;
use tally::Tally;
use turns::Turns;
use writes::{Looked, Writes};

/// Sessions that are looked at in a row, before the feed gets its turn.
const ROUND_STEP: usize = 256;
/// Changes that may wait for one class before no more are taken from the feed: well below what may wait for a session.
const MOST_WAITING: usize = 128;

/// The half of the hub that one thread owns.
pub struct Dispatcher {
    hub: Arc<Hub>,
    traces: Traces,
    commands: mpsc::Receiver<Command>,
    registry: Registry,
    turns: Turns,
    egress: Box<dyn Egress>,
    /// Numbers of the classes that a change may concern; kept for its memory.
    concerned: Vec<u32>,
    /// Commands that were heard and not carried out yet, and when they were heard.
    asked: VecDeque<Command>,
    heard: Instant,
    announcements: Announcements,
}

impl Dispatcher {
    pub(super) fn new(hub: Arc<Hub>, commands: mpsc::Receiver<Command>) -> Self {
        Self {
            registry: Registry::counted(&hub.metrics),
            announcements: Announcements::new(hub.options.position_interval),
            hub,
            traces: Traces::default(),
            commands,
            turns: Turns::default(),
            egress: Box::new(Calls),
            concerned: Vec::new(),
            asked: VecDeque::new(),
            heard: Instant::now(),
        }
    }

    /// Has the way of recorded changes told as spans.
    pub fn trace(&mut self, traces: Traces) {
        self.traces = traces;
    }

    /// Opens the hub at `start`, with changes that were made after it and need not be sent to anyone. Called on the
    /// thread that serves.
    pub fn start(&mut self, start: Cursor, changes: Vec<Change>) {
        self.egress = self.hub.options.egress.make();
        let mut ring = Ring::new(start, self.hub.options.ring_bytes.get());
        for change in changes {
            ring.push(Event::Change(change));
        }
        *self.hub.ring.lock().unwrap_or_else(PoisonError::into_inner) = Some(ring);
    }

    /// Takes in what happened next, and finds whom it concerns. [`Dispatcher::serve`] shows it to them.
    pub fn take_in(&mut self, events: Vec<Event>) {
        let Some((before, entries)) = self.record(events) else { return };
        self.hub.moved.notify_waiters();
        self.announcements.moved();
        for (before, entry) in burst::with_places(&before, &entries) {
            match (Judged::new(before, entry), entry.event.broken()) {
                (Some(change), _) => self.judge(change),
                (None, Some(reason)) => self.break_off(reason),
                (None, None) => {}
            }
        }
        if let Some(reason) = entries.iter().find_map(|entry| entry.event.broken()) {
            // Who has no word for it goes on from the new head.
            self.hub.metrics.session_new_heads.at(reason.label()).inc_by(self.registry.members_without_cursor());
        }
    }

    /// The hub, to wait for what its sessions say of it.
    pub fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }

    /// Whether [`Dispatcher::serve`] has something to do now.
    pub fn is_busy(&self) -> bool {
        self.turns.is_busy() || self.announcements.due().is_some_and(|due| due <= Instant::now())
    }

    /// When it has something to do next, where that is known: a class has rested, or something is to be told.
    pub fn due(&self) -> Option<Instant> {
        [self.turns.rest_ends(), self.announcements.due()].into_iter().flatten().min()
    }

    /// Whether so little waits to be shown that more should be taken in.
    pub fn has_room(&self) -> bool {
        self.turns.rounds().all(|number| self.registry.class(number).waiting() < MOST_WAITING)
    }

    /// Makes the next steps: shows some of the sessions what was taken in, each in one write; or tells some of them what is
    /// no change.
    pub fn serve(&mut self) {
        self.serve_changes();
        let waiting = self.turns.is_busy();
        self.announce(waiting);
    }

    fn serve_changes(&mut self) {
        if self.turns.rest_ends().is_some() {
            let rested = self.turns.take_rested(Instant::now());
            self.wake(rested);
        }
        if !self.turns.is_busy() {
            return;
        }
        let Some(place) = self.hub.place() else { return };
        let (mut writes, mut over) = (Writes::new(place), Vec::new());
        for _ in 0..ROUND_STEP {
            let Some(number) = self.turns.current() else { break };
            match writes.look(self.registry.class_mut(number), number) {
                Looked::On => {}
                Looked::Over => {
                    self.turns.end();
                    over.push(number);
                }
            }
        }
        self.turns.pass();
        self.write(&writes);
        let now = Instant::now();
        for number in over {
            match self.registry.class_mut(number).finish(now) {
                Next::Idle => {}
                Next::Round => self.turns.begin(number),
                Next::Rest(until) => self.turns.rest(number, until),
            }
        }
    }

    /// Begins a round in those of these classes for which something came while they rested.
    fn wake(&mut self, rested: Vec<usize>) {
        for number in rested {
            if self.registry.class_mut(number).wake() {
                self.turns.begin(number);
            }
        }
    }

    /// Shows all that was taken in.
    fn serve_all(&mut self) {
        loop {
            let resting = self.turns.take_resting();
            self.wake(resting);
            if !self.turns.is_busy() {
                return;
            }
            self.serve_changes();
        }
    }

    /// Writes the events into the ring; returns the place before them, and the entries.
    fn record(&self, events: Vec<Event>) -> Option<(Place, Vec<Arc<Entry>>)> {
        self.hub.with_ring(|ring| {
            let before = ring.end().clone();
            (before, events.into_iter().map(|event| ring.push(event)).collect())
        })
    }

    /// Adds a change to what the classes are shown that it concerns.
    fn judge(&mut self, mut change: Judged<'_>) {
        let span = change.trace().and_then(|(at, written)| self.traces.relay(at, written)).map(Arc::new);
        let mut reach = Reach::default();
        let mut concerned = std::mem::take(&mut self.concerned);
        self.registry.concerned(change.images(), &mut concerned);
        for number in concerned.iter().map(|number| *number as usize) {
            let class = self.registry.class_mut(number);
            if change.steps(&class.subscription) > QUICK_STEPS {
                self.part_with(number, change.before());
            } else if let Some(shown) = change.shown(&class.subscription) {
                reach.add_class(class.members().len());
                if class.push(Shown { span: span.clone(), ..shown }) {
                    self.turns.begin(number);
                }
            }
        }
        self.concerned = concerned;
        if let Some(span) = span {
            span.reaches(reach);
        }
    }

    /// Has a class's sessions catch up by themselves from this place on: what comes there takes too long to be judged in
    /// passing.
    fn part_with(&mut self, number: usize, from: &Place) {
        let members: Vec<_> = self.registry.class(number).members().cloned().collect();
        for outbox in members {
            self.serve_one(&outbox);
            if self.registry.remove(&outbox) {
                self.hub.metrics.session_detours.inc();
                let course = Course::Missed { from: from.clone(), owes_live: None };
                self.hub.attend_if(outbox.leave_stream(course), &outbox);
            }
        }
    }

    /// The store's history broke: clients with a cursor are shown what came before, and then begin anew.
    fn break_off(&mut self, reason: Break) {
        self.serve_all();
        let classes = (0..self.registry.len()).map(|number| self.registry.class(number));
        let concerned = classes.filter(|class| class.subscription.dress.has_cursor());
        let members: Vec<_> = concerned.flat_map(Class::members).cloned().collect();
        for outbox in members {
            self.registry.remove(&outbox);
            self.show_anew(&outbox, reason);
        }
    }

    fn show_anew(&self, outbox: &Arc<Outbox>, reason: Break) {
        let course = Course::Snapshot { reset: Some(reason) };
        self.hub.attend_if(outbox.leave_stream(course), outbox);
    }

    /// Shows one session all that was taken in.
    fn serve_one(&mut self, outbox: &Arc<Outbox>) {
        let Some(seat) = outbox.seat() else { return };
        if let Some(burst) = self.registry.class_mut(seat.class()).take_rest(seat) {
            self.write(&Writes::one(Arc::clone(outbox), burst));
        }
    }

    fn write(&mut self, writes: &Writes) {
        let options = self.hub.options;
        let mut sendings = Vec::with_capacity(writes.iter().len());
        let mut settled = Vec::with_capacity(writes.iter().len());
        for (outbox, parcel) in writes.iter() {
            match outbox.begin(parcel, &options) {
                Ok(sending) => sendings.push(sending),
                Err(delivery) => settled.push((outbox, parcel, delivery)),
            }
        }
        self.egress.write(&mut sendings);
        let mut tally = Tally::new();
        settled.extend(sendings.into_iter().map(|sending| {
            tally.sent(sending.taken());
            sending.finish(&options)
        }));
        for (outbox, parcel, delivery) in settled {
            if let (Delivery::Taken(_), Parcel::Changes(burst)) = (delivery, parcel) {
                tally.delivered(burst);
            }
            self.settle(outbox, parcel, delivery);
        }
        tally.count(&self.hub.metrics);
    }

    /// Does what follows from what became of a parcel.
    fn settle(&mut self, outbox: &Arc<Outbox>, parcel: &Parcel, delivery: Delivery) {
        let metrics = &self.hub.metrics;
        match (delivery, parcel) {
            (Delivery::Taken(attend), parcel) => {
                if attend == Attend::Needed {
                    metrics.session_backlogs.inc();
                    self.hub.attend_if(attend, outbox);
                }
                let Parcel::Changes(burst) = parcel else { return };
                if !burst.ends() {
                    return;
                }
                self.hub.close(outbox, &Close::new(CloseCode::NORMAL, ""));
            }
            (Delivery::Overflowed(attend), _) => {
                metrics.session_overflows.inc();
                self.hub.attend_if(attend, outbox);
            }
            (Delivery::Gone, _) => {}
        }
        self.registry.remove(outbox);
    }
}
