//! Drives the logs' state machines: frames, heads and answers go in, questions and events for the hub come out.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, sleep_until};

use super::breaks::Breaks;
use super::continuity::{Action, Continuity};
use super::{Links, Options};
use crate::domain::{Partition, Position};
use crate::hub::{Event, Hub};
use crate::protocol::cursor::Cursor;
use crate::store::{Break, Feed, FeedEvent, Since, Store, StoreError, Tail, decode_frame};
use crate::telemetry::{Observations, WallClock};

/// Changes that are shown at once, in one write to each session: enough to save most of the writes, and well below what
/// may wait for one session.
const BURST: usize = 128;
/// Pause between two attempts to find the logs' ends at the start.
const START_RETRY: Duration = Duration::from_millis(200);

/// Results that may wait for the relay; there are at most one of each partition and one probe under way, so a worker
/// hardly ever waits here.
const RESULTS: usize = 64;

/// What the workers bring back.
enum Outcome {
    Answer(Partition, Result<Since, StoreError>),
    Heads(Asked, Result<Vec<Position>, StoreError>),
}

/// When the heads were asked for, and what had been passed on then.
struct Asked {
    at: Instant,
    lasts: Vec<Position>,
}

/// Whether something of the store answers, as far as an operator was told.
struct Outage {
    what: &'static str,
    lasts: bool,
}

/// What drives the logs' state machines: it alone knows clock, store and dispatcher.
pub(super) struct Relay {
    options: Options,
    links: Links,
    hub: Arc<Hub>,
    workers: Handle,
    /// One of each partition, once the relay has found its place.
    logs: Vec<Continuity>,
    breaks: Breaks,
    results: mpsc::Sender<Outcome>,
    outcomes: mpsc::Receiver<Outcome>,
    probing: bool,
    /// Whether the last probe failed, and the last question to a log.
    outage: Outage,
    log_outage: Outage,
    /// When all heads were last found to be what was passed on.
    proved: Instant,
    /// When clients were last told that this is too long ago, unless they were told otherwise since.
    told_stale: Option<Instant>,
}

impl Relay {
    /// A relay that has not begun.
    pub(super) fn new(options: Options, links: Links, workers: Handle) -> Self {
        let (results, outcomes) = mpsc::channel(RESULTS);
        Self {
            hub: links.dispatcher.hub(),
            options,
            links,
            workers,
            logs: Vec::new(),
            breaks: Breaks::default(),
            results,
            outcomes,
            probing: false,
            outage: Outage::of("store"),
            log_outage: Outage::of("log"),
            proved: Instant::now(),
            told_stale: None,
        }
    }

    /// Follows the store for ever.
    pub(super) async fn run(mut self) {
        let mut feed = self.links.store.feed(self.options.feed);
        self.start(&mut feed).await;
        let mut ticks = tokio::time::interval(self.options.head_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut arrived = Vec::new();
        let mut actions = Vec::new();
        let hub = Arc::clone(&self.hub);
        loop {
            let due = self.links.dispatcher.due();
            let held_until = self.breaks.until();
            // All branches are cancel safe: each takes what it takes at the moment that it completes.
            tokio::select! {
                () = feed.receive(&mut arrived, BURST), if self.links.dispatcher.has_room() => {
                    for event in arrived.drain(..) {
                        self.arrived(event, &mut actions);
                    }
                }
                Some(outcome) = self.outcomes.recv() => self.outcome(outcome, &mut actions),
                () = self.links.dispatcher.hear() => self.links.dispatcher.obey(),
                _ = ticks.tick() => {
                    self.links.metrics.relay_unproved_seconds.set(self.proved.elapsed().as_secs_f64());
                    self.tell_stale();
                    self.probe();
                }
                () = hub.doubted() => self.probe(),
                () = time_has_come(due) => {}
                () = time_has_come(held_until) => {}
                // Only after all of the above had nothing.
                () = tokio::task::yield_now(), if self.links.dispatcher.is_busy() => {}
            }
            self.act(&mut actions).await;
            self.links.dispatcher.serve();
            // However much arrives, the timers and the channel's own task get their turn.
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Waits for the subscription, then finds every log's end: whatever is written after that arrives by the feed. Tries
    /// for ever; the gateway is not ready before.
    async fn start(&mut self, feed: &mut Feed) {
        let mut events = Vec::new();
        while !events.contains(&FeedEvent::Connected) {
            events.clear();
            feed.receive(&mut events, BURST).await;
        }
        let tails = loop {
            let tails = self.tails().await;
            self.log_outage.tell(&tails);
            match tails {
                Ok(tails) => break tails,
                Err(_) => tokio::time::sleep(START_RETRY).await,
            }
        };
        let before =
            |tail: &Tail| tail.changes.first().and_then(crate::domain::Change::predecessor).unwrap_or(tail.head);
        let start = Cursor::new(tails.iter().map(before));
        for (partition, tail) in self.links.store.partitions().iter().zip(&tails) {
            let recent = tail.changes.iter().map(|change| change.at.position);
            self.logs.push(Continuity::new(partition, tail.head, recent));
        }
        self.links.dispatcher.start(start, tails.into_iter().flat_map(|tail| tail.changes).collect());
        // What else came meanwhile is in the logs' ends already, which were read after it.
        tracing::info!(partitions = self.logs.len(), "the relay follows the log");
    }

    async fn tails(&self) -> Result<Vec<Tail>, StoreError> {
        // A wiped store gets its beginning back from the probe.
        self.on_workers(|store| async move { store.probe().await }).await?;
        let mut tails = Vec::new();
        for partition in self.links.store.partitions().iter() {
            let count = self.options.tail;
            tails.push(self.on_workers(move |store| async move { store.tail(partition, count).await }).await?);
        }
        Ok(tails)
    }

    async fn on_workers<T: Send + 'static, F: Future<Output = Result<T, StoreError>> + Send + 'static>(
        &self,
        call: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> Result<T, StoreError> {
        let joined = self.workers.spawn(call(Arc::clone(&self.links.store))).await;
        joined.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }

    fn arrived(&mut self, event: FeedEvent, actions: &mut Vec<Action>) {
        match event {
            FeedEvent::Frame(partition, bytes) => {
                let Some(log) = self.logs.get_mut(partition.index()) else { return };
                match decode_frame(partition, &bytes) {
                    Ok(change) => log.frame(change, actions),
                    Err(error) => {
                        tracing::warn!(%partition, %error, "a frame could not be read; asking the log");
                        log.doubt(actions);
                    }
                }
            }
            FeedEvent::Probe => self.links.readiness.probe_arrived(),
            FeedEvent::Disconnected => {
                self.links.metrics.relay_disconnects.inc();
                tracing::warn!("the subscription was lost");
            }
            FeedEvent::Connected => self.doubt_all(actions),
            FeedEvent::Gap => {
                self.links.metrics.relay_gaps.inc();
                tracing::warn!("frames came faster than they could be relayed; asking the log");
                self.doubt_all(actions);
            }
        }
    }

    fn doubt_all(&mut self, actions: &mut Vec<Action>) {
        for log in &mut self.logs {
            log.doubt(actions);
        }
    }

    fn outcome(&mut self, outcome: Outcome, actions: &mut Vec<Action>) {
        match outcome {
            Outcome::Answer(partition, answer) => {
                self.log_outage.tell(&answer);
                if let Some(log) = self.logs.get_mut(partition.index()) {
                    log.answer(answer.ok(), actions);
                }
            }
            Outcome::Heads(asked, heads) => {
                self.probing = false;
                self.outage.tell(&heads);
                let heads = heads.into_iter().flatten().zip(asked.lasts).zip(&mut self.logs);
                let proofs = heads.map(|((head, asked), log)| log.head(head, asked, actions));
                if proofs.filter(|proved| *proved).count() == self.logs.len() {
                    self.proved = Instant::now();
                    self.hub.prove(asked.at);
                    if self.told_stale.take().is_some() {
                        self.links.dispatcher.tell_fresh();
                    }
                }
            }
        }
    }

    /// Tells clients that what they were shown may not be all.
    fn tell_stale(&mut self) {
        let unproved = self.proved.elapsed();
        let is_due = self.told_stale.is_none_or(|told| told.elapsed() >= self.options.stale_interval);
        if unproved >= self.options.stale_after && is_due {
            self.told_stale = Some(Instant::now());
            self.links.dispatcher.tell_stale(self.proved);
        }
    }

    /// Carries out what the logs' state machines decided, in their order.
    async fn act(&mut self, actions: &mut Vec<Action>) {
        let mut events = Vec::new();
        let mut broken = None;
        for action in actions.drain(..) {
            match action {
                Action::Deliver(change) => events.push(Event::Change(change)),
                Action::Reset(partition, reason, head) => {
                    self.reset(partition, reason, head);
                    events.push(Event::Reset(partition, reason, head));
                    if self.breaks.found(Instant::now()) {
                        broken = Some(partition);
                    }
                }
                Action::Ask(partition, from) => self.ask(partition, from),
                Action::Probe => self.probe(),
                Action::Repeated => drop(self.links.metrics.relay_duplicates.inc()),
            }
        }
        if let Some(partition) = broken {
            self.ask_others(partition);
        }
        let are_asked = self.logs.len() > 1 && self.logs.iter().any(Continuity::is_asked);
        let holds = self.breaks.until().is_some();
        let events = self.breaks.pass(events, are_asked, Instant::now());
        // Breaks are told together, whatever came between.
        let most = if holds { usize::MAX } else { BURST };
        let tells_breaks = holds && !events.is_empty();
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            self.take_in(events.by_ref().take(most).collect()).await;
        }
        if tells_breaks {
            // Sessions begin anew when the new place is proved.
            self.probe();
        }
    }

    /// Asks all logs but one, whose history broke, whether theirs did.
    fn ask_others(&mut self, partition: Partition) {
        let mut questions = Vec::new();
        for (number, log) in self.logs.iter_mut().enumerate() {
            if number != partition.index() {
                log.doubt(&mut questions);
            }
        }
        for question in questions {
            if let Action::Ask(partition, from) = question {
                self.ask(partition, from);
            }
        }
    }

    fn ask(&self, partition: Partition, from: Position) {
        self.links.metrics.relay_heals.inc();
        let (store, results, page) = (Arc::clone(&self.links.store), self.results.clone(), self.options.page);
        self.workers.spawn(async move {
            let answer = store.since(partition, from, page).await;
            // The relay is gone only when the gateway is.
            let _ = results.send(Outcome::Answer(partition, answer)).await;
        });
    }

    /// Hands events to the dispatcher once those before them are mostly shown.
    async fn take_in(&mut self, events: Vec<Event>) {
        while !self.links.dispatcher.has_room() {
            self.links.dispatcher.serve();
            tokio::task::yield_now().await;
        }
        self.count(&events);
        self.links.dispatcher.take_in(events);
    }

    fn count(&self, events: &[Event]) {
        let (now, mut lags, mut changes) = (WallClock::now(), Observations::default(), 0);
        for event in events {
            if let Event::Change(change) = event {
                lags.observe(now.seconds_since(change.time.as_millis()), 1);
                changes += 1;
            }
        }
        self.links.metrics.relay_changes.inc_by(changes);
        self.links.metrics.relay_lag_seconds.add(&lags);
    }

    fn reset(&self, partition: Partition, reason: Break, head: Position) {
        self.links.metrics.relay_resets.at(reason.label()).inc();
        let reason = reason.name();
        tracing::error!(%partition, reason, %head, "the store lost history; going on from its head");
    }

    /// Reads the heads, unless that is under way.
    fn probe(&mut self) {
        if std::mem::replace(&mut self.probing, true) {
            return;
        }
        let (store, results) = (Arc::clone(&self.links.store), self.results.clone());
        let asked = Asked { at: Instant::now(), lasts: self.logs.iter().map(Continuity::last).collect() };
        self.workers.spawn(async move {
            let heads = store.probe().await;
            let _ = results.send(Outcome::Heads(asked, heads)).await;
        });
    }
}

impl Outage {
    const fn of(what: &'static str) -> Self {
        Self { what, lasts: false }
    }

    /// Logs its beginning and its end; the attempts in between tell an operator nothing new.
    fn tell<T>(&mut self, answer: &Result<T, StoreError>) {
        let Self { what, lasts } = self;
        match answer {
            Err(error) if !std::mem::replace(lasts, true) => {
                tracing::warn!(%error, "the {what} does not answer; trying until it does");
            }
            Ok(_) if std::mem::take(lasts) => tracing::info!("the {what} answers again"),
            _ => {}
        }
    }
}

/// Never, where there is no time.
async fn time_has_come(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
