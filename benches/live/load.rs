//! The load: WebSocket clients and REST callers of one server, in one thread of one process.
//!
//! It tells its progress on standard output, a word a line: `open` when all clients are connected, `begin` when the
//! warm-up is over, and `end CHANGES BYTES` when every client has every change of the measured stretch. It fails when a
//! client lost or doubled one, or when the server closed a connection. An idle load only answers pings, until its
//! standard input is closed.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::support::poller::Poller;
use crate::support::report::say;
use crate::support::rest::{Caller, Request};
use crate::support::watcher::Watcher;

/// Bytes that one read takes.
const BUFFER_BYTES: usize = 64 * 1024;
/// How long nothing may happen while something is due.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often an idle load looks at the clock.
const IDLE_WAIT: Duration = Duration::from_secs(1);

/// What the clients are there for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plan {
    /// Nothing: they stay until standard input is closed.
    Idle,
    /// Changes, of which the first `warm_up` are not measured.
    Changes { pace: Pace, warm_up: u64, measured: u64 },
}

/// When the next change is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// So many a second.
    PerSecond(u32),
    /// As soon as fewer than so many are on their way to some client.
    InFlight(u64),
}

impl Plan {
    /// As the words that [`TryFrom`] reads.
    pub(crate) fn words(self) -> Vec<String> {
        match self {
            Self::Idle => vec!["idle".to_owned()],
            Self::Changes { pace, warm_up, measured } => {
                let (kind, number) = match pace {
                    Pace::PerSecond(number) => ("per-second", u64::from(number)),
                    Pace::InFlight(number) => ("in-flight", number),
                };
                vec![kind.to_owned(), number.to_string(), warm_up.to_string(), measured.to_string()]
            }
        }
    }
}

impl TryFrom<&[&str]> for Plan {
    type Error = anyhow::Error;

    fn try_from(words: &[&str]) -> anyhow::Result<Self> {
        let [kind, number, warm_up, measured] = words else {
            ensure!(words == ["idle"], "not a plan: {words:?}");
            return Ok(Self::Idle);
        };
        let pace = match *kind {
            "per-second" => Pace::PerSecond(number.parse()?),
            "in-flight" => Pace::InFlight(number.parse()?),
            other => bail!("not a pace: {other}"),
        };
        Ok(Self::Changes { pace, warm_up: warm_up.parse()?, measured: measured.parse()? })
    }
}

/// Connects the clients and carries out the plan.
pub(crate) fn run(address: SocketAddr, clients: usize, plan: &Plan) -> anyhow::Result<()> {
    let mut load = Load::connect(address, clients)?;
    say("open\n")?;
    match *plan {
        Plan::Idle => load.idle(),
        Plan::Changes { pace, warm_up, measured } => {
            let mut changes = Changes::new(&mut load, address, pace)?;
            changes.make(warm_up)?;
            let before = load_bytes(changes.load);
            say("begin\n")?;
            changes.make(measured)?;
            let bytes = load_bytes(changes.load) - before;
            say(&format!("end {measured} {bytes}\n"))?;
            Ok(())
        }
    }
}

/// The clients.
struct Load {
    poller: Poller,
    watchers: Vec<Watcher>,
    buffer: Vec<u8>,
    ready: Vec<usize>,
    /// Frames that all clients together have received.
    frames: u64,
}

impl Load {
    fn connect(address: SocketAddr, clients: usize) -> anyhow::Result<Self> {
        let poller = Poller::new()?;
        let mut watchers = Vec::with_capacity(clients);
        for number in 0..clients {
            let watcher = Watcher::open(address).with_context(|| format!("client {number}"))?;
            poller.add(&watcher.stream, number)?;
            watchers.push(watcher);
        }
        Ok(Self { poller, watchers, buffer: vec![0; BUFFER_BYTES], ready: Vec::new(), frames: 0 })
    }

    /// Waits, and takes what the clients have; numbers that are no client's are left in `ready`.
    fn turn(&mut self, at_most: Duration) -> io::Result<()> {
        self.poller.wait(at_most, &mut self.ready)?;
        for number in &self.ready {
            if let Some(watcher) = self.watchers.get_mut(*number) {
                self.frames += watcher.receive(&mut self.buffer)?;
            }
        }
        self.ready.retain(|number| *number >= self.watchers.len());
        Ok(())
    }

    fn idle(&mut self) -> anyhow::Result<()> {
        let mut input = io::stdin();
        self.poller.add(&input, self.watchers.len())?;
        loop {
            self.turn(IDLE_WAIT)?;
            if !self.ready.is_empty() && input.read(&mut [0; 64])? == 0 {
                return Ok(());
            }
        }
    }

    /// Checks that each client has had exactly `frames` frames, in full.
    fn check(&self, frames: u64) -> anyhow::Result<()> {
        for (number, watcher) in self.watchers.iter().enumerate() {
            ensure!(watcher.frames == frames, "client {number} has {} frames of {frames}", watcher.frames);
            ensure!(watcher.is_between_frames(), "the last frame of client {number} is not whole");
        }
        Ok(())
    }
}

fn load_bytes(load: &Load) -> u64 {
    load.watchers.iter().map(|watcher| watcher.bytes).sum()
}

/// The callers that make the changes, each with one request at a time.
struct Changes<'a> {
    load: &'a mut Load,
    callers: Vec<Caller>,
    /// Callers without a request under way.
    free: VecDeque<usize>,
    request: Request,
    pace: Pace,
    /// Changes that were asked for so far; each makes a person of its own.
    made: u64,
}

impl<'a> Changes<'a> {
    fn new(load: &'a mut Load, address: SocketAddr, pace: Pace) -> anyhow::Result<Self> {
        let count = match pace {
            // An answer is awaited for less than a tick, or the server does not keep up.
            Pace::PerSecond(_) => 4,
            Pace::InFlight(most) => usize::try_from(most)?,
        };
        let callers = (0..count).map(|_| Caller::connect(address)).collect::<Result<Vec<_>, _>>()?;
        for (number, caller) in callers.iter().enumerate() {
            load.poller.add(&caller.stream, load.watchers.len() + number)?;
        }
        let free = (0..count).collect();
        Ok(Self { load, callers, free, request: Request::create(address), pace, made: 0 })
    }

    /// Makes `count` changes at the pace, and waits until every client has had all that were ever made.
    fn make(&mut self, count: u64) -> anyhow::Result<()> {
        let (first, goal) = (self.made, self.made + count);
        let clients = self.load.watchers.len() as u64;
        let started = Instant::now();
        let mut heard = Instant::now();
        while self.load.frames < goal * clients || self.free.len() < self.callers.len() {
            let wait = self.make_due(first, goal, started)?;
            let before = self.load.frames;
            self.load.turn(wait)?;
            self.take_answers()?;
            if self.load.frames > before || self.made < goal {
                heard = Instant::now();
            }
            ensure!(heard.elapsed() < PATIENCE, "{} of {} frames arrived", self.load.frames, goal * clients);
        }
        self.load.check(goal)
    }

    /// Sends what is due; returns how long to wait for the next at most.
    fn make_due(&mut self, first: u64, goal: u64, started: Instant) -> anyhow::Result<Duration> {
        while self.made < goal {
            match self.pace {
                Pace::PerSecond(rate) => {
                    let due = Duration::from_secs(self.made - first) / rate;
                    let early = due.saturating_sub(started.elapsed());
                    if !early.is_zero() {
                        return Ok(early);
                    }
                }
                Pace::InFlight(most) => {
                    let delivered = self.load.frames / self.load.watchers.len() as u64;
                    if self.made - delivered >= most {
                        break;
                    }
                }
            }
            let Some(caller) = self.free.pop_front() else { break };
            self.callers[caller].send(self.request.of(self.made))?;
            self.made += 1;
        }
        Ok(PATIENCE)
    }

    fn take_answers(&mut self) -> anyhow::Result<()> {
        for number in &self.load.ready {
            let number = number - self.load.watchers.len();
            if let Some(status) = self.callers[number].receive()? {
                ensure!(status == 201, "an answer has status {status}");
                self.free.push_back(number);
            }
        }
        Ok(())
    }
}
