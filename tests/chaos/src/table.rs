//! The table of what the runs of each fault showed.

use std::fmt::Write as _;
use std::time::Duration;

use crate::clients::Kind;
use crate::faults::Fault;
use crate::runs::Run;

/// The columns that count violations.
const COUNTED: [(Kind, &str); 8] = [
    (Kind::Lost, "lost"),
    (Kind::Doubled, "doubled"),
    (Kind::Reordered, "reordered"),
    (Kind::Phantom, "phantom"),
    (Kind::WrongView, "wrong views"),
    (Kind::Untold, "untold"),
    (Kind::Refused, "refused"),
    (Kind::Unfinished, "unfinished"),
];

/// A row for each fault that has runs, in Markdown.
pub fn table<'a>(faults: impl Iterator<Item = &'a Fault>, runs: &[Run]) -> String {
    let names = COUNTED.map(|(_, name)| name).join(" | ");
    let mut table = format!(
        "| fault | runs | {names} | resets: told, too many | writes: acknowledged, unknown, taken \
         | silence of writes | of frames | time to heal |\n|---|{}\n",
        "---:|".repeat(COUNTED.len() + 6)
    );
    for fault in faults {
        let of_fault: Vec<&Run> = runs.iter().filter(|run| run.fault == fault.name).collect();
        if !of_fault.is_empty() {
            row(&mut table, fault, &of_fault);
        }
    }
    table
}

fn row(table: &mut String, fault: &Fault, runs: &[&Run]) {
    let count = |kind: Kind| {
        let violations = runs.iter().flat_map(|run| &run.report.violations);
        violations
            .filter(|violation| violation.kind == kind)
            .count()
    };
    let sum = |of: fn(&Run) -> usize| runs.iter().map(|run| of(run)).sum::<usize>();
    let longest = |of: fn(&Run) -> Duration| {
        let longest = runs.iter().map(|run| of(run)).max().unwrap_or_default();
        format!("{:.2} s", longest.as_secs_f64())
    };
    let counts = COUNTED.map(|(kind, _)| count(kind).to_string()).join(" | ");
    writeln!(
        table,
        "| `{}`: {} | {} | {counts} | {}, {} | {}, {}, {} | {} | {} | {} |",
        fault.name,
        fault.what,
        runs.len(),
        sum(|run| run.report.resets),
        count(Kind::Reset),
        sum(|run| run.report.acknowledged),
        sum(|run| run.report.unknown),
        sum(|run| run.report.taken),
        longest(|run| run.report.silence_of_writes),
        longest(|run| run.report.silence_of_frames),
        longest(|run| run.report.heal),
    )
    .expect("a string takes all");
}
