//! Drives the logs' state machines: frames, heads and answers go in, questions go to the store, and
//! outputs come out. It waits for nothing itself.

use std::sync::Arc;

use futures_util::StreamExt as _;
use people_core::sabotage::{Sabotage, planted};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::breaks::Breaks;
use super::continuity::{Action, Continuity};
use super::metrics::Metrics;
use super::options::Options;
use super::outage::Outage;
use super::proofs::Proofs;
use crate::domain::{Partition, Position};
use crate::history::{Event, History};
use crate::store::{
    Discontinuity, Feed, FeedEvent, Heads, LogAnswer, Store, StoreError, decode_frame,
};
use crate::telemetry::{Observations, Readiness, WallClock};

/// Changes that are handed over at once, for one write to each session: enough to save most of the
/// writes, and well below what may wait for one session.
pub const BURST_MAX: usize = 128;
/// Answers that may wait for the relay; there are at most one of each partition and one of each
/// server's heads under way, so a worker hardly ever waits here.
const ANSWERS_MAX: usize = 64;

/// The relay's links to the rest of the gateway.
pub struct Links {
    /// The store whose channel the relay follows.
    pub store: Arc<dyn Store>,
    /// Gets every probe that came through the channel.
    pub readiness: Readiness,
    /// The counters.
    pub metrics: Metrics,
}

/// The sources of the relay's inputs; its owner waits for them.
pub struct RelayInputs {
    /// For [`Relay::receive`].
    pub feed: Feed,
    /// For [`Relay::answer`].
    pub answers: mpsc::Receiver<StoreAnswer>,
    /// For [`Relay::tick`].
    pub ticks: Interval,
}

/// An answer of the store.
pub struct StoreAnswer(AnswerKind);

enum AnswerKind {
    Log(Partition, Result<LogAnswer, StoreError>),
    Heads(Arc<HeadsRequest>, Heads),
}

/// When the heads were asked for, and the last position of each log that had been passed on by
/// then.
struct HeadsRequest {
    at: Instant,
    lasts: Vec<Position>,
}

/// What the relay yields, in this order.
#[derive(Debug)]
pub enum RelayOutput {
    /// Events that come next, in the order of this gateway.
    Events(Vec<Event>),
    /// Continuity is unproved since then: to be announced to clients.
    Unproved(Instant),
    /// Continuity is proved again: to be announced to the same clients.
    Proved,
    /// [`Relay::probe`] when all before is done: sessions that begin anew wait for a proof.
    Probe,
}

/// The state machines of all logs, and what is known of the store.
pub struct Relay {
    pub(super) options: Options,
    pub(super) links: Links,
    history: Arc<History>,
    pub(super) workers: Handle,
    /// One of each partition, once the relay has found its position.
    pub(super) logs: Vec<Continuity>,
    breaks: Breaks,
    actions: Vec<Action>,
    outputs: Vec<RelayOutput>,
    answers: mpsc::Sender<StoreAnswer>,
    /// Which heads are asked for, and which are known to be what was passed on.
    proofs: Proofs,
    /// The partitions whose last probe failed, and whose last question to the log.
    outage: Outage,
    pub(super) log_outage: Outage,
    /// The last announcement that continuity is unproved, unless it was proved since.
    told_stale: Option<Instant>,
}

impl Relay {
    /// A relay that has not begun. `workers` run its questions to the store.
    pub fn new(
        options: Options,
        links: Links,
        history: Arc<History>,
        workers: Handle,
    ) -> (Self, RelayInputs) {
        let (answers, receiver) = mpsc::channel(ANSWERS_MAX);
        let mut ticks = tokio::time::interval(options.head_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let inputs = RelayInputs {
            feed: links.store.feed(options.feed),
            answers: receiver,
            ticks,
        };
        let partitions = links.store.partitions();
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
            proofs: Proofs::new(partitions),
            outage: Outage::of("store"),
            log_outage: Outage::of("log"),
            told_stale: None,
        };
        (relay, inputs)
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
                        tracing::warn!(
                            %partition,
                            %error,
                            "a frame could not be read; asking the log"
                        );
                        log.suspect_gap(&mut self.actions);
                    }
                }
            }
            FeedEvent::Probe(partitions) => self.links.readiness.probe_arrived(&partitions),
            FeedEvent::Disconnected(partitions) => {
                self.links.metrics.relay_disconnects.inc();
                let partitions = partitions.len();
                tracing::warn!(partitions, "a subscription was lost");
            }
            FeedEvent::Connected(partitions) => self.suspect(&partitions),
            FeedEvent::Gap => {
                self.links.metrics.relay_gaps.inc();
                tracing::warn!("frames came faster than they could be relayed; asking the log");
                let all: Vec<_> = self.links.store.partitions().iter().collect();
                self.suspect(&all);
            }
        }
    }

    fn suspect(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            if let Some(log) = self.logs.get_mut(partition.index()) {
                log.suspect_gap(&mut self.actions);
            }
        }
    }

    /// Takes an answer of the store.
    pub fn answer(&mut self, StoreAnswer(answer): StoreAnswer) {
        match answer {
            AnswerKind::Log(partition, answer) => {
                self.log_outage.tell(&[partition], &answer);
                if let Some(log) = self.logs.get_mut(partition.index()) {
                    log.answer(answer.ok(), &mut self.actions);
                }
            }
            AnswerKind::Heads(request, Heads { partitions, heads }) => {
                self.outage.tell(&partitions, &heads);
                let heads = heads.unwrap_or_default();
                self.proofs.answered(&partitions);
                for (partition, head) in partitions.into_iter().zip(heads) {
                    let index = partition.index();
                    if self.logs[index].head(head, request.lasts[index], &mut self.actions) {
                        self.proofs.proved(partition, request.at);
                    }
                }
                if let Some(asked) = self.proofs.asked() {
                    self.history.prove(asked);
                }
                if self.proofs.oldest().elapsed() < self.options.stale_after
                    && self.told_stale.take().is_some()
                {
                    self.outputs.push(RelayOutput::Proved);
                }
            }
        }
    }

    /// Compares with the heads, and notes how long continuity has been unproved.
    pub fn tick(&mut self) {
        let (since, limit) = (self.proofs.oldest(), self.options.stale_after);
        let (unproved, metrics) = (since.elapsed(), &self.links.metrics);
        metrics.relay_unproved_seconds.set(unproved.as_secs_f64());
        metrics
            .store_partitions_unproved
            .set(self.proofs.older_than(limit));
        let is_due = self
            .told_stale
            .is_none_or(|told| told.elapsed() >= self.options.stale_interval);
        if unproved >= limit && is_due {
            self.told_stale = Some(Instant::now());
            self.outputs.push(RelayOutput::Unproved(since));
        }
        self.probe();
    }

    /// Does what the logs' state machines decided, in their order; returns what is for others to
    /// do.
    pub fn take_outputs(&mut self) -> Vec<RelayOutput> {
        let mut events = Vec::new();
        let mut broken = None;
        // Taken out and put back, for its memory: nothing below adds to it.
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            match action {
                Action::Deliver(change) => events.push(Event::Change(change)),
                Action::Reset(_, Discontinuity::Epoch, _) if planted(Sabotage::EpochUntold) => {}
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
        self.actions = actions;
        if let Some(partition) = broken {
            self.ask_others(partition);
        }
        let are_asked = self.logs.len() > 1 && self.logs.iter().any(Continuity::is_asked);
        let holds = self.breaks.until().is_some();
        let events = self.breaks.pass(events, are_asked, Instant::now());
        // All breaks are announced together, also with changes between them.
        let max = if holds { usize::MAX } else { BURST_MAX };
        let tells_breaks = holds && !events.is_empty();
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            let events: Vec<_> = events.by_ref().take(max).collect();
            self.count(&events);
            self.outputs.push(RelayOutput::Events(events));
        }
        if tells_breaks {
            self.outputs.push(RelayOutput::Probe);
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
            let _ = answers
                .send(StoreAnswer(AnswerKind::Log(partition, answer)))
                .await;
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
        self.links.metrics.relay_resets.at(reason).inc();
        let reason = reason.name();
        tracing::error!(
            %partition,
            reason,
            %head,
            "the store lost history; going on from its head"
        );
    }

    /// Reads the heads, except those whose reading is under way.
    pub fn probe(&mut self) {
        let partitions = self.proofs.ask();
        if partitions.is_empty() {
            return;
        }
        let (store, answers) = (Arc::clone(&self.links.store), self.answers.clone());
        let request = Arc::new(HeadsRequest {
            at: Instant::now(),
            lasts: self.logs.iter().map(Continuity::last).collect(),
        });
        self.workers.spawn(async move {
            let mut heads = store.probe(&partitions);
            while let Some(heads) = heads.next().await {
                let answer = AnswerKind::Heads(Arc::clone(&request), heads);
                let _ = answers.send(StoreAnswer(answer)).await;
            }
        });
    }
}
