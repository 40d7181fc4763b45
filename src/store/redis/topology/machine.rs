//! Which server owns which partition, as a pure state machine: no clock, no socket.
//!
//! A map is believed by its epoch: an older one than the newest is dropped. A server that sends a
//! command away with MOVED knows better than maps, for a while: nodes learn an epoch before they
//! learn what changed with it. A server that says that it is a replica owns nothing until a newer
//! map names it. Whoever does not answer, or refuses, is doubted, and maps are asked for in short
//! intervals until it answers or a map names another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::map::{Map, MapEpoch};
use crate::store::redis::connection::Address;

/// Pause between two questions while an owner is missing or doubted, at first and later.
const DOUBT_INTERVAL: Duration = Duration::from_millis(100);
const LONG_DOUBT_INTERVAL: Duration = Duration::from_secs(1);
/// After that time a doubt is a long one.
const LONG_DOUBT: Duration = Duration::from_secs(15);
/// How long a redirection is believed against maps.
const REDIRECTION_HOLDS: Duration = Duration::from_secs(10);

/// How those who know a map are asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum MapSources {
    /// One at a time: each knows the whole map.
    OneByOne,
    /// All at once: the newest answer counts.
    AllTogether,
}

/// What the keeper has to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Step {
    /// Ask these for a map, and bring the answer.
    Ask(Vec<Address>),
    /// The owners have changed.
    Assign,
}

/// What became of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Belief {
    /// It is as new as the newest, or newer.
    Believed,
    /// A newer one is known.
    Outdated,
}

/// The state of the topology.
#[derive(Debug)]
pub(in crate::store::redis) struct Topology {
    sources: MapSources,
    interval: Duration,
    homes: Vec<HomeState>,
    /// The epoch of the newest map.
    epoch: Option<MapEpoch>,
    /// The servers that the url names, which are always asked, too.
    named: Vec<Address>,
    nodes: Vec<Address>,
    /// The node to ask next.
    next: usize,
    /// Those whose answers are on their way.
    asked: BTreeSet<Address>,
    last_asked: Option<Instant>,
    is_outdated: bool,
    doubted: BTreeSet<Address>,
    doubted_since: Option<Instant>,
    /// Servers that said that they are replicas, and the newest epoch then.
    replicas: BTreeMap<Address, Option<MapEpoch>>,
}

/// The keys that lie in one slot: those of a partition, or the directory's.
#[derive(Clone, Debug)]
struct HomeState {
    slot: u16,
    owner: Option<Address>,
    /// Until when a redirection is believed against maps.
    redirected_until: Option<Instant>,
}

impl Topology {
    /// Knows no owner yet. `slots` are those of all homes, in order.
    pub(in crate::store::redis) fn new(
        sources: MapSources,
        interval: Duration,
        named: Vec<Address>,
        slots: impl IntoIterator<Item = u16>,
    ) -> Self {
        let home = |slot| HomeState {
            slot,
            owner: None,
            redirected_until: None,
        };
        Self {
            sources,
            interval,
            homes: slots.into_iter().map(home).collect(),
            epoch: None,
            nodes: named.clone(),
            named,
            next: 0,
            asked: BTreeSet::new(),
            last_asked: None,
            is_outdated: false,
            doubted: BTreeSet::new(),
            doubted_since: None,
            replicas: BTreeMap::new(),
        }
    }

    /// The owners of all homes, in order.
    pub(in crate::store::redis) fn owners(&self) -> impl Iterator<Item = Option<&Address>> {
        self.homes.iter().map(|home| home.owner.as_ref())
    }

    /// When [`Topology::tick`] has to be called.
    pub(in crate::store::redis) fn due(&self, now: Instant) -> Instant {
        let Some(last) = self.last_asked else {
            return now;
        };
        let interval = match self.doubted_since {
            None if !self.is_outdated => self.interval,
            Some(since) if now.duration_since(since) > LONG_DOUBT => LONG_DOUBT_INTERVAL,
            _ => DOUBT_INTERVAL,
        };
        last + interval.min(self.interval.max(DOUBT_INTERVAL))
    }

    /// Asks for a map, if that is due.
    pub(in crate::store::redis) fn tick(&mut self, now: Instant, steps: &mut Vec<Step>) {
        if now < self.due(now) {
            return;
        }
        self.last_asked = Some(now);
        let ask: Vec<Address> = match self.sources {
            MapSources::AllTogether if self.asked.is_empty() => self.nodes.clone(),
            MapSources::AllTogether => Vec::new(),
            MapSources::OneByOne => self.next_node().into_iter().collect(),
        };
        if !ask.is_empty() {
            self.is_outdated = false;
            self.asked.extend(ask.iter().cloned());
            steps.push(Step::Ask(ask));
        }
    }

    /// A node in turn; one that is doubted only where there is no other.
    fn next_node(&mut self) -> Option<Address> {
        let count = self.nodes.len();
        let turn = (0..count).map(|step| (self.next + step) % count);
        let free: Vec<usize> = turn
            .filter(|index| !self.asked.contains(&self.nodes[*index]))
            .collect();
        let is_sound = |index: &&usize| !self.doubted.contains(&self.nodes[**index]);
        let chosen = *free.iter().find(is_sound).or_else(|| free.first())?;
        self.next = chosen + 1;
        Some(self.nodes[chosen].clone())
    }

    /// These gave no map in time.
    pub(in crate::store::redis) fn unanswered(&mut self, asked: &[Address]) {
        self.asked.retain(|address| !asked.contains(address));
        // The next question is asked of another one, soon.
        self.is_outdated = true;
    }

    /// These gave a map.
    pub(in crate::store::redis) fn map(
        &mut self,
        asked: &[Address],
        map: Map,
        now: Instant,
        steps: &mut Vec<Step>,
    ) -> Belief {
        self.asked.retain(|address| !asked.contains(address));
        if self.epoch.is_some_and(|newest| map.epoch < newest) {
            self.is_outdated = true;
            return Belief::Outdated;
        }
        self.epoch = Some(map.epoch);
        self.replicas
            .retain(|_, said| said.is_none_or(|said| said >= map.epoch));
        let mut has_changed = false;
        for home in &mut self.homes {
            let named = map.owner(home.slot);
            if home.redirected_until.is_some_and(|until| now < until)
                && named != home.owner.as_ref()
            {
                continue;
            }
            home.redirected_until = None;
            let owner = named.filter(|owner| !self.replicas.contains_key(owner));
            if owner != home.owner.as_ref() {
                home.owner = owner.cloned();
                has_changed = true;
            }
        }
        self.nodes = map.nodes;
        let named = self.named.iter();
        let more: Vec<_> = named
            .filter(|one| !self.nodes.contains(one))
            .cloned()
            .collect();
        self.nodes.extend(more);
        if has_changed {
            steps.push(Step::Assign);
        }
        self.settle(now);
        Belief::Believed
    }

    /// The server `from`, which was taken for the owner of a home, names another.
    pub(in crate::store::redis) fn redirected(
        &mut self,
        home: usize,
        from: &Address,
        to: &Address,
        now: Instant,
        steps: &mut Vec<Step>,
    ) {
        self.is_outdated = true;
        let Some(home) = self.homes.get_mut(home) else {
            return;
        };
        // An older answer, or a node that names itself.
        if home.owner.as_ref() != Some(from) || from == to {
            return;
        }
        home.owner = Some(to.clone());
        home.redirected_until = Some(now + REDIRECTION_HOLDS);
        self.replicas.remove(to);
        if !self.nodes.contains(to) {
            self.nodes.push(to.clone());
        }
        steps.push(Step::Assign);
        self.settle(now);
    }

    /// The server does not answer, or refuses what its owner would do.
    pub(in crate::store::redis) fn doubt(&mut self, address: &Address, now: Instant) {
        if self.owns(address) {
            self.doubted.insert(address.clone());
            self.settle(now);
        }
    }

    /// The server answers as the owner of what it is asked for.
    pub(in crate::store::redis) fn answered(&mut self, address: &Address, now: Instant) {
        if self.doubted.remove(address) {
            self.settle(now);
        }
    }

    /// The server says that it is a replica.
    pub(in crate::store::redis) fn is_replica(
        &mut self,
        address: &Address,
        now: Instant,
        steps: &mut Vec<Step>,
    ) {
        if !self.owns(address) {
            return;
        }
        self.replicas.insert(address.clone(), self.epoch);
        for home in &mut self.homes {
            if home.owner.as_ref() == Some(address) {
                home.owner = None;
                home.redirected_until = None;
            }
        }
        steps.push(Step::Assign);
        self.settle(now);
    }

    fn owns(&self, address: &Address) -> bool {
        self.owners().any(|owner| owner == Some(address))
    }

    /// Forgets doubts about servers that own nothing, and notes since when there are doubts.
    fn settle(&mut self, now: Instant) {
        let homes = &self.homes;
        self.doubted.retain(|doubted| {
            homes
                .iter()
                .any(|home| home.owner.as_ref() == Some(doubted))
        });
        let doubts = !self.doubted.is_empty() || homes.iter().any(|home| home.owner.is_none());
        self.doubted_since = doubts.then(|| self.doubted_since.unwrap_or(now));
    }
}
