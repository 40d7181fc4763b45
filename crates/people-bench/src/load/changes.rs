//! Makes changes with callers of one request at a time, and waits until all clients have them.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::clients::{ClientPool, SlowReaders};
use super::latency::Latencies;
use super::plan::{PATIENCE, Pace, RunLength, Topics};
use super::rest::{PersonRequest, RequestKind, RestCaller, burst};
use crate::poller::Interest;

/// Standard input's number in the poller.
const INPUT: usize = usize::MAX - 1;
/// The wait for doubled deliveries to arrive.
const SETTLING: Duration = Duration::from_millis(200);

/// The changes of one load.
pub(crate) struct Changes {
    pub(crate) pool: ClientPool,
    callers: Vec<RestCaller>,
    /// Callers without a request in flight.
    free: VecDeque<usize>,
    /// One request for each topic.
    requests: Vec<PersonRequest>,
    pace: Pace,
    /// The number of changes so far. Each creates a person.
    made: u64,
    /// The number of deliveries of these changes.
    due: u64,
    latencies: Latencies,
    pub(crate) slow_readers: Option<SlowReaders>,
    id_prefix: String,
    writer: SocketAddr,
    token: Option<String>,
}

/// The sums of one run of changes.
pub(crate) struct ChangeRun {
    pub(crate) changes: u64,
    pub(crate) deliveries: u64,
    pub(crate) lasted: Duration,
}

impl Changes {
    /// No changes yet, for this pool.
    pub(crate) fn new(
        pool: ClientPool,
        writer: SocketAddr,
        topics: Topics,
        pace: Pace,
        token: Option<&str>,
    ) -> anyhow::Result<Self> {
        let count = match pace {
            // Each caller has a tenth of a second for its request before a change is late.
            Pace::PerSecond(rate) => usize::try_from(rate / 10)?.clamp(4, 128),
            Pace::InFlight(most) => usize::try_from(most)?,
        };
        let callers = (0..count)
            .map(|_| RestCaller::connect(writer))
            .collect::<Result<Vec<_>, _>>();
        let callers = callers.with_context(|| format!("cannot connect to {writer}"))?;
        for (number, caller) in callers.iter().enumerate() {
            pool.poller.add(
                &caller.stream,
                usize::try_from(pool.clients())? + number,
                Interest::Read,
            )?;
        }
        let id_prefix = id_prefix();
        let topics: Vec<Option<u32>> = match topics {
            Topics::Everything => vec![None],
            Topics::Filters { count, .. } => (0..count).map(Some).collect(),
        };
        let requests = topics
            .into_iter()
            .map(|topic| PersonRequest::new(RequestKind::Create, writer, &id_prefix, topic, token))
            .collect();
        let (free, latencies) = ((0..count).collect(), Latencies::new());
        Ok(Self {
            pool,
            callers,
            free,
            requests,
            pace,
            made: 0,
            due: 0,
            latencies,
            slow_readers: None,
            id_prefix,
            writer,
            token: token.map(str::to_owned),
        })
    }

    /// Makes changes at the pace, and waits until every client has all changes ever made, or
    /// nothing arrives any more.
    pub(crate) fn make(&mut self, length: RunLength) -> anyhow::Result<ChangeRun> {
        if matches!(length, RunLength::UntilInput) {
            self.pool.poller.add(io::stdin(), INPUT, Interest::Read)?;
        }
        self.latencies.restart();
        let (first, before, started) = (self.made, self.pool.counts.changes, Instant::now());
        let (mut progressed, mut has_input) = (started, false);
        loop {
            let enough = self.is_enough(length, self.made - first, started, has_input);
            let complete =
                self.pool.counts.changes >= self.due && self.free.len() == self.callers.len();
            if enough
                && (complete
                    || (progressed.elapsed() > PATIENCE && self.free.len() == self.callers.len()))
            {
                break;
            }
            let wait = if enough {
                PATIENCE
            } else {
                self.make_due(length, first, started)?
            };
            let before = (self.pool.counts.changes, self.free.len());
            let wait = self.read_slowly(wait)?;
            self.pool.poll(wait)?;
            has_input |= self.take_answers()?;
            self.latencies.record(&mut self.pool.arrived);
            let unanswered = self.callers.len() - self.free.len();
            // Without a due answer the clock decides on the next change.
            if (self.pool.counts.changes, self.free.len()) != before || (unanswered == 0 && !enough)
            {
                progressed = Instant::now();
            }
            ensure!(
                unanswered == 0 || progressed.elapsed() < PATIENCE,
                "{unanswered} changes got no answer for {} seconds, change {} among the last",
                PATIENCE.as_secs(),
                self.made
            );
        }
        let deliveries = self.pool.counts.changes - before;
        Ok(ChangeRun {
            changes: self.made - first,
            deliveries,
            lasted: started.elapsed(),
        })
    }

    /// The lost and the doubled deliveries so far.
    pub(crate) fn faults(&mut self) -> anyhow::Result<(u64, u64)> {
        let until = Instant::now() + SETTLING;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.pool.poll(left)?;
        }
        let (mut lost, mut doubled) = self.pool.faults(self.made)?;
        if let Some(slow_readers) = &mut self.slow_readers {
            let slow = slow_readers.catch_up(self.made)?;
            (lost, doubled) = (lost + slow.0, doubled + slow.1);
        }
        Ok((lost, doubled))
    }

    /// The latencies of the last run.
    pub(crate) fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    fn is_enough(&self, length: RunLength, made: u64, started: Instant, has_input: bool) -> bool {
        match (length, self.pace) {
            (RunLength::Count(count), _) => made >= count,
            (RunLength::UntilInput, _) => has_input,
            (RunLength::Time(time), Pace::PerSecond(rate)) => made >= paced_count(time, rate),
            (RunLength::Time(time), Pace::InFlight(_)) => started.elapsed() >= time,
        }
    }

    /// Sends all due changes. Returns the longest wait until the next one.
    fn make_due(
        &mut self,
        length: RunLength,
        first: u64,
        started: Instant,
    ) -> anyhow::Result<Duration> {
        // With a pace, the end does not depend on the clock.
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
                    let delivered = self.pool.counts.changes / self.pool.clients();
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
            let request = self.requests[usize::try_from(topic)?].numbered(self.made);
            self.callers[caller].send(request)?;
            self.due += self.pool.receivers(self.made);
            self.made += 1;
        }
        Ok(PATIENCE)
    }

    /// Reads answers. Returns whether standard input had input.
    fn take_answers(&mut self) -> anyhow::Result<bool> {
        let clients = usize::try_from(self.pool.clients())?;
        let mut has_input = false;
        for number in &self.pool.ready {
            if *number == INPUT {
                // Any input counts, and so does its end.
                let _ = io::stdin().read(&mut [0; 64])?;
                has_input = true;
                continue;
            }
            let caller = number - clients;
            if let Some(status) = self.callers[caller]
                .receive()
                .context("a change got no answer")?
            {
                ensure!(
                    status == RequestKind::Create.status(),
                    "a change was answered with status {status}"
                );
                self.free.push_back(caller);
            }
        }
        Ok(has_input)
    }

    /// Lets slow clients read if a read is due. Returns the longest wait until their next read.
    fn read_slowly(&mut self, wait: Duration) -> anyhow::Result<Duration> {
        self.slow_readers
            .as_mut()
            .map_or(Ok(wait), |readers| Ok(wait.min(readers.read()?)))
    }

    /// Closes the clients, and deletes the created people.
    pub(crate) fn delete_people(self) -> anyhow::Result<()> {
        let Self {
            pool,
            slow_readers,
            id_prefix,
            writer,
            made,
            token,
            ..
        } = self;
        drop((pool, slow_readers));
        let kind = RequestKind::Delete;
        let request = PersonRequest::new(kind, writer, &id_prefix, None, token.as_deref());
        burst(writer, kind, request, u64::MAX, |sent| sent < made).map(drop)
    }
}

/// The number of changes in this time at this rate.
fn paced_count(time: Duration, rate: u32) -> u64 {
    let nanos = time.as_nanos() * u128::from(rate);
    u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX)
}

/// The start of unused ids, without the twelve digits of the number.
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
    fn an_id_is_a_prefix_and_a_number() {
        let prefix = id_prefix();
        assert!(
            format!("{prefix}{:012}", 7).parse::<uuid::Uuid>().is_ok(),
            "{prefix}"
        );
    }
}
