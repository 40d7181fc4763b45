//! The load: WebSocket clients and REST callers of one server, in one thread of one process.
//!
//! It is told its [`Plan`] on the command line and tells its progress on standard output, a
//! [`Word`] a line. A client that cannot connect, is closed, or is sent what it should not be sent
//! ends it; what was lost or doubled is counted.

pub(crate) mod burst;
mod changes;
mod crowd;
mod frames;
mod latency;
mod mark;
pub(crate) mod plan;
pub(crate) mod rest;
mod resume;
mod slow;
mod watcher;

use std::io::{self, Read as _};
use std::time::{Duration, Instant};

pub(crate) use crowd::raise_open_files;

use crate::poller::Interest;
use crate::say::say;
use changes::{Changes, Stretch};
use crowd::{Crowd, Wish};
use plan::{Afterwards, Length, Outcome, Pace, Plan, Slow, Stage, Word};
use slow::Sippers;
use watcher::Buffer;

/// How often an idle load looks at the clock.
const IDLE_WAIT: Duration = Duration::from_secs(1);
/// The number under which an idle load watches standard input.
const INPUT: usize = usize::MAX;

/// Carries out the plan, and tells how that ended.
pub(crate) fn run(plan: &Plan) -> anyhow::Result<()> {
    // Whoever measures may be killed: nobody else would end this.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    match carry_out(plan) {
        Ok(Some(outcome)) => tell(&Word::End(outcome)),
        Ok(None) => Ok(()),
        Err(error) => tell(&Word::Failed(format!("{error:#}"))),
    }
}

fn carry_out(plan: &Plan) -> anyhow::Result<Option<Outcome>> {
    match plan.stage {
        Stage::Idle => connect(plan).and_then(idle).map(|()| None),
        Stage::Changes {
            pace,
            warm_up,
            length,
            slow,
        } => change(plan, pace, warm_up, length, slow).map(Some),
        Stage::Resume { changes } => resume::run(plan, changes).map(Some),
    }
}

fn wish(plan: &Plan) -> Wish {
    Wish {
        server: plan.server,
        format: plan.format,
        topics: plan.topics,
        buffer: Buffer::Usual,
        from: None,
    }
}

/// Connects the clients, and tells how long that took.
fn connect(plan: &Plan) -> anyhow::Result<Crowd> {
    let started = Instant::now();
    let crowd = Crowd::connect(wish(plan), plan.clients)?;
    tell(&Word::Open(started.elapsed()))?;
    Ok(crowd)
}

/// Answers pings until standard input is closed.
fn idle(mut crowd: Crowd) -> anyhow::Result<()> {
    let mut input = io::stdin();
    crowd.poller.add(&input, INPUT, Interest::Read)?;
    loop {
        crowd.turn(IDLE_WAIT)?;
        if !crowd.ready.is_empty() && input.read(&mut [0; 64])? == 0 {
            return Ok(());
        }
    }
}

fn change(
    plan: &Plan,
    pace: Pace,
    warm_up: Duration,
    length: Length,
    slow: Option<Slow>,
) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let crowd = Crowd::connect(wish(plan), plan.clients)?;
    let sippers = slow
        .map(|slow| Sippers::connect(wish(plan), slow))
        .transpose()?;
    tell(&Word::Open(started.elapsed()))?;
    let mut changes = Changes::new(crowd, plan.writer, plan.topics, pace)?;
    changes.sippers = sippers;
    changes.make(Length::Lasting(warm_up))?;
    begin()?;
    let bytes = changes.crowd.heard.bytes;
    let stretch = changes.make(length)?;
    let bytes = changes.crowd.heard.bytes - bytes;
    let latency = changes.latencies().summary();
    // Said before it is counted whether all is there: whoever measures reads the clocks now.
    tell(&Word::Done)?;
    let (lost, doubled) = changes.faults()?;
    if plan.afterwards == Afterwards::Delete {
        changes.delete_people()?;
    }
    let Stretch {
        changes,
        deliveries,
        lasted,
    } = stretch;
    Ok(Outcome {
        changes,
        deliveries,
        bytes,
        lost,
        doubled,
        lasted,
        latency,
    })
}

/// Says that the measurement can begin, and waits until it has.
fn begin() -> anyhow::Result<()> {
    tell(&Word::Begin)?;
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

fn tell(word: &Word) -> anyhow::Result<()> {
    Ok(say(&format!("{}\n", serde_json::to_string(word)?))?)
}
