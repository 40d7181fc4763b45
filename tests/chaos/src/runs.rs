//! Runs of faults: each on a thread and a runtime of its own, several at a time.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError, mpsc};

use serde::{Deserialize, Serialize};

use crate::checks::RunReport;
use crate::clients::{Kind, Violation};
use crate::faults::{Fault, Servers};
use crate::world::Case;

/// A run that has ended.
#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    pub fault: String,
    pub seed: u64,
    pub partitions: u16,
    pub report: RunReport,
}

impl Run {
    /// Whether it broke a promise.
    pub fn is_broken(&self) -> bool {
        !self.report.violations.is_empty()
    }
}

/// The cases of these faults: each with every number of partitions that it names, in turn.
pub fn cases(
    faults: &[&'static Fault],
    seeds: impl Iterator<Item = u64> + Clone,
) -> Vec<(&'static Fault, Case)> {
    let cases = faults.iter().flat_map(|fault| {
        seeds.clone().map(|seed| {
            let count = fault.partitions.len();
            let turn = usize::try_from(seed / 2).expect("a small seed") % count;
            let case = Case {
                name: fault.name,
                seed,
                partitions: fault.partitions[turn],
            };
            (*fault, case)
        })
    });
    cases.collect()
}

/// So many runs at the same time: with a group of servers, and with one server.
#[derive(Clone, Copy, Debug)]
pub struct AtOnce {
    pub groups: usize,
    pub others: usize,
}

/// Runs all cases and tells each when it has ended; ends early when `told` breaks.
pub fn run_all(
    cases: Vec<(&'static Fault, Case)>,
    at_once: AtOnce,
    mut told: impl FnMut(Run) -> ControlFlow<()>,
) {
    let (of_groups, others): (Vec<_>, Vec<_>) = cases
        .into_iter()
        .partition(|(fault, _)| fault.servers == Servers::Group);
    let queues = [
        Mutex::new(of_groups.into_iter()),
        Mutex::new(others.into_iter()),
    ];
    let (ended, runs) = mpsc::sync_channel(1);
    std::thread::scope(|scope| {
        for worker in 0..at_once.groups + at_once.others {
            let queue = &queues[usize::from(worker >= at_once.groups)];
            let ended = ended.clone();
            scope.spawn(move || {
                while let Some((fault, case)) = next(queue) {
                    if ended.send(run(fault, case)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(ended);
        // When this ends early, each worker ends after its run.
        let _ = runs.into_iter().try_for_each(&mut told);
    });
}

fn next<T>(queue: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).next()
}

/// Runs one case on a thread of its own.
pub fn run(fault: &'static Fault, case: Case) -> Run {
    let (seed, partitions) = (case.seed, case.partitions);
    let ended = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on((fault.schedule)(case))
    });
    let report = ended.join().unwrap_or_else(|panic| {
        let violation = Violation::new(Kind::Unfinished, text_of(&*panic));
        RunReport {
            violations: vec![violation],
            ..RunReport::default()
        }
    });
    Run {
        fault: fault.name.to_owned(),
        seed,
        partitions,
        report,
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a text")
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        /// Violations that are shown of one run, and characters of each.
        const SHOWN: (usize, usize) = (4, 900);
        let Self {
            fault,
            seed,
            partitions,
            report,
        } = self;
        let count = report.violations.len();
        write!(
            f,
            "{fault} --seed {seed} ({partitions} partitions): {count} violations; {} writes \
             acknowledged, {} unknown, {} taken; {} resets at {} clients; silence of writes \
             {:.2} s, of frames {:.2} s; healed after {:.2} s, converged after {:.2} s",
            report.acknowledged,
            report.unknown,
            report.taken,
            report.resets,
            report.clients,
            report.silence_of_writes.as_secs_f64(),
            report.silence_of_frames.as_secs_f64(),
            report.heal.as_secs_f64(),
            report.convergence.as_secs_f64(),
        )?;
        if !report.refused.is_empty() {
            write!(
                f,
                "; answers to writes that were refused: {:?}",
                report.refused
            )?;
        }
        for note in &report.notes {
            write!(f, "\n    {note}")?;
        }
        for violation in report.violations.iter().take(SHOWN.0) {
            let text: String = violation.to_string().chars().take(SHOWN.1).collect();
            write!(f, "\n    {text}")?;
        }
        Ok(())
    }
}
