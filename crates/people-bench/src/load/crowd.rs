//! All clients of one kind: connected in parallel, read by one thread, counted exactly.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::frames::{Frames, Heard, Looks};
use super::plan::{ClientFormat, Topics};
use super::watcher::{Buffer, Step, Watcher};
use crate::poller::{Interest, Poller};

/// Connections that are under way at once.
const CONNECTING: usize = 512;
/// Bytes that one read takes.
const READ_BYTES: usize = 64 * 1024;
/// How long nothing may happen while something is due.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Where every client is sent every change, one of so many looks for the numbers of changes.
const SAMPLE: usize = 50;

/// What the clients of a crowd ask for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) server: SocketAddr,
    pub(crate) format: ClientFormat,
    pub(crate) topics: Topics,
    pub(crate) buffer: Buffer,
    /// The cursor that they come with; without one they begin now.
    pub(crate) from: Option<String>,
}

/// The clients, under numbers from 0.
pub(crate) struct Crowd {
    pub(crate) poller: Poller,
    wish: Wish,
    watchers: Vec<Watcher>,
    /// How many are connected.
    open: usize,
    buffer: Vec<u8>,
    /// Numbers that are ready and no client's.
    pub(crate) ready: Vec<usize>,
    /// What arrived at all of them.
    pub(crate) heard: Heard,
    /// The numbers of changes, each with when it was read.
    pub(crate) arrived: Vec<(u64, Instant)>,
}

impl Crowd {
    /// Connects so many clients, and comes back when the last handshake was answered.
    pub(crate) fn connect(wish: Wish, clients: usize) -> anyhow::Result<Self> {
        let mut crowd = Self {
            poller: Poller::new()?,
            wish,
            watchers: Vec::with_capacity(clients),
            open: 0,
            buffer: vec![0; READ_BYTES],
            ready: Vec::new(),
            heard: Heard::default(),
            arrived: Vec::new(),
        };
        let mut moved = Instant::now();
        while crowd.open < clients {
            while crowd.watchers.len() < clients && crowd.watchers.len() - crowd.open < CONNECTING {
                crowd.begin()?;
            }
            let before = crowd.open;
            crowd.turn(PATIENCE)?;
            if crowd.open > before {
                moved = Instant::now();
            }
            ensure!(
                moved.elapsed() < PATIENCE,
                "{} of {clients} clients could connect, then no more",
                crowd.open
            );
        }
        Ok(crowd)
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        let number = self.watchers.len();
        let looks = if self.wish.topics == Topics::Everything && !number.is_multiple_of(SAMPLE) {
            Looks::Never
        } else {
            Looks::Always
        };
        let frames = Frames::new(self.wish.format, looks);
        let watcher = Watcher::connect(self.wish.server, self.wish.buffer, frames);
        let watcher = watcher
            .with_context(|| format!("client {number} cannot connect to {}", self.wish.server))?;
        self.poller.add(&watcher.stream, number, Interest::Write)?;
        self.watchers.push(watcher);
        Ok(())
    }

    /// Waits, and takes what the clients have. Numbers that are no client's are left in `ready`.
    pub(crate) fn turn(&mut self, at_most: Duration) -> anyhow::Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        self.poller.wait(at_most, &mut ready)?;
        for number in &ready {
            self.go_on(*number, READ_BYTES)?;
        }
        ready.retain(|number| *number >= self.watchers.len());
        self.ready = ready;
        Ok(())
    }

    /// Takes what the clients have as long as something is missing, and `progress` grows within
    /// [`PATIENCE`].
    pub(crate) fn turn_while(
        &mut self,
        is_missing: impl Fn(&Self) -> bool,
        progress: impl Fn(&Self) -> u64,
    ) -> anyhow::Result<()> {
        let mut moved = Instant::now();
        while is_missing(self) && moved.elapsed() < PATIENCE {
            let before = progress(self);
            self.turn(PATIENCE)?;
            if progress(self) > before {
                moved = Instant::now();
            }
        }
        Ok(())
    }

    /// Lets each client read so many bytes, whether there is something or not.
    pub(crate) fn sip(&mut self, bytes: usize) -> anyhow::Result<()> {
        (0..self.watchers.len()).try_for_each(|number| self.go_on(number, bytes.min(READ_BYTES)))
    }

    fn go_on(&mut self, number: usize, bytes: usize) -> anyhow::Result<()> {
        let Some(watcher) = self.watchers.get_mut(number) else {
            return Ok(());
        };
        let request = || self.wish.request(number);
        let step = watcher.go_on(request, &mut self.buffer[..bytes], &mut self.heard);
        let step = step.with_context(|| format!("client {number} of {}", self.wish.server))?;
        if !self.heard.marks.is_empty() {
            // Read now, whatever else this turn still reads.
            let now = Instant::now();
            self.arrived
                .extend(self.heard.marks.drain(..).map(|change| (change, now)));
        }
        match step {
            Step::Asked => self
                .poller
                .modify(&watcher.stream, number, Interest::Read)?,
            Step::Opened => self.open += 1,
            Step::Received => {}
        }
        Ok(())
    }

    /// How many clients there are.
    pub(crate) fn clients(&self) -> u64 {
        self.watchers.len() as u64
    }

    /// How many clients change number `change` is for.
    pub(crate) fn sharing(&self, change: u64) -> u64 {
        self.wish.topics.sharing(self.clients(), change)
    }

    /// Deliveries that are missing, and those that are too many, after the first `changes` changes.
    /// They are counted as they begin to arrive: what has begun may end first.
    pub(crate) fn faults(&mut self, changes: u64) -> anyhow::Result<(u64, u64)> {
        let is_within = |crowd: &Self| !crowd.watchers.iter().all(Watcher::is_between_frames);
        self.turn_while(is_within, |crowd| crowd.heard.bytes)?;
        let (mut lost, mut doubled) = (0, 0);
        for (number, watcher) in (0..).zip(&self.watchers) {
            let due = self.wish.topics.sharing(changes, number);
            lost += due.saturating_sub(watcher.changes);
            doubled += watcher.changes.saturating_sub(due);
            let whole = lost > 0 || watcher.is_between_frames();
            ensure!(whole, "the last frame of client {number} is not whole");
        }
        Ok((lost, doubled))
    }
}

impl Wish {
    /// The handshake of a client. A server that does not read filters is told the topic in the
    /// header `x-group`.
    fn request(&self, number: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(
            self.topics
                .filter(number as u64)
                .map(|filter| ("where", filter)),
        );
        query.extend_pairs(self.from.iter().map(|cursor| ("from", cursor)));
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        let group = self
            .topics
            .of(number as u64)
            .map(|topic| format!("x-group: {topic}\r\n"))
            .unwrap_or_default();
        let protocol = match self.format {
            ClientFormat::Text => "",
            ClientFormat::Json => "sec-websocket-protocol: people.v1.json\r\n",
        };
        format!(
            "GET /people{mark}{query} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}{group}\r\n",
            self.server
        )
    }
}

/// As many files as the machine allows; children inherit it.
pub(crate) fn raise_open_files(wanted: usize) -> anyhow::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// Files that are no client's.
    const OTHERS: usize = 256;
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
        most >= (wanted + OTHERS) as u64,
        "{wanted} clients need {} open files, and the limit is {most}: raise it (ulimit -Hn), or \
         take fewer",
        wanted + OTHERS
    );
    Ok(())
}
