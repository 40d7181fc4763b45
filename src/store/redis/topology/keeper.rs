//! Keeps the assignment true: one task, which asks for maps as the state machine decides, and makes
//! and retires servers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::machine::{Belief, MapSources, Step, Topology};
use super::map::{Map, NoMap};
use super::owners::{Assignment, Hint, Owners};
use super::peers::Peers;
use crate::store::redis::connection::{Address, Discovery, Endpoint, Redirect, Server};
use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;
use crate::store::{Metrics, RefreshOutcome};

/// Hints that may wait; a hint that does not fit comes again with the next command.
const HINTS_MAX: usize = 1024;
/// How often sentinels are asked. A master that is cut off from them does not know it, so this
/// bounds how long it is still written to.
const SENTINEL_INTERVAL: Duration = Duration::from_secs(1);
/// How often the file of the password is read again.
const PASSWORD_INTERVAL: Duration = Duration::from_secs(60);

/// The task.
pub(in crate::store::redis) struct Keeper {
    endpoint: Arc<Endpoint>,
    options: Options,
    metrics: Metrics,
    topology: Topology,
    peers: Arc<Peers>,
    room: Arc<Semaphore>,
    /// All servers that own something.
    servers: HashMap<Address, Arc<Server>>,
    assignment: watch::Sender<Arc<Assignment>>,
    hints: mpsc::Receiver<Hint>,
    questions: JoinSet<(Vec<Address>, Result<super::Map, NoMap>)>,
    steps: Vec<Step>,
}

impl Keeper {
    /// Begins with this map, and keeps it true on the current runtime, as long as the owners are
    /// held. `slots` are those of all homes.
    pub(in crate::store::redis) fn start(
        endpoint: Arc<Endpoint>,
        map: Map,
        slots: Vec<u16>,
        options: &Options,
        metrics: &Metrics,
    ) -> Result<Owners, OpenError> {
        let (sources, every) = match endpoint.discovery {
            Discovery::Sentinel(_) => (MapSources::AllTogether, SENTINEL_INTERVAL),
            Discovery::Cluster | Discovery::Named => {
                (MapSources::OneByOne, options.topology_interval)
            }
        };
        let mut topology = Topology::new(sources, every, endpoint.named.clone(), slots);
        let mut steps = Vec::new();
        topology.map(&[], map, Instant::now(), &mut steps);
        let room = options.queue.get().min(Semaphore::MAX_PERMITS);
        let (assignment, assigned) = watch::channel(Arc::new(Assignment::new(Vec::new())));
        let (hints, hinted) = mpsc::channel(HINTS_MAX);
        let mut keeper = Self {
            endpoint,
            options: options.clone(),
            metrics: metrics.clone(),
            topology,
            peers: Arc::new(Peers::new(options.topology_timeout)),
            room: Arc::new(Semaphore::new(room)),
            servers: HashMap::new(),
            assignment,
            hints: hinted,
            questions: JoinSet::new(),
            steps,
        };
        keeper.assign()?;
        keeper.steps.clear();
        tokio::spawn(keeper.run());
        Ok(Owners {
            assignment: assigned,
            hints,
        })
    }

    async fn run(mut self) {
        let mut passwords = every(PASSWORD_INTERVAL);
        let is_named = self.endpoint.discovery == Discovery::Named;
        loop {
            let due = self.topology.due(Instant::now());
            // All branches are cancel safe.
            tokio::select! {
                hint = self.hints.recv() => match hint {
                    Some(_) if is_named => {}
                    Some(hint) => self.take(hint),
                    None => return,
                },
                Some(answer) = self.questions.join_next() => {
                    if let Ok((asked, map)) = answer {
                        self.answered(&asked, map);
                    }
                }
                () = sleep_until(due), if !is_named => {
                    self.topology.tick(Instant::now(), &mut self.steps);
                }
                _ = passwords.tick() => self.endpoint.credentials.reload(),
            }
            self.act();
        }
    }

    fn take(&mut self, hint: Hint) {
        let (now, topology, steps) = (Instant::now(), &mut self.topology, &mut self.steps);
        match hint {
            Hint::Redirected(home, from, Redirect::Moved(to)) => {
                let home = self.assignment.borrow().index(home);
                match from.given_by(&to) {
                    Some(to) => topology.redirected(home, &from, &to, now, steps),
                    None => topology.doubt(&from, now),
                }
            }
            // The slot is being moved: that ends with MOVED.
            Hint::Redirected(_, _, Redirect::Ask | Redirect::TryAgain) => {}
            Hint::Redirected(_, from, Redirect::ReadOnly) => {
                topology.is_replica(&from, now, steps);
            }
            Hint::Redirected(_, from, Redirect::Down)
            | Hint::Silent(from)
            | Hint::Unsubscribed(from) => topology.doubt(&from, now),
            Hint::Answered(from) => topology.answered(&from),
            Hint::Replica(from) => topology.is_replica(&from, now, steps),
        }
    }

    fn answered(&mut self, asked: &[Address], map: Result<Map, NoMap>) {
        let outcome = match map {
            Ok(map) => {
                match self
                    .topology
                    .map(asked, map, Instant::now(), &mut self.steps)
                {
                    Belief::Believed => RefreshOutcome::Believed,
                    Belief::Outdated => RefreshOutcome::Outdated,
                }
            }
            Err(why) => {
                tracing::debug!(%why, "no map of the masters");
                self.topology.unanswered(asked);
                RefreshOutcome::Failed
            }
        };
        self.metrics.store_topology_refreshes.at(outcome).inc();
    }

    fn act(&mut self) {
        for action in std::mem::take(&mut self.steps) {
            match action {
                Step::Ask(asked) => {
                    let (peers, endpoint) = (Arc::clone(&self.peers), Arc::clone(&self.endpoint));
                    self.questions.spawn(async move {
                        let map = super::map(&peers, &endpoint, &asked).await;
                        (asked, map)
                    });
                }
                Step::Assign => {
                    self.metrics.store_topology_changes.inc();
                    if let Err(error) = self.assign() {
                        tracing::error!(%error, "a master cannot be used");
                    }
                }
            }
        }
    }

    /// Publishes the owners, with a server for each; retires servers that own nothing any more.
    fn assign(&mut self) -> Result<(), OpenError> {
        let owners: Vec<Option<Address>> =
            self.topology.owners().map(Option::<&_>::cloned).collect();
        for address in owners.iter().flatten() {
            if !self.servers.contains_key(address) {
                let (endpoint, room) = (&self.endpoint, &self.room);
                let server = Server::start(
                    endpoint,
                    address.clone(),
                    room,
                    &self.options,
                    &self.metrics,
                )?;
                self.servers.insert(address.clone(), server);
            }
        }
        let servers = owners
            .iter()
            .map(|owner| self.servers.get(owner.as_ref()?).cloned());
        let assignment = Arc::new(Assignment::new(servers.collect()));
        self.tell(&owners);
        self.assignment.send_replace(assignment);
        self.servers.retain(|address, server| {
            let owns = owners.iter().flatten().any(|owner| owner == address);
            if !owns {
                server.retire();
            }
            owns
        });
        let masters = i64::try_from(self.servers.len()).unwrap_or(i64::MAX);
        self.metrics.store_masters.set(masters);
        Ok(())
    }

    /// Logs which partitions have another owner. The directory is the last of the homes.
    fn tell(&self, owners: &[Option<Address>]) {
        let (before, partitions) = (self.assignment.borrow(), owners.len() - 1);
        let mut moves: BTreeMap<[String; 2], usize> = BTreeMap::new();
        for (old, new) in before.addresses().zip(owners).take(partitions) {
            if old != new.as_ref() {
                let name = |owner: Option<&Address>| {
                    owner.map_or_else(|| "nobody".to_owned(), Address::to_string)
                };
                *moves.entry([old, new.as_ref()].map(name)).or_default() += 1;
            }
        }
        for ([from, to], partitions) in moves {
            tracing::info!(from, to, partitions, "partitions have another master");
        }
    }
}

fn every(pause: Duration) -> Interval {
    let mut interval = interval(pause);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval.reset();
    interval
}
