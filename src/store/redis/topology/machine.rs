//! Which server owns which partition, as a pure state machine: no clock, no socket.
//!
//! A map is believed by its epoch: an older one than the newest is dropped. A server that sends a
//! command away with MOVED knows better than maps, for a while: nodes learn an epoch before they
//! learn what changed with it. For the same reason a map of the newest epoch takes nothing from an
//! owner that answers. A server that says that it is a replica owns nothing until a newer map names
//! it, or for a while: it may have become a master again. A server that does not answer, or
//! refuses, is doubted, and maps are asked for in short intervals until it answers or a map names
//! another.

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
/// How long a doubt lasts that nothing confirms: a server may have lost all that it is asked for.
const DOUBT_HOLDS: Duration = Duration::from_secs(10);
/// How long a redirection is believed against maps.
const REDIRECTION_HOLDS: Duration = Duration::from_secs(10);
/// How long a redirected home is not redirected again: servers that name each other would make its
/// subscription flap. A map decides meanwhile.
const REDIRECTION_PAUSE: Duration = Duration::from_secs(1);
/// How long a server that says that it is a replica is believed against maps of the same epoch.
const REPLICA_HOLDS: Duration = Duration::from_secs(2);

/// How those who know a map are asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapSources {
    /// One at a time: each knows the whole map.
    OneByOne,
    /// All at once: the newest answer counts.
    AllTogether,
}

/// What the keeper has to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask these for a map, and bring the answer.
    Ask(Vec<Address>),
    /// The owners have changed.
    Assign,
}

/// What became of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belief {
    /// It is as new as the newest, or newer.
    Believed,
    /// A newer one is known.
    Outdated,
}

/// The state of the topology.
#[derive(Debug)]
pub(crate) struct Topology {
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
    /// A newer map is wanted than the newest.
    is_outdated: bool,
    /// Since when it has been asked for in vain.
    outdated_since: Option<Instant>,
    doubted: BTreeMap<Address, Doubt>,
    /// Servers that said that they are replicas.
    replicas: BTreeMap<Address, ReplicaClaim>,
}

/// A server does not answer, or refuses what its owner would do.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    since: Instant,
    confirmed: Instant,
}

/// A server said that it is a replica.
#[derive(Clone, Copy, Debug)]
struct ReplicaClaim {
    /// The newest epoch then.
    epoch: Option<MapEpoch>,
    /// Until when it is believed against maps of this epoch.
    until: Instant,
}

/// The keys that lie in one slot: those of a partition, or the directory's.
#[derive(Clone, Debug)]
struct HomeState {
    slot: u16,
    owner: Option<Address>,
    /// Since when it has no owner.
    lost_since: Option<Instant>,
    redirected_at: Option<Instant>,
    /// The owner names another, to which it is not redirected yet.
    is_refused: bool,
    /// Until when a redirection is believed against maps.
    redirected_until: Option<Instant>,
}

impl Topology {
    /// Knows no owner yet. `slots` are those of all homes, in order.
    pub(crate) fn new(
        sources: MapSources,
        interval: Duration,
        named: Vec<Address>,
        slots: impl IntoIterator<Item = u16>,
    ) -> Self {
        let home = |slot| HomeState {
            slot,
            owner: None,
            lost_since: None,
            redirected_at: None,
            is_refused: false,
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
            outdated_since: None,
            doubted: BTreeMap::new(),
            replicas: BTreeMap::new(),
        }
    }

    /// The owners of all homes, in order.
    pub(crate) fn owners(&self) -> impl Iterator<Item = Option<&Address>> {
        self.homes.iter().map(|home| home.owner.as_ref())
    }

    /// When [`Topology::tick`] has to be called.
    pub(crate) fn due(&self, now: Instant) -> Instant {
        let Some(last) = self.last_asked else {
            return now;
        };
        let doubts = self.doubted.values().map(|doubt| doubt.since);
        let unowned = self.homes.iter().filter_map(|home| home.lost_since);
        let outdated = self.is_outdated.then(|| self.outdated_since.unwrap_or(now));
        // The newest doubt sets the pace, however long there have been others.
        let interval = match doubts.chain(unowned).chain(outdated).max() {
            None => self.interval,
            Some(since) if now.duration_since(since) > LONG_DOUBT => LONG_DOUBT_INTERVAL,
            Some(_) => DOUBT_INTERVAL,
        };
        last + interval.min(self.interval.max(DOUBT_INTERVAL))
    }

    /// Asks for a map, if that is due.
    pub(crate) fn tick(&mut self, now: Instant, steps: &mut Vec<Step>) {
        if now < self.due(now) {
            return;
        }
        self.last_asked = Some(now);
        let ask: Vec<Address> = match self.sources {
            MapSources::AllTogether if self.asked.is_empty() => self.nodes.clone(),
            MapSources::AllTogether => Vec::new(),
            MapSources::OneByOne => self.next_node().into_iter().collect(),
        };
        self.doubted
            .retain(|_, doubt| now.duration_since(doubt.confirmed) <= DOUBT_HOLDS);
        if !ask.is_empty() {
            if std::mem::take(&mut self.is_outdated) {
                self.outdated_since.get_or_insert(now);
            }
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
        let is_sound = |index: &&usize| !self.doubted.contains_key(&self.nodes[**index]);
        let chosen = *free.iter().find(is_sound).or_else(|| free.first())?;
        self.next = chosen + 1;
        Some(self.nodes[chosen].clone())
    }

    /// These gave no map in time.
    pub(crate) fn unanswered(&mut self, asked: &[Address]) {
        self.asked.retain(|address| !asked.contains(address));
        // The next question is asked of another one, soon.
        self.is_outdated = true;
    }

    /// These gave a map.
    pub(crate) fn map(
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
        // Of two maps of one epoch either may be the older: an owner that answers stays.
        let is_newer = self.epoch.is_none_or(|newest| map.epoch > newest);
        self.epoch = Some(map.epoch);
        self.outdated_since = None;
        self.replicas
            .retain(|_, claim| now < claim.until && claim.epoch >= Some(map.epoch));
        let mut has_changed = false;
        for home in &mut self.homes {
            let named = map.owner(home.slot);
            let is_held = home.redirected_until.is_some_and(|until| now < until);
            let is_sound = |owner| !home.is_refused && !self.doubted.contains_key(owner);
            let stays = is_held || (!is_newer && home.owner.as_ref().is_some_and(is_sound));
            if stays && named != home.owner.as_ref() {
                continue;
            }
            home.redirected_until = None;
            home.is_refused = false;
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
    pub(crate) fn redirected(
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
        let pause_ends = home.redirected_at.map(|at| at + REDIRECTION_PAUSE);
        if pause_ends.is_some_and(|end| now < end) {
            home.redirected_until = None;
            home.is_refused = true;
            return;
        }
        home.owner = Some(to.clone());
        home.redirected_at = Some(now);
        home.is_refused = false;
        home.redirected_until = Some(now + REDIRECTION_HOLDS);
        self.replicas.remove(to);
        if !self.nodes.contains(to) {
            self.nodes.push(to.clone());
        }
        steps.push(Step::Assign);
        self.settle(now);
    }

    /// The server does not answer, or refuses what its owner would do.
    pub(crate) fn doubt(&mut self, address: &Address, now: Instant) {
        if !self.owns(address) {
            return;
        }
        let fresh = Doubt {
            since: now,
            confirmed: now,
        };
        let doubt = self.doubted.entry(address.clone()).or_insert(fresh);
        doubt.confirmed = now;
        // A redirection to it is not worth more than maps any longer.
        for home in &mut self.homes {
            if home.owner.as_ref() == Some(address) {
                home.redirected_until = None;
            }
        }
    }

    /// The server answers as the owner of what it is asked for.
    pub(crate) fn answered(&mut self, address: &Address) {
        self.doubted.remove(address);
    }

    /// The server says that it is a replica.
    pub(crate) fn is_replica(&mut self, address: &Address, now: Instant, steps: &mut Vec<Step>) {
        if !self.owns(address) {
            return;
        }
        let claim = ReplicaClaim {
            epoch: self.epoch,
            until: now + REPLICA_HOLDS,
        };
        self.replicas.insert(address.clone(), claim);
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

    /// Forgets doubts about servers that own nothing, and notes since when homes have no owner.
    fn settle(&mut self, now: Instant) {
        let homes = &mut self.homes;
        self.doubted.retain(|doubted, _| {
            homes
                .iter()
                .any(|home| home.owner.as_ref() == Some(doubted))
        });
        for home in homes {
            home.lost_since = match home.owner {
                Some(_) => None,
                None => home.lost_since.or(Some(now)),
            };
        }
    }
}
