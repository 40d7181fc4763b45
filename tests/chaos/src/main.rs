//! `people-chaos`: runs faults with seeds, and prints what clients and writers saw as a table.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the command line"
)]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use people_chaos::faults::{self, Fault};
use people_chaos::runs::{Run, cases, run_all};
use people_chaos::table::table;

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
    /// Runs with one server beside the one with a group of servers.
    #[arg(long, default_value_t = 3)]
    jobs: usize,
    /// Appends each run to this file as a line of JSON, and skips runs that it has already.
    #[arg(long)]
    results: Option<PathBuf>,
    /// Lists the faults, and ends.
    #[arg(long)]
    list: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let faults: Vec<&'static Fault> = faults::all()
        .filter(|fault| is_asked_for(fault, &arguments.faults))
        .collect();
    if arguments.list {
        for fault in &faults {
            println!("{:40} {}", fault.name, fault.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    anyhow::ensure!(!faults.is_empty(), "no fault has such a name: see --list");
    let seeds = arguments
        .seed
        .map_or(1..=arguments.runs, |seed| seed..=seed);
    let mut runs = earlier(arguments.results.as_deref())?;
    let mut cases = cases(&faults, seeds);
    cases.retain(|(fault, case)| {
        !runs
            .iter()
            .any(|run| run.fault == fault.name && run.seed == case.seed)
    });
    let mut written = Ok(());
    run_all(cases, arguments.jobs, |run| {
        eprintln!("{run}");
        if let (Some(file), Ok(())) = (&arguments.results, &written) {
            written = append(file, &run);
        }
        runs.push(run);
    });
    written?;
    print!("{}", table(faults.into_iter(), &runs));
    let is_clean = runs.iter().all(|run| run.report.violations.is_empty());
    Ok(ExitCode::from(u8::from(!is_clean)))
}

fn is_asked_for(fault: &Fault, names: &[String]) -> bool {
    names.is_empty() || names.iter().any(|name| fault.name.contains(name.as_str()))
}

/// The runs that a file of results has.
fn earlier(file: Option<&Path>) -> anyhow::Result<Vec<Run>> {
    let Some(file) = file.filter(|file| file.exists()) else {
        return Ok(Vec::new());
    };
    let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    let runs = text.lines().map(serde_json::from_str);
    runs.collect::<Result<_, _>>()
        .with_context(|| format!("{} is not a file of results", file.display()))
}

fn append(file: &Path, run: &Run) -> anyhow::Result<()> {
    let mut out = OpenOptions::new().create(true).append(true).open(file)?;
    writeln!(out, "{}", serde_json::to_string(run)?)?;
    Ok(())
}
