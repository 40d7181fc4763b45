//! The relay's driver around the state machines of all logs, and what it passed on.

use std::num::NonZeroU16;
use std::time::Duration;

use super::{Flaw, Gateway};
use crate::domain::{Change, Partition, Partitions, Position};
use crate::history::Event;
use crate::relay::breaks::Breaks;
use crate::relay::cluster_tests::cluster::World;
use crate::relay::cluster_tests::timeline::Timeline;
use crate::relay::continuity::{Action, Continuity};
use crate::relay::proofs::Proofs;
use crate::store::LogAnswer;

/// The state machines.
pub(in super::super) struct RelayModel {
    logs: Vec<Continuity>,
    proofs: Proofs,
    breaks: Breaks,
    requests: Vec<HeadsRequest>,
    actions: Vec<Action>,
    /// What was passed on of each partition.
    pub(in super::super) following: Vec<Following>,
    /// Heads at the time of a subscription, which are to be passed on soon.
    owed: Vec<(usize, Position, Duration)>,
}

struct HeadsRequest {
    at: Duration,
    lasts: Vec<Position>,
}

/// What was passed on of a partition since its last reset.
pub(in super::super) struct Following {
    pub(in super::super) begin: Position,
    pub(in super::super) changes: Vec<Change>,
    pub(in super::super) resets: usize,
    /// When the last head was asked for that proved that nothing is missing.
    pub(in super::super) proved: Duration,
    /// Since when it has a live subscription.
    pub(in super::super) connected: Option<Duration>,
    /// When it was last seen to have a live subscription at its owner.
    pub(in super::super) subscribed: Duration,
    /// Answers of heads since then that proved nothing, by the time of their question.
    pub(in super::super) unproved: Vec<Duration>,
}

impl RelayModel {
    pub(super) fn new(world: &World) -> Self {
        let starts: Vec<Position> = (0..world.breaks.len())
            .map(|partition| world.log(partition).expect("a log").head())
            .collect();
        let count = u16::try_from(starts.len()).ok().and_then(NonZeroU16::new);
        let logs = (0..).map(Partition::new).zip(&starts);
        let following = |begin| Following {
            begin,
            changes: Vec::new(),
            resets: 0,
            proved: Duration::ZERO,
            connected: None,
            subscribed: Duration::ZERO,
            unproved: Vec::new(),
        };
        Self {
            logs: logs
                .map(|(partition, start)| Continuity::new(partition, *start, []))
                .collect(),
            proofs: Proofs::new(Partitions::new(count.expect("a few"))),
            breaks: Breaks::default(),
            requests: Vec::new(),
            actions: Vec::new(),
            owed: Vec::new(),
            following: starts.into_iter().map(following).collect(),
        }
    }

    pub(in super::super) fn partitions(&self) -> usize {
        self.logs.len()
    }

    /// The end of what was passed on.
    pub(in super::super) fn last(&self, partition: usize) -> Position {
        let following = &self.following[partition];
        let last = following.changes.last();
        last.map_or(following.begin, |last| last.at.position)
    }

    fn pass(&mut self, event: Event) {
        match event {
            Event::Change(change) => {
                let partition = change.at.partition.index();
                let last = self.last(partition);
                let follows = change.predecessor();
                assert_eq!(follows, Some(last), "no change is missing or repeated");
                self.following[partition].changes.push(change);
            }
            Event::Reset(partition, _, head) => {
                let following = &mut self.following[partition.index()];
                following.begin = head;
                following.changes.clear();
                following.resets += 1;
            }
        }
    }

    /// Heads that were there when a subscription was told, and are not passed on a while later.
    pub(in super::super) fn overdue(
        &mut self,
        before: Duration,
    ) -> Vec<(usize, Position, Duration)> {
        let (due, owed) = std::mem::take(&mut self.owed)
            .into_iter()
            .partition(|one| one.2 < before);
        self.owed = owed;
        due
    }
}

impl Gateway {
    /// Reads the heads, except those whose reading is under way.
    pub(super) fn probe(&mut self, timeline: &mut Timeline) {
        let asked: Vec<usize> = self
            .relay
            .proofs
            .ask()
            .into_iter()
            .map(Partition::index)
            .collect();
        if asked.is_empty() {
            return;
        }
        let lasts = self.relay.logs.iter().map(Continuity::last).collect();
        self.relay.requests.push(HeadsRequest {
            at: timeline.now(),
            lasts,
        });
        self.ask_heads(self.relay.requests.len() - 1, &asked, timeline);
    }

    /// The heads of some partitions came, or an error.
    pub(super) fn heads_came(
        &mut self,
        request: usize,
        partitions: &[usize],
        heads: Option<Vec<Position>>,
        timeline: &mut Timeline,
    ) {
        for partition in partitions {
            let number = u16::try_from(*partition).expect("few partitions");
            self.relay.proofs.answered(&[Partition::new(number)]);
        }
        let request = &self.relay.requests[request];
        for (partition, head) in partitions.iter().zip(heads.unwrap_or_default()) {
            let (log, asked) = (&mut self.relay.logs[*partition], request.lasts[*partition]);
            let following = &mut self.relay.following[*partition];
            if log.head(head, asked, &mut self.relay.actions) {
                following.proved = request.at;
                following.unproved.clear();
            } else {
                following.unproved.push(request.at);
            }
        }
        self.act_of_relay(timeline);
    }

    /// The log answered, or could not be asked.
    pub(super) fn log_answered(
        &mut self,
        partition: usize,
        answer: Option<LogAnswer>,
        timeline: &mut Timeline,
    ) {
        self.relay.logs[partition].answer(answer, &mut self.relay.actions);
        self.act_of_relay(timeline);
    }

    /// A frame came.
    pub(super) fn frame(&mut self, change: Change, timeline: &mut Timeline) {
        let partition = change.at.partition.index();
        self.relay.logs[partition].frame(change, &mut self.relay.actions);
        self.act_of_relay(timeline);
    }

    /// A subscription is told: its partitions have missed what was published before.
    pub(super) fn connected(
        &mut self,
        partitions: &[usize],
        world: &World,
        timeline: &mut Timeline,
    ) {
        for partition in partitions {
            let connected = &mut self.relay.following[*partition].connected;
            assert_eq!(
                *connected, None,
                "one live subscription of partition {partition}"
            );
            *connected = Some(timeline.now());
            if let Some(log) = world.log(*partition) {
                self.relay
                    .owed
                    .push((*partition, log.head(), timeline.now()));
            }
            if self.flaw != Flaw::TrustsSubscriptions {
                self.relay.logs[*partition].suspect_gap(&mut self.relay.actions);
            }
        }
        self.act_of_relay(timeline);
        for partition in partitions {
            let is_asked = self.relay.logs[*partition].is_asked();
            assert!(
                is_asked,
                "the log of partition {partition}, after a subscription"
            );
        }
    }

    pub(super) fn disconnected(&mut self, partitions: &[usize]) {
        for partition in partitions {
            self.relay.following[*partition].connected = None;
        }
    }

    /// Does what the logs' state machines decided, in their order.
    fn act_of_relay(&mut self, timeline: &mut Timeline) {
        let (mut events, mut broken) = (Vec::new(), None);
        for action in std::mem::take(&mut self.relay.actions) {
            match action {
                Action::Deliver(change) => events.push(Event::Change(change)),
                Action::Reset(partition, reason, head) => {
                    events.push(Event::Reset(partition, reason, head));
                    if self.relay.breaks.found(timeline.instant()) {
                        broken = Some(partition);
                    }
                }
                Action::Ask(partition, from) => self.ask_log(partition.index(), from, timeline),
                Action::Probe => self.probe(timeline),
                Action::Repeated => {}
            }
        }
        if let Some(partition) = broken {
            let mut questions = Vec::new();
            for (number, log) in self.relay.logs.iter_mut().enumerate() {
                if number != partition.index() {
                    log.suspect_gap(&mut questions);
                }
            }
            for question in questions {
                if let Action::Ask(partition, from) = question {
                    self.ask_log(partition.index(), from, timeline);
                }
            }
        }
        self.pass_on(events, timeline);
    }

    /// Passes events on, and those that were held for long enough.
    pub(in super::super) fn pass_on(&mut self, events: Vec<Event>, timeline: &Timeline) {
        if events.is_empty() && self.relay.breaks.until().is_none() {
            return;
        }
        let are_asked =
            self.relay.logs.len() > 1 && self.relay.logs.iter().any(Continuity::is_asked);
        for event in self
            .relay
            .breaks
            .pass(events, are_asked, timeline.instant())
        {
            self.relay.pass(event);
        }
    }
}
