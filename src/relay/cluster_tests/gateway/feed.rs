//! The feed: one subscription to each owner with all its partitions, made again until the owners
//! change. What a connection carries comes in order, and is lost with it.

use std::time::Duration;

use super::keeper::Hint;
use super::{Flaw, Gateway, Signal};
use crate::domain::Change;
use crate::relay::cluster_tests::cluster::{Process, Refusal, World};
use crate::relay::cluster_tests::timeline::Timeline;

const PING_INTERVAL: Duration = Duration::from_secs(1);
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest pause before another attempt, milliseconds.
const BACKOFF_MAX: u64 = 2_000;
/// The longest delay of a push while pushes are late, milliseconds.
const LATE_MAX: u64 = 1_500;

/// What a push brings.
#[derive(Clone, Debug)]
pub(in super::super) enum Delivery {
    Change(Change),
    Probe,
}

/// The subscription to one server.
pub(super) struct Subscription {
    number: u64,
    attempt: u32,
    failures: u32,
    server: usize,
    partitions: Vec<usize>,
    /// How often the server had been started when it took the subscription.
    open: Option<u32>,
    is_live: bool,
    /// When the last push comes.
    last_push: Duration,
    /// Since when a published probe is missing.
    missing_since: Option<Duration>,
}

impl Gateway {
    /// Ends the subscriptions that are no longer right, then begins those that are missing.
    pub(super) fn follow(&mut self, timeline: &mut Timeline) {
        let mut wanted: Vec<(usize, Vec<usize>)> = Vec::new();
        for partition in 0..self.relay.partitions() {
            let Some(owner) = self.keeper.owner(partition) else {
                continue;
            };
            match wanted.iter_mut().find(|(server, _)| *server == owner) {
                Some((_, partitions)) => partitions.push(partition),
                None => wanted.push((owner, vec![partition])),
            }
        }
        let is_right = |one: &Subscription| {
            wanted
                .iter()
                .any(|(server, own)| one.server == *server && one.partitions == *own)
        };
        let (kept, ended): (Vec<_>, Vec<_>) = std::mem::take(&mut self.subscriptions)
            .into_iter()
            .partition(is_right);
        self.subscriptions = kept;
        match self.flaw {
            Flaw::KeepsSubscriptions => {
                let is_covered = |one: &usize| ended.iter().any(|old| old.partitions.contains(one));
                wanted.retain(|(_, own)| !own.iter().any(is_covered));
                self.subscriptions.extend(ended);
            }
            Flaw::SubscribesTwice => {}
            _ => {
                for one in ended.iter().filter(|one| one.is_live) {
                    self.disconnected(&one.partitions);
                }
            }
        }
        for (server, partitions) in wanted {
            if self.subscriptions.iter().any(|one| one.server == server) {
                continue;
            }
            let number = self.number();
            self.subscriptions.push(Subscription {
                number,
                attempt: 1,
                failures: 0,
                server,
                partitions,
                open: None,
                is_live: false,
                last_push: Duration::ZERO,
                missing_since: None,
            });
            timeline.between(1, 3, Signal::Subscribe(number, 1));
        }
    }

    fn subscription(&mut self, number: u64, attempt: u32) -> Option<&mut Subscription> {
        let mut all = self.subscriptions.iter_mut();
        all.find(|one| one.number == number && one.attempt == attempt)
    }

    /// The commands reach the server.
    pub(super) fn subscribe(
        &mut self,
        number: u64,
        attempt: u32,
        world: &World,
        timeline: &mut Timeline,
    ) {
        let Some(one) = self.subscription(number, attempt) else {
            return;
        };
        let (server, node) = (one.server, &world.nodes[one.server]);
        let refused = one.partitions.iter().find_map(|partition| {
            let refusal = world.subscribe(server, *partition, timeline.now()).err()?;
            Some((*partition, refusal))
        });
        let (pause, hint) = match (node.process, refused) {
            (Process::Dead, _) => (1, Hint::Silent(server)),
            (Process::Frozen, _) => (3_000, Hint::Silent(server)),
            (Process::Running, Some((partition, Refusal::Moved(to)))) => {
                (2, Hint::Moved(partition, server, to))
            }
            (Process::Running, Some(_)) => (2, Hint::Silent(server)),
            (Process::Running, None) => {
                one.open = Some(node.lives);
                timeline.between(1, 3, Signal::Subscribed(number, attempt));
                return;
            }
        };
        timeline.after(
            Duration::from_millis(pause),
            Signal::NotSubscribed(number, attempt, hint),
        );
    }

    /// The server has confirmed it.
    pub(super) fn subscribed(
        &mut self,
        number: u64,
        attempt: u32,
        world: &World,
        timeline: &mut Timeline,
    ) {
        let Some(one) = self.subscription(number, attempt) else {
            return;
        };
        if one.open != Some(world.nodes[one.server].lives) {
            return;
        }
        one.is_live = true;
        one.failures = 0;
        let partitions = one.partitions.clone();
        timeline.after(PING_INTERVAL, Signal::Ping(number, attempt));
        self.connected(&partitions, world, timeline);
    }

    /// There is no subscription, or no longer: tells the keeper, and tries again after a pause.
    pub(super) fn not_subscribed(
        &mut self,
        number: u64,
        attempt: u32,
        hint: Hint,
        timeline: &mut Timeline,
    ) {
        let Some(one) = self.subscription(number, attempt) else {
            return;
        };
        let was_live = std::mem::take(&mut one.is_live);
        one.open = None;
        one.attempt += 1;
        one.missing_since = None;
        let longest = (50 << one.failures.min(6)).min(BACKOFF_MAX);
        one.failures += 1;
        let (attempt, partitions) = (one.attempt, one.partitions.clone());
        if was_live {
            self.disconnected(&partitions);
        }
        timeline.between(longest / 2, longest, Signal::Subscribe(number, attempt));
        self.hint(hint, timeline);
    }

    pub(super) fn ping(
        &mut self,
        number: u64,
        attempt: u32,
        world: &World,
        timeline: &mut Timeline,
    ) {
        let now = timeline.now();
        let Some(one) = self.subscription(number, attempt) else {
            return;
        };
        let (server, node) = (one.server, &world.nodes[one.server]);
        let is_lost = one
            .missing_since
            .is_some_and(|since| now > since + PING_TIMEOUT);
        if is_lost || node.process == Process::Dead || one.open != Some(node.lives) {
            return self.not_subscribed(number, attempt, Hint::Silent(server), timeline);
        }
        let next = match node.process {
            Process::Frozen => (PING_TIMEOUT, Signal::Unanswered(number, attempt)),
            _ => (PING_INTERVAL, Signal::Ping(number, attempt)),
        };
        timeline.after(next.0, next.1);
    }

    /// The time of a ping is over.
    pub(super) fn unanswered(
        &mut self,
        number: u64,
        attempt: u32,
        world: &World,
        timeline: &mut Timeline,
    ) {
        let Some(one) = self.subscription(number, attempt) else {
            return;
        };
        let server = one.server;
        if world.nodes[server].process == Process::Running {
            timeline.after(PING_INTERVAL, Signal::Ping(number, attempt));
        } else {
            self.not_subscribed(number, attempt, Hint::Silent(server), timeline);
        }
    }

    /// A server has published a change.
    pub(in super::super) fn publish(
        &mut self,
        server: usize,
        change: &Change,
        world: &World,
        timeline: &mut Timeline,
    ) {
        let partition = change.at.partition.index();
        for (listener, lag) in world.listeners(server) {
            self.push(
                listener,
                lag,
                Some(partition),
                || Delivery::Change(change.clone()),
                world,
                timeline,
            );
        }
    }

    /// A probe was published, with the heads of a server.
    pub(super) fn publish_probe(&mut self, server: usize, world: &World, timeline: &mut Timeline) {
        let now = timeline.now();
        for one in self
            .subscriptions
            .iter_mut()
            .filter(|one| one.server == server)
        {
            one.missing_since.get_or_insert(now);
        }
        self.push(
            server,
            Duration::ZERO,
            None,
            || Delivery::Probe,
            world,
            timeline,
        );
    }

    fn push(
        &mut self,
        server: usize,
        lag: Duration,
        partition: Option<usize>,
        delivery: impl Fn() -> Delivery,
        world: &World,
        timeline: &mut Timeline,
    ) {
        let is_disturbed = timeline.now() + Duration::from_millis(LATE_MAX) < world.disturbed_until;
        for one in &mut self.subscriptions {
            let listens = partition.is_none_or(|partition| one.partitions.contains(&partition));
            if one.server != server || !listens || one.open != Some(world.nodes[server].lives) {
                continue;
            }
            if is_disturbed && timeline.random.chance(20) {
                continue;
            }
            let late = if is_disturbed { LATE_MAX } else { 2 };
            let at = timeline.now() + lag + timeline.random.between(0, late);
            one.last_push = at.max(one.last_push);
            let push = Signal::Push(one.number, one.attempt, Box::new(delivery()));
            timeline.at(one.last_push, push);
        }
    }

    pub(super) fn pushed(
        &mut self,
        number: u64,
        attempt: u32,
        delivery: Delivery,
        timeline: &mut Timeline,
    ) {
        let Some(one) = self.subscription(number, attempt) else {
            return;
        };
        match delivery {
            Delivery::Change(change) => self.frame(change, timeline),
            Delivery::Probe => one.missing_since = None,
        }
    }

    /// A server says that it has no longer the channel of a partition.
    pub(in super::super) fn unsubscribed(
        &mut self,
        server: usize,
        partition: usize,
        timeline: &mut Timeline,
    ) {
        let of = |one: &&Subscription| one.server == server && one.partitions.contains(&partition);
        self.end(of, timeline);
    }

    /// A server has closed its connections.
    pub(in super::super) fn closed(&mut self, server: usize, timeline: &mut Timeline) {
        self.end(|one| one.server == server, timeline);
    }

    fn end(&mut self, is_it: impl Fn(&&Subscription) -> bool, timeline: &mut Timeline) {
        for one in self.subscriptions.iter_mut().filter(|one| is_it(&&**one)) {
            if one.open.take().is_some() {
                let hint = Hint::Silent(one.server);
                timeline.between(1, 2, Signal::NotSubscribed(one.number, one.attempt, hint));
            }
        }
    }

    /// Whether a live subscription at this server has the channel of a partition.
    pub(in super::super) fn is_subscribed(&self, server: usize, partition: usize) -> bool {
        let mut all = self.subscriptions.iter();
        all.any(|one| one.is_live && one.server == server && one.partitions.contains(&partition))
    }
}
