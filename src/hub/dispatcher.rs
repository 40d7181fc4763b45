//! The one that serves: judges what the relay passes on and writes it to every session concerned.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::aside::QUICK_STEPS;
use super::burst::{self, Burst, Judged, Shown};
use super::class::{Class, Next};
use super::egress::{Calls, Egress};
use super::outbox::{Delivery, Parcel, TooMuchAsked};
use super::registry::Registry;
use super::ring::Ring;
use super::tally::Tally;
use super::turns::Turns;
use super::writes::{Looked, Writes};
use super::{Attend, Command, Course, Entry, Event, Hub, Outbox, Place};
use crate::domain::Change;
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::cursor::Cursor;
use crate::store::Break;
use crate::telemetry::Traces;
use crate::telemetry::traces::Reach;

/// A joining session may be this many entries behind; further behind it catches up by itself first.
const JOIN_ENTRIES: usize = 256;
/// Sessions that are looked at in a row, before the feed gets its turn.
const ROUND_STEP: usize = 256;
/// Changes that may wait for one class before no more are taken from the feed: well below what may wait for a session.
const MOST_WAITING: usize = 128;
/// Commands that are carried out in a row, before the feed gets its turn.
const MOST_COMMANDS: usize = 256;
const COMMANDS_PAUSE: Duration = Duration::from_millis(1);

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
    /// Commands that were heard, and when.
    asked: Vec<Command>,
    heard: Instant,
    /// Since when continuity is unproved, where clients are told so.
    unproved: Option<Instant>,
}

impl Dispatcher {
    pub(super) fn new(hub: Arc<Hub>, commands: mpsc::Receiver<Command>) -> Self {
        Self {
            registry: Registry::counted(&hub.metrics),
            hub,
            traces: Traces::default(),
            commands,
            turns: Turns::default(),
            egress: Box::new(Calls),
            concerned: Vec::new(),
            asked: Vec::new(),
            heard: Instant::now(),
            unproved: None,
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
        for (before, entry) in burst::with_places(&before, &entries) {
            match Judged::new(before, entry) {
                Some(change) => self.judge(change),
                None => self.break_off(entry),
            }
        }
    }

    /// Whether there is somebody to be served.
    pub fn is_busy(&self) -> bool {
        self.turns.is_busy()
    }

    /// When a class has rested that then may have to be served, by [`Dispatcher::serve`].
    pub fn rest_ends(&self) -> Option<Instant> {
        self.turns.rest_ends()
    }

    /// Whether so little waits to be shown that more should be taken in.
    pub fn has_room(&self) -> bool {
        self.turns.rounds().all(|number| self.registry.class(number).waiting() < MOST_WAITING)
    }

    /// Has those told of their position who are shown nothing meanwhile and do not know it.
    pub fn tell_positions(&mut self) {
        for number in 0..self.registry.len() {
            let class = self.registry.class_mut(number);
            if !class.is_empty() && class.subscription.dress.has_cursor() && class.tell_positions() {
                self.turns.begin(number);
            }
        }
    }

    /// Goes on showing what was taken in: looks at some of those whom it concerns, and writes to each once.
    pub fn serve(&mut self) {
        if self.turns.rest_ends().is_some() {
            let rested = self.turns.take_rested(Instant::now());
            self.wake(rested);
        }
        if !self.is_busy() {
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
            if !self.is_busy() {
                return;
            }
            self.serve();
        }
    }

    /// Tells who is live since when continuity is unproved. Who becomes live before it is proved again is told then.
    pub fn tell_stale(&mut self, since: Instant) {
        self.unproved = Some(since);
        for outbox in self.hub.sessions() {
            self.hub.attend_if(outbox.tell_stale(since, &self.hub.metrics.session_sent_bytes), &outbox);
        }
    }

    /// Tells who heard otherwise that continuity is proved, after all that was taken in.
    pub fn tell_fresh(&mut self) {
        self.serve_all();
        self.unproved = None;
        for outbox in self.hub.sessions() {
            self.hub.attend_if(outbox.tell_fresh(&self.hub.metrics.session_sent_bytes), &outbox);
        }
    }

    /// Waits for commands, and takes those that are there. They come together at most every millisecond: none of them is
    /// urgent, and ten thousand clients that connect at once need not wake this thread ten thousand times. Cancel safe:
    /// nothing is taken before it returns.
    pub async fn hear(&mut self) {
        let pause = COMMANDS_PAUSE.saturating_sub(self.heard.elapsed());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        self.commands.recv_many(&mut self.asked, MOST_COMMANDS).await;
        self.heard = Instant::now();
    }

    /// Carries out what was heard.
    pub fn obey(&mut self) {
        let mut asked = std::mem::take(&mut self.asked);
        asked.drain(..).for_each(|command| self.execute(command));
        self.asked = asked;
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Join(outbox) => self.join(outbox),
            Command::Leave(outbox) => drop(self.registry.remove(&outbox)),
            Command::Ask(outbox, wish) => {
                // What comes after its place is shown as it asks; what came before, as it asked until now.
                self.serve_one(&outbox);
                let Some(place) = self.hub.place() else { return };
                self.registry.remove(&outbox);
                match outbox.ask(wish, &place) {
                    Ok(attend) => self.hub.attend_if(attend, &outbox),
                    Err(TooMuchAsked) => self.hub.close(&outbox, &Close::ASKED_TOO_MUCH),
                }
            }
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
    fn break_off(&mut self, entry: &Entry) {
        let Event::Reset(_, reason, _) = entry.event else { return };
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

    fn join(&mut self, outbox: Arc<Outbox>) {
        let Some(place) = outbox.join() else { return };
        let subscription = outbox.subscription();
        let missed = self
            .hub
            .after(place.offset, JOIN_ENTRIES + 1)
            .filter(|missed| missed.len() <= JOIN_ENTRIES && subscription.steps(missed) <= QUICK_STEPS);
        let Some(missed) = missed else {
            let course = Course::Missed { from: place, owes_live: None };
            self.hub.attend_if(outbox.leave_stream(course), &outbox);
            return;
        };
        let (mut shown, mut broken) = (Vec::new(), None);
        for (before, entry) in burst::with_places(&place, &missed) {
            match (Judged::new(before, entry), &entry.event) {
                (Some(mut change), _) => shown.extend(change.shown(&subscription)),
                (None, Event::Reset(_, reason, _)) if subscription.dress.has_cursor() => {
                    broken = Some(*reason);
                    break;
                }
                (None, _) => {}
            }
        }
        self.registry.add(Arc::clone(&outbox));
        if let Some(burst) = Burst::new(&shown) {
            self.write(&Writes::one(Arc::clone(&outbox), burst));
        }
        if let Some(reason) = broken {
            self.registry.remove(&outbox);
            self.show_anew(&outbox, reason);
            return;
        }
        let sent = &self.hub.metrics.session_sent_bytes;
        self.hub.attend_if(outbox.catch_up_on_continuity(self.unproved, sent), &outbox);
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

#[cfg(test)]
#[path = "dispatcher_tests.rs"]
mod tests;
