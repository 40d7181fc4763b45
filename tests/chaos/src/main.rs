//! `people-chaos`: runs faults with seeds, and prints what clients and writers saw as a table.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the command line"
)]

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use people_chaos::faults::{self, Fault};
use people_chaos::results;
use people_chaos::runs::{AtOnce, Run, cases, run_all};
use people_chaos::sabotages;
use people_chaos::table::table;
use people_testing::redis::allow_groups;

/// Brings faults about at gateways, stores, networks and clients, and proves that views stay exact.
///
/// Needs redis-server. Each run starts servers of its own on free ports of 127.0.0.1.
#[derive(Parser)]
struct Arguments {
    /// Runs of each fault, with the seeds from 1 on.
    #[arg(long, default_value_t = 20)]
    runs: u64,
    /// Only this seed.
    #[arg(long, conflicts_with = "runs")]
    seed: Option<u64>,
    /// Only faults whose name contains this; may be given several times.
    #[arg(long = "fault")]
    faults: Vec<String>,
    /// Runs at the same time with a group of servers.
    #[arg(long, default_value_t = 2)]
    groups: usize,
    /// Runs at the same time with one server.
    #[arg(long, default_value_t = 3)]
    others: usize,
    /// Appends each run to this file as a line of JSON, and skips runs that it has already.
    #[arg(long)]
    results: Option<PathBuf>,
    /// Ends after the first run that breaks a promise.
    #[arg(long)]
    until_broken: bool,
    /// Lists the faults, and ends.
    #[arg(long)]
    list: bool,
    /// Plants one bug after the other, and prints which fault shows each. Needs a build of this
    /// program and of the gateway with the feature `sabotage`.
    #[arg(long, conflicts_with_all = ["results", "until_broken", "list"])]
    sabotages: bool,
    /// Only planted bugs whose name contains this; may be given several times.
    #[arg(long = "sabotage")]
    sabotage: Vec<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let asked = |name: &str, all: &[String]| {
        all.is_empty() || all.iter().any(|part| name.contains(part.as_str()))
    };
    let faults: Vec<&'static Fault> = faults::all()
        .filter(|fault| asked(fault.name, &arguments.faults))
        .collect();
    if arguments.list {
        for fault in &faults {
            println!("{:40} {}", fault.name, fault.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.sabotages {
        let are_caught = sabotages::catch_all(|name| asked(name, &arguments.sabotage))?;
        return Ok(ExitCode::from(u8::from(!are_caught)));
    }
    anyhow::ensure!(!faults.is_empty(), "no fault has such a name: see --list");
    let seeds = match arguments.seed {
        Some(seed) => seed..=seed,
        None => 1..=arguments.runs,
    };
    let file = arguments.results.as_deref();
    let mut runs = file.map(results::read).transpose()?.unwrap_or_default();
    let mut cases = cases(&faults, seeds);
    cases.retain(|(fault, case)| {
        let is_it = |run: &Run| run.fault == fault.name && run.seed == case.seed;
        !runs.iter().any(is_it)
    });
    let mut written = Ok(());
    allow_groups(arguments.groups.max(1));
    let at_once = AtOnce {
        groups: arguments.groups,
        others: arguments.others,
    };
    run_all(cases, at_once, |run| {
        eprintln!("{run}");
        if let Some(file) = file {
            written = results::append(file, &run);
        }
        let ends = written.is_err() || (arguments.until_broken && run.is_broken());
        runs.push(run);
        if ends {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    written?;
    print!("{}", table(faults.into_iter(), &runs));
    let is_clean = !runs.iter().any(Run::is_broken);
    Ok(ExitCode::from(u8::from(!is_clean)))
}
