//! The callers that make the changes, each with one request at a time, and the wait until all
//! clients have them.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::burst::burst;
use super::crowd::{Crowd, PATIENCE};
use super::latency::Latencies;
use super::plan::{Length, Pace, Topics};
use super::rest::{Call, Caller, Request};
use super::slow::Sippers;
use crate::poller::Interest;

/// The number under which standard input is watched.
const INPUT: usize = usize::MAX - 1;
/// For what came too often to show itself.
const SETTLING: Duration = Duration::from_millis(200);

/// The changes of one run.
pub(crate) struct Changes {
    pub(crate) crowd: Crowd,
    callers: Vec<Caller>,
    /// Callers without a request under way.
    free: VecDeque<usize>,
    /// One for each topic.
    requests: Vec<Request>,
    pace: Pace,
    /// Changes that were asked for so far; each makes a person of its own.
    made: u64,
    /// Deliveries that they come to.
    due: u64,
    latencies: Latencies,
    pub(crate) sippers: Option<Sippers>,
    /// What deletes the people again: their ids' beginning and where they are.
    home: (String, SocketAddr),
}

/// What one stretch of changes came to.
pub(crate) struct Stretch {
    pub(crate) changes: u64,
    pub(crate) deliveries: u64,
    pub(crate) lasted: Duration,
}

impl Changes {
    /// None so far, for this crowd.
    pub(crate) fn new(
        crowd: Crowd,
        writer: SocketAddr,
        topics: Topics,
        pace: Pace,
    ) -> anyhow::Result<Self> {
        let count = match pace {
            // So many that each of them has a tenth of a second for its request before a change is
            // late.
            Pace::PerSecond(rate) => usize::try_from(rate / 10)?.clamp(4, 128),
            Pace::InFlight(most) => usize::try_from(most)?,
        };
        let callers = (0..count)
            .map(|_| Caller::connect(writer))
            .collect::<Result<Vec<_>, _>>();
        let callers = callers.with_context(|| format!("cannot connect to {writer}"))?;
        for (number, caller) in callers.iter().enumerate() {
            crowd.poller.add(
                &caller.stream,
                usize::try_from(crowd.clients())? + number,
                Interest::Read,
            )?;
        }
        let home = (id_prefix(), writer);
        let topics: Vec<Option<u32>> = match topics {
            Topics::Everything => vec![None],
            Topics::Filters { count, .. } => (0..count).map(Some).collect(),
        };
        let requests = topics
            .into_iter()
            .map(|topic| Request::new(Call::Create, writer, &home.0, topic))
            .collect();
        let (free, latencies) = ((0..count).collect(), Latencies::new());
        Ok(Self {
            crowd,
            callers,
            free,
            requests,
            pace,
            made: 0,
            due: 0,
            latencies,
            sippers: None,
            home,
        })
    }

    /// Makes changes at the pace, and waits until every client has had all that were ever made, or
    /// nothing comes any more.
    pub(crate) fn make(&mut self, length: Length) -> anyhow::Result<Stretch> {
        if matches!(length, Length::UntilTold) {
            self.crowd.poller.add(io::stdin(), INPUT, Interest::Read)?;
        }
        self.latencies.begin_anew();
        let (first, before, started) = (self.made, self.crowd.heard.changes, Instant::now());
        let (mut moved, mut told) = (started, false);
        loop {
            let enough = self.is_enough(length, self.made - first, started, told);
            let complete =
                self.crowd.heard.changes >= self.due && self.free.len() == self.callers.len();
            if enough
                && (complete
                    || (moved.elapsed() > PATIENCE && self.free.len() == self.callers.len()))
            {
                break;
            }
            let wait = if enough {
                PATIENCE
            } else {
                self.make_due(length, first, started)?
            };
            let before = (self.crowd.heard.changes, self.free.len());
            let wait = self.sip(wait)?;
            self.crowd.turn(wait)?;
            told |= self.take_answers()?;
            self.latencies.arrived(&mut self.crowd.arrived);
            let silent = self.callers.len() - self.free.len();
            // Where no answer is due, it is the clock that decides on the next change.
            if (self.crowd.heard.changes, self.free.len()) != before || (silent == 0 && !enough) {
                moved = Instant::now();
            }
            ensure!(
                silent == 0 || moved.elapsed() < PATIENCE,
                "{silent} changes got no answer for {} seconds, change {} among the last",
                PATIENCE.as_secs(),
                self.made
            );
        }
        let deliveries = self.crowd.heard.changes - before;
        Ok(Stretch {
            changes: self.made - first,
            deliveries,
            lasted: started.elapsed(),
        })
    }

    /// Deliveries lost and doubled so far.
    pub(crate) fn faults(&mut self) -> anyhow::Result<(u64, u64)> {
        let until = Instant::now() + SETTLING;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.crowd.turn(left)?;
        }
        let (mut lost, mut doubled) = self.crowd.faults(self.made)?;
        if let Some(sippers) = &mut self.sippers {
            let slow = sippers.catch_up(self.made)?;
            (lost, doubled) = (lost + slow.0, doubled + slow.1);
        }
        Ok((lost, doubled))
    }

    /// How long deliveries of the last stretch took.
    pub(crate) fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    fn is_enough(&self, length: Length, made: u64, started: Instant, told: bool) -> bool {
        match (length, self.pace) {
            (Length::Count(count), _) => made >= count,
            (Length::UntilTold, _) => told,
            (Length::Lasting(time), Pace::PerSecond(rate)) => made >= paced_count(time, rate),
            (Length::Lasting(time), Pace::InFlight(_)) => started.elapsed() >= time,
        }
    }

    /// Sends what is due; returns how long to wait for the next at most.
    fn make_due(
        &mut self,
        length: Length,
        first: u64,
        started: Instant,
    ) -> anyhow::Result<Duration> {
        // Whether it is time to stop depends on the clock only where there is no pace.
        while !self.is_enough(length, self.made - first, started, false) {
            let due = match self.pace {
                Pace::PerSecond(rate) => {
                    let due = started + Duration::from_secs(self.made - first) / rate;
                    let early = due.saturating_duration_since(Instant::now());
                    if !early.is_zero() {
                        return Ok(early);
                    }
                    due
                }
                Pace::InFlight(most) => {
                    let delivered = self.crowd.heard.changes / self.crowd.clients();
                    if self.made - delivered.min(self.made) >= u64::from(most) {
                        break;
                    }
                    Instant::now()
                }
            };
            let Some(caller) = self.free.pop_front() else {
                break;
            };
            self.latencies.due(due);
            let topic = self.made % self.requests.len() as u64;
            let request = self.requests[usize::try_from(topic)?].of(self.made);
            self.callers[caller].send(request)?;
            self.due += self.crowd.sharing(self.made);
            self.made += 1;
        }
        Ok(PATIENCE)
    }

    /// Takes answers; whether the input said something.
    fn take_answers(&mut self) -> anyhow::Result<bool> {
        let clients = usize::try_from(self.crowd.clients())?;
        let mut told = false;
        for number in &self.crowd.ready {
            if *number == INPUT {
                // What it says does not matter; its end means the same.
                let _ = io::stdin().read(&mut [0; 64])?;
                told = true;
                continue;
            }
            let caller = number - clients;
            if let Some(status) = self.callers[caller]
                .receive()
                .context("a change got no answer")?
            {
                ensure!(
                    status == Call::Create.status(),
                    "a change was answered with status {status}"
                );
                self.free.push_back(caller);
            }
        }
        Ok(told)
    }

    /// Lets slow clients read if it is time; how long to wait for something else at most.
    fn sip(&mut self, wait: Duration) -> anyhow::Result<Duration> {
        self.sippers
            .as_mut()
            .map_or(Ok(wait), |sippers| Ok(wait.min(sippers.sip()?)))
    }

    /// Ends the clients, and deletes the people that were made.
    pub(crate) fn delete_people(self) -> anyhow::Result<()> {
        let Self {
            crowd,
            sippers,
            home: (prefix, writer),
            made,
            ..
        } = self;
        drop((crowd, sippers));
        let request = Request::new(Call::Delete, writer, &prefix, None);
        burst(writer, Call::Delete, request, u64::MAX, |sent| sent < made).map(drop)
    }
}

/// Changes that fit into so much time.
fn paced_count(time: Duration, rate: u32) -> u64 {
    let nanos = time.as_nanos() * u128::from(rate);
    u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX)
}

/// The beginning of ids that nobody else has, without the twelve digits of the number.
fn id_prefix() -> String {
    let id = people_gateway::telemetry::clock::fresh_uuid().to_string();
    id[..id.len() - 12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_over_a_time_is_a_count() {
        assert_eq!(paced_count(Duration::from_secs(10), 20), 200);
        assert_eq!(paced_count(Duration::from_millis(1500), 3), 4);
        assert_eq!(paced_count(Duration::ZERO, 1000), 0);
    }

    #[test]
    fn ids_begin_alike_and_leave_room_for_a_number() {
        let prefix = id_prefix();
        assert!(
            format!("{prefix}{:012}", 7).parse::<uuid::Uuid>().is_ok(),
            "{prefix}"
        );
    }
}
