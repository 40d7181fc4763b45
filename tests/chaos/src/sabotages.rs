//! Planted bugs: each is caught when a run of some fault breaks a promise with the bug, and breaks
//! none without it.

#![allow(clippy::print_stdout, reason = "the table is what it is called for")]

use std::process::{Command, Stdio};

use anyhow::Context as _;
use people_core::sabotage::{Sabotage, VARIABLE};

use crate::results;
use crate::runs::Run;

/// Plants each bug that is asked for, and prints which fault shows it. True if each is caught.
pub fn catch_all(is_asked_for: impl Fn(&str) -> bool) -> anyhow::Result<bool> {
    anyhow::ensure!(
        cfg!(feature = "sabotage"),
        "this program has no planted bugs: build it and people-gateway with --features sabotage"
    );
    println!("| planted bug | shown by | what clients or writers saw |\n|---|---|---|");
    let mut are_caught = true;
    let all = Sabotage::ALL.iter().copied();
    for sabotage in all.filter(|sabotage| is_asked_for(sabotage.name())) {
        let name = sabotage.name();
        let shown = catch(sabotage).with_context(|| name.to_owned())?;
        are_caught &= shown.is_some();
        match shown {
            None => println!("| `{name}` | **no fault** | |"),
            Some(run) => println!(
                "| `{name}` | `{}` with seed {} | {} |",
                run.fault,
                run.seed,
                kinds(&run)
            ),
        }
    }
    Ok(are_caught)
}

/// The first run that shows this bug: of the fault that should, then of all faults.
fn catch(sabotage: Sabotage) -> anyhow::Result<Option<Run>> {
    for (fault, runs) in [(likely(sabotage), "--runs=6"), ("", "--runs=2")] {
        let Some(shown) = broken(Some(sabotage), fault, runs)? else {
            continue;
        };
        let seed = format!("--seed={}", shown.seed);
        if broken(None, &shown.fault, &seed)?.is_none() {
            return Ok(Some(shown));
        }
    }
    Ok(None)
}

/// The first run that breaks a promise, of faults whose names contain this, in another process.
fn broken(sabotage: Option<Sabotage>, fault: &str, runs: &str) -> anyhow::Result<Option<Run>> {
    let folder = tempfile::tempdir()?;
    let results = folder.path().join("runs.jsonl");
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--until-broken", "--fault", fault, runs, "--results"])
        .arg(&results)
        .env_remove(VARIABLE)
        .stdout(Stdio::null());
    command.envs(sabotage.map(|sabotage| (VARIABLE, sabotage.name())));
    // Fails when a promise is broken: the file tells which.
    command.status()?;
    let runs = results::read(&results)?;
    anyhow::ensure!(!runs.is_empty(), "no fault was run");
    Ok(runs.into_iter().find(Run::is_broken))
}

/// The fault that breaks the promise which the bug leaves unkept.
const fn likely(sabotage: Sabotage) -> &'static str {
    match sabotage {
        Sabotage::GapSkipped | Sabotage::RepeatDelivered => "subscription-cut",
        Sabotage::ForkUntold => "cluster-lossy-failover",
        Sabotage::EpochUntold | Sabotage::ResetUntold | Sabotage::ViewKeptAtReset => {
            "redis-flushed"
        }
        Sabotage::HeadsNotCompared => "subscription-last-frame-lost",
        Sabotage::SilentPartitionForgotten => "cluster-master-frozen",
        Sabotage::OverflowForgotten | Sabotage::BatchByLastChange => "clients-stop-reading",
        Sabotage::PagePositionLate | Sabotage::HandOverGap => "clients-flap",
        Sabotage::LostWriteRepeated => "link-dropped",
        Sabotage::KeyLostInRepeat => "link-answers-lost",
        Sabotage::WaitIgnored => "durable-lossy-failover",
        Sabotage::OlderMapBelieved => "sentinel-one-lies",
        Sabotage::CommitNotDurable => "embedded-kill-loop",
        Sabotage::DamagedFileServed => "embedded-bit-flipped",
        Sabotage::ChangeNotCounted | Sabotage::ResumeWithoutCursor => "gateway-killed",
    }
}

/// The kinds of violations, and how often each came.
fn kinds(run: &Run) -> String {
    let mut kinds: Vec<_> = run.report.violations.iter().map(|it| it.kind).collect();
    kinds.sort_unstable();
    let groups = kinds.chunk_by(|one, other| one == other);
    let texts: Vec<_> = groups
        .map(|it| format!("{:?} {}", it[0], it.len()))
        .collect();
    texts.join(", ")
}
