//! people-bench: what the gateway costs, measured so that anyone can repeat it (docs/benchmarks.md).
//!
//! Each workload lets contestants take turns: gateways, and beside them a floor that does nothing but write prepared
//! frames. Servers and load are processes of their own; CPU time and memory are read from /proc. Exit codes: 0 done,
//! 1 failed or something was lost, 2 wrong usage.

mod cli;
mod floor;
mod load;
mod machine;
mod person;
mod poller;
mod report;
mod say;
mod series;
#[cfg(test)]
mod series_tests;
mod servers;
mod trial;
mod workloads;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, WrongUse};

fn main() -> ExitCode {
    let Err(error) = Cli::parse().run() else { return ExitCode::SUCCESS };
    // Where standard error is closed there is nobody left to tell.
    let _ = say::note(&format!("people-bench: {error:#}"));
    if error.is::<WrongUse>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}
