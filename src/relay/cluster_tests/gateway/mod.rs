//! One gateway before the simulated servers: what the keeper of the topology, the router, the
//! probe, the feed and the relay's driver do, step by step at virtual times, around the same state
//! machines.

mod feed;
mod keeper;
mod relay;
mod router;

use std::collections::BTreeMap;
use std::time::Duration;

use super::cluster::World;
use super::timeline::Timeline;
pub(super) use feed::Delivery;
use feed::Subscription;
use keeper::{Hint, Keeper};
use router::Call;

/// What the gateway waits for. Numbers are those of calls, subscriptions and their attempts.
#[derive(Clone, Debug)]
pub(super) enum Signal {
    /// The relay compares with the heads.
    Tick,
    /// A command reaches its server.
    Execute(u64, u32),
    /// Its answer, or the end of its connection, comes back.
    Reply(u64, u32),
    /// It has waited for too long.
    Timeout(u64, u32),
    /// A call is tried again.
    Retry(u64),
    /// A map is asked for, by numbers of addresses.
    AskMap(Vec<usize>),
    /// It comes; `None` where nothing came in time.
    Map(Vec<usize>, Option<Box<keeper::Answer>>),
    /// The feed sees that the owners have changed.
    Follow,
    Subscribe(u64, u32),
    Subscribed(u64, u32),
    NotSubscribed(u64, u32, Hint),
    Ping(u64, u32),
    Unanswered(u64, u32),
    Push(u64, u32, Box<Delivery>),
    /// A change is written through this gateway.
    Write(usize),
}

/// The flaws of a driver that the checks have to notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// The subscription stays with the old owner.
    KeepsSubscriptions,
    /// The old subscription is still open when the new one begins.
    SubscribesTwice,
    /// The log is not asked after a subscription.
    TrustsSubscriptions,
    /// What a server says of one partition is taken for another that was asked for with it.
    BlamesTheFirst,
    /// What a server refuses for one partition fails for all that were asked for with it.
    FailsTogether,
    /// Writes with an unknown outcome are repeated.
    RepeatsUnknownWrites,
}

/// The gateway.
pub(super) struct Gateway {
    pub(super) flaw: Flaw,
    pub(super) keeper: Keeper,
    calls: BTreeMap<u64, Call>,
    subscriptions: Vec<Subscription>,
    pub(super) relay: relay::RelayModel,
    /// Writes that were acknowledged: partition and id.
    pub(super) acknowledged: Vec<(usize, u64)>,
    numbers: u64,
}

impl Gateway {
    /// A gateway that knows the map, follows all logs, and has yet to subscribe.
    pub(super) fn new(flaw: Flaw, world: &World, timeline: &mut Timeline) -> Self {
        let mut gateway = Self {
            flaw,
            keeper: Keeper::new(world, timeline),
            calls: BTreeMap::new(),
            subscriptions: Vec::new(),
            relay: relay::RelayModel::new(world),
            acknowledged: Vec::new(),
            numbers: 0,
        };
        gateway.follow(timeline);
        timeline.after(Duration::ZERO, Signal::Tick);
        for partition in 0..gateway.relay.partitions() {
            timeline.between(0, 1_000, Signal::Write(partition));
        }
        gateway
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Takes a signal.
    pub(super) fn take(&mut self, signal: Signal, world: &mut World, timeline: &mut Timeline) {
        match signal {
            Signal::Tick => {
                self.probe(timeline);
                timeline.after(Duration::from_secs(1), Signal::Tick);
            }
            Signal::Execute(call, attempt) => self.execute(call, attempt, world, timeline),
            Signal::Reply(call, attempt) => self.reply(call, attempt, world, timeline),
            Signal::Timeout(call, attempt) => self.timed_out(call, attempt, timeline),
            Signal::Retry(call) => self.retry(call, timeline),
            Signal::AskMap(asked) => keeper::ask(asked, world, timeline),
            Signal::Map(asked, answer) => {
                self.keeper
                    .answered(&asked, answer.map(|answer| *answer), timeline);
                self.act(timeline);
            }
            Signal::Follow => self.follow(timeline),
            Signal::Subscribe(number, attempt) => self.subscribe(number, attempt, world, timeline),
            Signal::Subscribed(number, attempt) => {
                self.subscribed(number, attempt, world, timeline);
            }
            Signal::NotSubscribed(number, attempt, hint) => {
                self.not_subscribed(number, attempt, hint, timeline);
            }
            Signal::Ping(number, attempt) => self.ping(number, attempt, world, timeline),
            Signal::Unanswered(number, attempt) => {
                self.unanswered(number, attempt, world, timeline);
            }
            Signal::Push(number, attempt, delivery) => {
                self.pushed(number, attempt, *delivery, timeline);
            }
            Signal::Write(partition) => self.begin_write(partition, world, timeline),
        }
    }

    /// Calls the topology when that is due.
    pub(super) fn tick_topology(&mut self, timeline: &mut Timeline) {
        self.keeper.tick(timeline);
        self.act(timeline);
    }

    /// Tells the keeper what was met.
    fn hint(&mut self, hint: Hint, timeline: &mut Timeline) {
        self.keeper.take(hint, timeline);
        self.act(timeline);
    }

    fn act(&mut self, timeline: &mut Timeline) {
        self.keeper.act(timeline);
    }
}
