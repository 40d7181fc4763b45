//! The state machines of the topology and of the logs, driven together: a gateway before a
//! simulated cluster that fails over, splits, moves slots and loses data, at virtual times that a
//! seed decides.
//!
//! `SIMULATION_SCHEDULES=N` runs N schedules, `SIMULATION_SEED=S` begins with the seed S, and
//! `SIMULATION_PRINTS=1` prints all that happens.

mod checks;
mod cluster;
mod gateway;
mod simulation;
mod timeline;

use std::panic::{AssertUnwindSafe, catch_unwind};

use gateway::Flaw;
use simulation::Simulation;

/// Schedules of a test run.
const SCHEDULES: u64 = 500;
/// Failures after which it ends.
const FAILURES_MAX: usize = 10;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_schedule_ends_with_exactly_the_log() {
    let first = setting("SIMULATION_SEED").unwrap_or(1);
    let count = setting("SIMULATION_SCHEDULES").unwrap_or(SCHEDULES);
    let prints = setting("SIMULATION_PRINTS").is_some();
    let fails = |seed: &u64| {
        let run = || Simulation::run(*seed, Flaw::None, prints);
        catch_unwind(AssertUnwindSafe(run)).is_err()
    };
    let failed: Vec<u64> = (first..first + count)
        .filter(fails)
        .take(FAILURES_MAX)
        .collect();
    assert!(
        failed.is_empty(),
        "the schedules {failed:?} failed; repeat one with SIMULATION_SEED=... \
         SIMULATION_SCHEDULES=1 cargo test --lib cluster_tests"
    );
}

/// Whether some of these schedules notices a flaw of the driver.
fn is_noticed(flaw: Flaw) -> bool {
    (1..=2_000).any(|seed| {
        let run = || Simulation::run(seed, flaw, false);
        catch_unwind(AssertUnwindSafe(run)).is_err()
    })
}

#[test]
fn a_flawed_driver_is_noticed() {
    for flaw in [
        Flaw::KeepsSubscriptions,
        Flaw::SubscribesTwice,
        Flaw::TrustsSubscriptions,
        Flaw::BlamesTheFirst,
        Flaw::FailsTogether,
        Flaw::RepeatsUnknownWrites,
    ] {
        assert!(is_noticed(flaw), "{flaw:?}");
    }
}
