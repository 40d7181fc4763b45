//! Planted bugs: each is caught when a run of some fault breaks a promise.

#![allow(clippy::print_stdout, reason = "the table is what it is called for")]

use std::process::{Command, Stdio};

use anyhow::Context as _;
use people_core::sabotage::{Sabotage, VARIABLE};

use crate::results;
use crate::runs::Run;

/// The runs of each fault at most, until one shows the bug.
const RUNS: &str = "3";

/// Plants each bug that is asked for. Runs faults in processes of their own until one shows it, and
/// prints the table. True if each is caught.
pub fn catch_all(is_asked_for: impl Fn(&str) -> bool) -> anyhow::Result<bool> {
    anyhow::ensure!(
        cfg!(feature = "sabotage"),
        "this program has no planted bugs: build it and people-gateway with --features sabotage"
    );
    if let Some(run) = catch(None)? {
        anyhow::bail!("a promise is broken without a planted bug: {run}");
    }
    println!("| planted bug | shown by | what clients or writers saw |\n|---|---|---|");
    let mut are_caught = true;
    let all = Sabotage::ALL.iter().map(|sabotage| sabotage.name());
    for name in all.filter(|name| is_asked_for(name)) {
        let shown = catch(Some(name)).with_context(|| name.to_owned())?;
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

/// The first run that breaks a promise with this bug; without one, of one run of each fault.
fn catch(name: Option<&str>) -> anyhow::Result<Option<Run>> {
    let folder = tempfile::tempdir()?;
    let results = folder.path().join("runs.jsonl");
    // Fails when a promise is broken: the file tells which.
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--until-broken", "--results"])
        .arg(&results)
        .args(["--runs", if name.is_some() { RUNS } else { "1" }])
        .env_remove(VARIABLE)
        .stdout(Stdio::null());
    command.envs(name.map(|name| (VARIABLE, name)));
    command.status()?;
    let runs = results::read(&results)?;
    Ok(runs.into_iter().find(Run::is_broken))
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
