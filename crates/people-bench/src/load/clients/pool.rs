//! A pool of clients with one plan: connected in parallel, read by one thread, counted exactly.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::frames::{FrameCounts, FrameStream, SequenceScan};
use super::watcher::{ReceiveBuffer, Watcher, WatcherStep};
use crate::load::plan::{ClientFormat, PATIENCE, Topics};
use crate::load::rest::authorization;
use crate::poller::{Interest, Poller};

/// The most handshakes in flight.
const HANDSHAKES_MAX: usize = 512;
/// The bytes of one read.
const READ_BYTES: usize = 64 * 1024;
/// If every client gets every change, one client of this number scans for sequence numbers.
const SAMPLE: usize = 50;

/// How the clients of a pool connect.
#[derive(Clone, Debug)]
pub(crate) struct ConnectPlan {
    pub(crate) server: SocketAddr,
    pub(crate) format: ClientFormat,
    pub(crate) topics: Topics,
    pub(crate) buffer: ReceiveBuffer,
    /// The cursor to start from; without one the clients start now.
    pub(crate) from: Option<String>,
    /// Sent with the handshakes in turn; none where there are none.
    pub(crate) tokens: Vec<String>,
}

/// The clients, with numbers from 0.
pub(crate) struct ClientPool {
    pub(crate) poller: Poller,
    plan: ConnectPlan,
    watchers: Vec<Watcher>,
    /// The number of open connections.
    open: usize,
    buffer: Vec<u8>,
    /// Ready numbers that belong to no client.
    pub(crate) ready: Vec<usize>,
    /// The sums of all clients.
    pub(crate) counts: FrameCounts,
    /// The sequence numbers, each with the time of its read.
    pub(crate) arrived: Vec<(u64, Instant)>,
}

impl ClientPool {
    /// Connects this number of clients, and returns after the last handshake.
    pub(crate) fn connect(plan: ConnectPlan, clients: usize) -> anyhow::Result<Self> {
        let mut pool = Self {
            poller: Poller::new()?,
            plan,
            watchers: Vec::with_capacity(clients),
            open: 0,
            buffer: vec![0; READ_BYTES],
            ready: Vec::new(),
            counts: FrameCounts::default(),
            arrived: Vec::new(),
        };
        let mut progressed = Instant::now();
        while pool.open < clients {
            while pool.watchers.len() < clients && pool.watchers.len() - pool.open < HANDSHAKES_MAX
            {
                pool.begin()?;
            }
            let before = pool.open;
            pool.poll(PATIENCE)?;
            if pool.open > before {
                progressed = Instant::now();
            }
            ensure!(
                progressed.elapsed() < PATIENCE,
                "{} of {clients} clients could connect, then no more",
                pool.open
            );
        }
        Ok(pool)
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        let number = self.watchers.len();
        let scan = if self.plan.topics == Topics::Everything && !number.is_multiple_of(SAMPLE) {
            SequenceScan::Off
        } else {
            SequenceScan::On
        };
        let frames = FrameStream::new(self.plan.format, scan);
        let watcher = Watcher::connect(self.plan.server, self.plan.buffer, frames);
        let watcher = watcher
            .with_context(|| format!("client {number} cannot connect to {}", self.plan.server))?;
        self.poller.add(&watcher.stream, number, Interest::Write)?;
        self.watchers.push(watcher);
        Ok(())
    }

    /// Waits, and steps the ready clients. Puts other ready numbers into `ready`.
    pub(crate) fn poll(&mut self, at_most: Duration) -> anyhow::Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        self.poller.wait(at_most, &mut ready)?;
        for number in &ready {
            self.step(*number, READ_BYTES)?;
        }
        ready.retain(|number| *number >= self.watchers.len());
        self.ready = ready;
        Ok(())
    }

    /// Polls as long as something is missing, and `progress` grows within [`PATIENCE`].
    pub(crate) fn poll_while(
        &mut self,
        is_missing: impl Fn(&Self) -> bool,
        progress: impl Fn(&Self) -> u64,
    ) -> anyhow::Result<()> {
        let mut progressed = Instant::now();
        while is_missing(self) && progressed.elapsed() < PATIENCE {
            let before = progress(self);
            self.poll(PATIENCE)?;
            if progress(self) > before {
                progressed = Instant::now();
            }
        }
        Ok(())
    }

    /// Reads at most this number of bytes from each client.
    pub(crate) fn read_all(&mut self, bytes: usize) -> anyhow::Result<()> {
        (0..self.watchers.len()).try_for_each(|number| self.step(number, bytes.min(READ_BYTES)))
    }

    fn step(&mut self, number: usize, bytes: usize) -> anyhow::Result<()> {
        let Some(watcher) = self.watchers.get_mut(number) else {
            return Ok(());
        };
        let request = || self.plan.handshake(number);
        let step = watcher.step(request, &mut self.buffer[..bytes], &mut self.counts);
        let step = step.with_context(|| format!("client {number} of {}", self.plan.server))?;
        if !self.counts.sequences.is_empty() {
            // The time of this read, not of the whole poll.
            let now = Instant::now();
            self.arrived
                .extend(self.counts.sequences.drain(..).map(|change| (change, now)));
        }
        match step {
            WatcherStep::Requested => {
                self.poller
                    .modify(&watcher.stream, number, Interest::Read)?;
            }
            WatcherStep::Opened => self.open += 1,
            WatcherStep::Received => {}
        }
        Ok(())
    }

    /// The number of clients.
    pub(crate) fn clients(&self) -> u64 {
        self.watchers.len() as u64
    }

    /// The number of clients that receive the change with this number.
    pub(crate) fn receivers(&self, change: u64) -> u64 {
        self.plan.topics.sharing(self.clients(), change)
    }

    /// The lost and the doubled deliveries of the first `changes` changes. Waits for incomplete
    /// frames, because a change counts when its frame begins.
    pub(crate) fn faults(&mut self, changes: u64) -> anyhow::Result<(u64, u64)> {
        let is_within = |pool: &Self| !pool.watchers.iter().all(Watcher::is_between_frames);
        self.poll_while(is_within, |pool| pool.counts.bytes)?;
        let (mut lost, mut doubled) = (0, 0);
        for (number, watcher) in (0..).zip(&self.watchers) {
            let due = self.plan.topics.sharing(changes, number);
            lost += due.saturating_sub(watcher.changes);
            doubled += watcher.changes.saturating_sub(due);
            let is_complete = lost > 0 || watcher.is_between_frames();
            ensure!(
                is_complete,
                "the last frame of client {number} is incomplete"
            );
        }
        Ok((lost, doubled))
    }
}

impl ConnectPlan {
    /// The token of a client.
    pub(crate) fn token(&self, number: usize) -> Option<&str> {
        let number = number.checked_rem(self.tokens.len())?;
        Some(&self.tokens[number])
    }

    /// The handshake of a client. The header `x-group` has the topic, for a server that does not
    /// read filters.
    fn handshake(&self, number: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(
            self.topics
                .filter(number as u64)
                .map(|filter| ("where", filter)),
        );
        query.extend_pairs(self.from.iter().map(|cursor| ("from", cursor)));
        let query = query.finish();
        let question_mark = if query.is_empty() { "" } else { "?" };
        let group = self
            .topics
            .topic(number as u64)
            .map(|topic| format!("x-group: {topic}\r\n"))
            .unwrap_or_default();
        let protocol = match self.format {
            ClientFormat::Text => "",
            ClientFormat::Json => "sec-websocket-protocol: people.v1.json\r\n",
        };
        format!(
            "GET /people{question_mark}{query} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}{group}{}\r\n",
            self.server,
            authorization(self.token(number)),
        )
    }
}

/// Raises the limit of open files to its maximum. Child processes inherit it.
pub(crate) fn raise_open_files(wanted: usize) -> anyhow::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// Open files besides those of clients.
    const OTHER_FILES: usize = 256;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    )
    .map_err(io::Error::from)?;
    let most = limit.maximum.unwrap_or(u64::MAX);
    ensure!(
        most >= (wanted + OTHER_FILES) as u64,
        "{wanted} clients need {} open files, and the limit is {most}: raise it (ulimit -Hn), or \
         take fewer",
        wanted + OTHER_FILES
    );
    Ok(())
}
