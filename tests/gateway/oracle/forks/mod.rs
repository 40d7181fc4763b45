//! Forks of history: Redis restarts with an older state, or a replica that lagged is promoted, and
//! gateways move to it one by one, or with half of their connections first. Clients of every format
//! connect before, during and after the fault.
//!
//! Each schedule runs with ten seeds, on one partition and on four. `ORACLE_SEED=N` runs one seed
//! only, `ORACLE_SEEDS=N` the first N:
//!
//! ```sh
//! ORACLE_SEED=3 cargo test --test gateway -- oracle::forks::split --nocapture
//! ```

mod checks;
mod failover;
mod fold;
mod masters;
mod message;
mod older;
mod split;
mod watcher;
mod wire;
mod world;

use std::time::Duration;

use tokio::sync::Semaphore;

use checks::RunReport;
use world::Case;

/// Concurrent runs of all tests together. A run mostly waits.
const CONCURRENT_RUNS: usize = 6;
const SEEDS: u64 = 10;
/// Faults that are printed of one run.
const FAULTS_SHOWN: usize = 4;
/// Characters that are printed of one fault.
const FAULT_CHARS: usize = 900;

static RUN_PERMITS: Semaphore = Semaphore::const_new(CONCURRENT_RUNS);

/// Runs a schedule with every seed, on one partition and on four. Panics with the faults of all
/// runs.
fn with_every_seed<F: Future<Output = RunReport> + 'static>(
    name: &'static str,
    schedule: fn(Case) -> F,
) {
    with_seeds(name, SEEDS, &[1, 4], schedule);
}

/// Runs a schedule with these numbers of seeds and partitions. Panics with the faults of all runs.
fn with_seeds<F: Future<Output = RunReport> + 'static>(
    name: &'static str,
    seeds: u64,
    partitions: &[u16],
    schedule: fn(Case) -> F,
) {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|number| number.parse().ok())
    };
    let seeds = number("ORACLE_SEED").map_or(1..=number("ORACLE_SEEDS").unwrap_or(seeds), |seed| {
        seed..=seed
    });
    let cases = partitions.iter().map(|&partitions| {
        seeds.clone().map(move |seed| Case {
            name,
            seed,
            partitions,
        })
    });
    let runs = cases.flatten().map(|case| {
        (
            case.clone(),
            std::thread::spawn(move || run(schedule, case)),
        )
    });
    let (mut failures, mut slowest) = (Vec::new(), Duration::ZERO);
    for (case, run) in runs.collect::<Vec<_>>() {
        let case_name = case.to_string();
        match run.join() {
            Ok(RunReport {
                convergence,
                faults,
            }) => {
                slowest = slowest.max(convergence);
                failures.extend(shortened(&case_name, faults));
            }
            Err(_) => failures.push(format!("{case_name}: a panic, see above")),
        }
    }
    eprintln!("{name}: {:.2} s at most", slowest.as_secs_f64());
    assert!(
        failures.is_empty(),
        "{} faults:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// The first faults of a run, cut to a readable length.
fn shortened(case_name: &str, faults: Vec<String>) -> Vec<String> {
    let more = faults.len().saturating_sub(FAULTS_SHOWN);
    let first = faults.into_iter().take(FAULTS_SHOWN).map(|fault| {
        let start: String = fault.chars().take(FAULT_CHARS).collect();
        format!("{case_name}: {start}")
    });
    let rest = (more > 0).then(|| format!("{case_name}: and {more} more"));
    first.chain(rest).collect()
}

/// Runs one case on a runtime of its own, once a permit is free.
fn run<F: Future<Output = RunReport>>(schedule: fn(Case) -> F, case: Case) -> RunReport {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let _permit = RUN_PERMITS.acquire().await.expect("never closed");
        let report = Box::pin(schedule(case.clone())).await;
        let RunReport {
            convergence,
            faults,
        } = &report;
        eprintln!(
            "{case}: converged after {:.2} s, {} faults",
            convergence.as_secs_f64(),
            faults.len()
        );
        report
    })
}
