//! The load: WebSocket clients and REST callers of one server, in one thread of one process.
//!
//! Its [`LoadPlan`] is an argument, and its progress goes to standard output, one [`LoadMessage`] a
//! line. A client that cannot connect, is closed, or gets an unexpected frame ends the load. Lost
//! and doubled deliveries are counted.

mod changes;
mod clients;
mod latency;
pub(crate) mod plan;
mod progress;
pub(crate) mod rest;
mod resume;

use std::io::{self, Read as _};
use std::time::{Duration, Instant};

use crate::poller::Interest;
use changes::{ChangeRun, Changes};
pub(crate) use clients::raise_open_files;
use clients::{ClientPool, SlowReaders};
use plan::{Cleanup, LoadMessage, LoadOutcome, LoadPlan, LoadStage, Pace, RunLength, SlowPlan};
use progress::{begin, connect_plan, report};

/// How often an idle load looks at the clock.
const IDLE_WAIT: Duration = Duration::from_secs(1);
/// Standard input's number in the poller of an idle load.
const INPUT: usize = usize::MAX;

/// Carries out the plan, and reports the outcome.
pub(crate) fn run(plan: &LoadPlan) -> anyhow::Result<()> {
    // The measuring process may be killed, and must not leave this one behind.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    match run_stage(plan) {
        Ok(Some(outcome)) => report(&LoadMessage::End(outcome)),
        Ok(None) => Ok(()),
        Err(error) => report(&LoadMessage::Failed(format!("{error:#}"))),
    }
}

fn run_stage(plan: &LoadPlan) -> anyhow::Result<Option<LoadOutcome>> {
    match plan.stage {
        LoadStage::Idle => connect(plan).and_then(idle).map(|()| None),
        LoadStage::Changes {
            pace,
            warm_up,
            length,
            slow,
        } => change(plan, pace, warm_up, length, slow).map(Some),
        LoadStage::Resume { changes } => resume::run(plan, changes).map(Some),
    }
}

/// Connects the clients, and reports how long that took.
fn connect(plan: &LoadPlan) -> anyhow::Result<ClientPool> {
    let started = Instant::now();
    let pool = ClientPool::connect(connect_plan(plan)?, plan.clients)?;
    report(&LoadMessage::Open(started.elapsed()))?;
    Ok(pool)
}

/// Answers pings until standard input is closed.
fn idle(mut pool: ClientPool) -> anyhow::Result<()> {
    let mut input = io::stdin();
    pool.poller.add(&input, INPUT, Interest::Read)?;
    loop {
        pool.poll(IDLE_WAIT)?;
        if !pool.ready.is_empty() && input.read(&mut [0; 64])? == 0 {
            return Ok(());
        }
    }
}

fn change(
    plan: &LoadPlan,
    pace: Pace,
    warm_up: Duration,
    length: RunLength,
    slow: Option<SlowPlan>,
) -> anyhow::Result<LoadOutcome> {
    let started = Instant::now();
    let pool = ClientPool::connect(connect_plan(plan)?, plan.clients)?;
    let slow_readers = slow
        .map(|slow| SlowReaders::connect(connect_plan(plan)?, slow))
        .transpose()?;
    report(&LoadMessage::Open(started.elapsed()))?;
    let mut changes = Changes::new(
        pool,
        plan.writer,
        plan.topics,
        pace,
        plan.writer_token.as_deref(),
    )?;
    changes.slow_readers = slow_readers;
    changes.make(RunLength::Time(warm_up))?;
    begin()?;
    let bytes = changes.pool.counts.bytes;
    let run = changes.make(length)?;
    let bytes = changes.pool.counts.bytes - bytes;
    let latency = changes.latencies().summary();
    // Reported before the count of faults: the measuring process reads its clocks now.
    report(&LoadMessage::Done)?;
    let (lost, doubled) = changes.faults()?;
    if plan.cleanup == Cleanup::Delete {
        changes.delete_people()?;
    }
    let ChangeRun {
        changes,
        deliveries,
        lasted,
    } = run;
    Ok(LoadOutcome {
        changes,
        deliveries,
        bytes,
        lost,
        doubled,
        lasted,
        latency,
    })
}
