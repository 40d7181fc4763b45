//! History that breaks: Redis comes back older, a replica that lagged is promoted, gateways move to
//! it one after the other, or with one half of their connections first. Clients of every format are
//! there before, during and after.
//!
//! Each schedule runs with ten seeds, on one partition and on four. `ORACLE_SEED=N` runs one seed
//! only, `ORACLE_SEEDS=N` the first N:
//!
//! ```sh
//! ORACLE_SEED=3 cargo test --test it -- oracle::forks::split --nocapture
//! ```

mod failover;
mod fold;
mod judge;
mod older;
mod split;
mod told;
mod watcher;
mod wire;
mod world;

use std::time::Duration;

use tokio::sync::Semaphore;

use judge::Verdicts;
use world::Case;

/// Runs that are under way at once, in all tests together: they mostly wait.
const AT_ONCE: usize = 6;
const SEEDS: u64 = 10;
/// Of one run that fails, so many faults are shown, so far.
const FAULTS_SHOWN: usize = 4;
const FAULT_CHARS: usize = 900;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Runs a schedule with every seed, and fails with all that any of them found.
fn with_every_seed<F: Future<Output = Verdicts> + 'static>(
    name: &'static str,
    schedule: fn(Case) -> F,
) {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|number| number.parse().ok())
    };
    let seeds = number("ORACLE_SEED").map_or(1..=number("ORACLE_SEEDS").unwrap_or(SEEDS), |seed| {
        seed..=seed
    });
    let cases = [1, 4].map(|partitions| {
        seeds.clone().map(move |seed| Case {
            name,
            seed,
            partitions,
        })
    });
    let runs = cases.into_iter().flatten().map(|case| {
        (
            case.clone(),
            std::thread::spawn(move || run(schedule, case)),
        )
    });
    let (mut wrong, mut slowest) = (Vec::new(), Duration::ZERO);
    for (case, run) in runs.collect::<Vec<_>>() {
        let shown = case.to_string();
        match run.join() {
            Ok(Verdicts { took, faults }) => {
                slowest = slowest.max(took);
                wrong.extend(shortened(&shown, faults));
            }
            Err(_) => wrong.push(format!("{shown}: a panic, see above")),
        }
    }
    eprintln!("{name}: {:.2} s at most", slowest.as_secs_f64());
    assert!(
        wrong.is_empty(),
        "{} faults:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The first faults of a run, as far as somebody would read.
fn shortened(shown: &str, faults: Vec<String>) -> Vec<String> {
    let more = faults.len().saturating_sub(FAULTS_SHOWN);
    let first = faults.into_iter().take(FAULTS_SHOWN).map(|fault| {
        let start: String = fault.chars().take(FAULT_CHARS).collect();
        format!("{shown}: {start}")
    });
    let rest = (more > 0).then(|| format!("{shown}: and {more} more"));
    first.chain(rest).collect()
}

/// One run, on a runtime of its own, when it is its turn.
fn run<F: Future<Output = Verdicts>>(schedule: fn(Case) -> F, case: Case) -> Verdicts {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let _turn = TURNS.acquire().await.expect("never closed");
        let verdicts = Box::pin(schedule(case.clone())).await;
        let Verdicts { took, faults } = &verdicts;
        eprintln!(
            "{case}: the truth after {:.2} s, {} faults",
            took.as_secs_f64(),
            faults.len()
        );
        verdicts
    })
}
