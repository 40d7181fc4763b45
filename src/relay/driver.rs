//! Drives the logs' state machines: frames, heads and answers go in, questions go to the store, and
//! outputs come out. It waits for nothing itself.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::breaks::Breaks;
use super::continuity::{Action, Continuity};
use super::options::Options;
use super::outage::Outage;
use crate::domain::{Change, Cursor, Partition, Position};
use crate::history::{Event, History};
use crate::store::{Discontinuity, Feed, FeedEvent, Since, Store, StoreError, Tail, decode_frame};
use crate::telemetry::{Metrics, Observations, Readiness, WallClock};

/// Changes that are handed over at once, for one write to each session: enough to save most of the
/// writes, and well below what may wait for one session.
pub const BURST_MAX: usize = 128;
/// Pause between two attempts to find the logs' ends at the start.
const START_RETRY: std::time::Duration = std::time::Duration::from_millis(200);
/// Answers that may wait for the relay; there are at most one of each partition and one of the
/// heads under way, so a worker hardly ever waits here.
const ANSWERS_MAX: usize = 64;

/// What the relay lies between.
pub struct Links {
    /// Whose channel is followed.
    pub store: Arc<dyn Store>,
    /// Told of every probe that came through the channel.
    pub readiness: Readiness,
    /// The counters.
    pub metrics: Metrics,
}

/// What the relay has to be given, by whoever waits for it.
pub struct Inputs {
    /// For [`Relay::receive`].
    pub feed: Feed,
    /// For [`Relay::answer`].
    pub answers: mpsc::Receiver<Answer>,
    /// For [`Relay::tick`].
    pub ticks: Interval,
}

/// An answer of the store.
pub struct Answer(Question);

enum Question {
    Log(Partition, Result<Since, StoreError>),
    Heads(HeadsRequest, Result<Vec<Position>, StoreError>),
}

/// When the heads were asked for, and what had been passed on then.
struct HeadsRequest {
    at: Instant,
    lasts: Vec<Position>,
}

/// Where the order begins, and what came after that before anybody listened.
pub struct Beginning {
    /// Where it begins.
    pub cursor: Cursor,
    /// What came since.
    pub events: Vec<Event>,
}

/// What the relay yields, in this order.
#[derive(Debug)]
pub enum Output {
    /// Events that come next, in the order of this gateway.
    Events(Vec<Event>),
    /// Clients are to be told since when continuity is unproved.
    Unproved(Instant),
    /// Clients that were told so are to be told that it is proved.
    Proved,
    /// [`Relay::probe`] when all before is done: sessions that begin anew wait for a proof.
    Probe,
}

/// The state machines of all logs, and what is known of the store.
pub struct Relay {
    options: Options,
    links: Links,
    history: Arc<History>,
    workers: Handle,
    /// One of each partition, once the relay has found its place.
    logs: Vec<Continuity>,
    breaks: Breaks,
    actions: Vec<Action>,
    outputs: Vec<Output>,
    answers: mpsc::Sender<Answer>,
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
    /// A relay that has not begun. `workers` run its questions to the store.
    pub fn new(
        options: Options,
        links: Links,
        history: Arc<History>,
        workers: Handle,
    ) -> (Self, Inputs) {
        let (answers, receiver) = mpsc::channel(ANSWERS_MAX);
        let mut ticks = tokio::time::interval(options.head_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let inputs = Inputs {
            feed: links.store.feed(options.feed),
            answers: receiver,
            ticks,
        };
        let relay = Self {
            options,
            links,
            history,
            workers,
            logs: Vec::new(),
            breaks: Breaks::default(),
            actions: Vec::new(),
            outputs: Vec::new(),
            answers,
            probing: false,
            outage: Outage::of("store"),
            log_outage: Outage::of("log"),
            proved: Instant::now(),
            told_stale: None,
        };
        (relay, inputs)
    }

    /// Waits for the subscription, then finds every log's end: whatever is written after that
    /// arrives by the feed. Tries for ever; the gateway is not ready before.
    pub async fn start(&mut self, feed: &mut Feed) -> Beginning {
        let mut events = Vec::new();
        while !events.contains(&FeedEvent::Connected) {
            events.clear();
            feed.receive(&mut events, BURST_MAX).await;
        }
        let tails = loop {
            let tails = self.tails().await;
            self.log_outage.tell(&tails);
            match tails {
                Ok(tails) => break tails,
                Err(_) => tokio::time::sleep(START_RETRY).await,
            }
        };
        let before = |tail: &Tail| {
            let first = tail.changes.first();
            first.and_then(Change::predecessor).unwrap_or(tail.head)
        };
        let cursor = Cursor::new(tails.iter().map(before));
        for (partition, tail) in self.links.store.partitions().iter().zip(&tails) {
            let recent = tail.changes.iter().map(|change| change.at.position);
            self.logs
                .push(Continuity::new(partition, tail.head, recent));
        }
        // What else came meanwhile is in the logs' ends already, which were read after it.
        tracing::info!(partitions = self.logs.len(), "the relay follows the log");
        let changes = tails.into_iter().flat_map(|tail| tail.changes);
        Beginning {
            cursor,
            events: changes.map(Event::Change).collect(),
        }
    }

    async fn tails(&self) -> Result<Vec<Tail>, StoreError> {
        // A wiped store gets its beginning back from the probe.
        self.on_workers(|store| async move { store.probe().await })
            .await?;
        let mut tails = Vec::new();
        for partition in self.links.store.partitions().iter() {
            let count = self.options.tail;
            tails.push(
                self.on_workers(move |store| async move { store.tail(partition, count).await })
                    .await?,
            );
        }
        Ok(tails)
    }

    async fn on_workers<
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    >(
        &self,
        call: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> Result<T, StoreError> {
        let joined = self
            .workers
            .spawn(call(Arc::clone(&self.links.store)))
            .await;
        joined.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }

    /// When held events have to be passed on; [`Relay::take_outputs`] does it.
    pub fn held_until(&self) -> Option<Instant> {
        self.breaks.until()
    }

    /// Takes what came through the channel.
    pub fn receive(&mut self, events: impl IntoIterator<Item = FeedEvent>) {
        for event in events {
            self.arrived(event);
        }
    }

    fn arrived(&mut self, event: FeedEvent) {
        match event {
            FeedEvent::Frame(partition, bytes) => {
                let Some(log) = self.logs.get_mut(partition.index()) else {
                    return;
                };
                match decode_frame(partition, &bytes) {
                    Ok(change) => log.frame(change, &mut self.actions),
                    Err(error) => {
                        tracing::warn!(%partition, %error, "a frame could not be read; asking the log");
                        log.suspect_gap(&mut self.actions);
                    }
                }
            }
            FeedEvent::Probe => self.links.readiness.probe_arrived(),
            FeedEvent::Disconnected => {
                self.links.metrics.relay_disconnects.inc();
                tracing::warn!("the subscription was lost");
            }
            FeedEvent::Connected => self.suspect_all(),
            FeedEvent::Gap => {
                self.links.metrics.relay_gaps.inc();
                tracing::warn!("frames came faster than they could be relayed; asking the log");
                self.suspect_all();
            }
        }
    }

    fn suspect_all(&mut self) {
        for log in &mut self.logs {
            log.suspect_gap(&mut self.actions);
        }
    }

    /// Takes an answer of the store.
    pub fn answer(&mut self, Answer(question): Answer) {
        match question {
            Question::Log(partition, answer) => {
                self.log_outage.tell(&answer);
                if let Some(log) = self.logs.get_mut(partition.index()) {
                    log.answer(answer.ok(), &mut self.actions);
                }
            }
            Question::Heads(request, heads) => {
                self.probing = false;
                self.outage.tell(&heads);
                let heads = heads
                    .into_iter()
                    .flatten()
                    .zip(request.lasts)
                    .zip(&mut self.logs);
                let actions = &mut self.actions;
                let proofs = heads.map(|((head, last), log)| log.head(head, last, actions));
                if proofs.filter(|proved| *proved).count() == self.logs.len() {
                    self.proved = Instant::now();
                    self.history.prove(request.at);
                    if self.told_stale.take().is_some() {
                        self.outputs.push(Output::Proved);
                    }
                }
            }
        }
    }

    /// Compares with the heads, and notes how long continuity has been unproved.
    pub fn tick(&mut self) {
        let unproved = self.proved.elapsed();
        self.links
            .metrics
            .relay_unproved_seconds
            .set(unproved.as_secs_f64());
        let is_due = self
            .told_stale
            .is_none_or(|told| told.elapsed() >= self.options.stale_interval);
        if unproved >= self.options.stale_after && is_due {
            self.told_stale = Some(Instant::now());
            self.outputs.push(Output::Unproved(self.proved));
        }
        self.probe();
    }

    /// Does what the logs' state machines decided, in their order; returns what is for others to do.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        let mut events = Vec::new();
        let mut broken = None;
        for action in std::mem::take(&mut self.actions) {
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
        let max = if holds { usize::MAX } else { BURST_MAX };
        let tells_breaks = holds && !events.is_empty();
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            let events: Vec<_> = events.by_ref().take(max).collect();
            self.count(&events);
            self.outputs.push(Output::Events(events));
        }
        if tells_breaks {
            self.outputs.push(Output::Probe);
        }
        std::mem::take(&mut self.outputs)
    }

    /// Asks all logs but one, whose history broke, whether theirs did.
    fn ask_others(&mut self, partition: Partition) {
        let mut questions = Vec::new();
        for (number, log) in self.logs.iter_mut().enumerate() {
            if number != partition.index() {
                log.suspect_gap(&mut questions);
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
        let (store, answers, page) = (
            Arc::clone(&self.links.store),
            self.answers.clone(),
            self.options.page,
        );
        self.workers.spawn(async move {
            let answer = store.since(partition, from, page).await;
            // The relay is gone only when the gateway is.
            let _ = answers.send(Answer(Question::Log(partition, answer))).await;
        });
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

    fn reset(&self, partition: Partition, reason: Discontinuity, head: Position) {
        self.links.metrics.relay_resets.at(reason.label()).inc();
        let reason = reason.name();
        tracing::error!(%partition, reason, %head, "the store lost history; going on from its head");
    }

    /// Reads the heads, unless that is under way.
    pub fn probe(&mut self) {
        if std::mem::replace(&mut self.probing, true) {
            return;
        }
        let (store, answers) = (Arc::clone(&self.links.store), self.answers.clone());
        let request = HeadsRequest {
            at: Instant::now(),
            lasts: self.logs.iter().map(Continuity::last).collect(),
        };
        self.workers.spawn(async move {
            let heads = store.probe().await;
            let _ = answers.send(Answer(Question::Heads(request, heads))).await;
        });
    }
}
