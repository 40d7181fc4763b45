//! Contestants take turns: A, B, A, B, ... Turns that others disturbed are repeated.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::BenchReport;
use super::turn::Turn;
use crate::say::note;

/// The most load of others in a turn, in percent of one core. A build at the same time makes
/// figures worthless.
const OTHERS_MAX_PERCENT: f64 = 100.0 / 3.0;
/// The most repeated turns of a contestant in one round. The next turn counts, and the report shows
/// the load of others.
const REPEATS_MAX: usize = 10;

/// The number of turns of each contestant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    pub(crate) number: usize,
    pub(crate) disturbed: DisturbedTurn,
}

/// What happens to a turn in which others took more than a third of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DisturbedTurn {
    /// Repeat it, at most ten times
    Repeat,
    /// Keep it: for a first look, not for published figures
    Keep,
}

/// Takes the turns of all contestants, and adds them to the report, which has the same order.
pub(crate) async fn take_turns<C>(
    report: &mut BenchReport,
    rounds: Rounds,
    contestants: &[C],
    mut turn: impl AsyncFnMut(&C) -> anyhow::Result<Turn>,
) -> anyhow::Result<()> {
    let Rounds { number, disturbed } = rounds;
    let bar = bar(number * contestants.len());
    for round in 1..=number {
        for (index, contestant) in contestants.iter().enumerate() {
            let name = report.name(index).to_owned();
            bar.set_message(format!("turn {round} of {number}: {name}"));
            let mut repeats = 0;
            let taken = loop {
                let taken = turn(contestant)
                    .await
                    .map_err(|error| error.context(name.clone()))?;
                if disturbed == DisturbedTurn::Keep
                    || !is_disturbed(&taken)
                    || repeats == REPEATS_MAX
                {
                    break taken;
                }
                repeats += 1;
                let Turn { others, stolen, .. } = taken;
                let line = format!(
                    "turn {round} of {name} is repeated: others took {others:.0} % of a core, \
                     the hypervisor {stolen:.0} %"
                );
                bar.suspend(|| note(&line))?;
            };
            report.add_turn(index, taken);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Whether a turn must be repeated. A turn with faults always counts.
fn is_disturbed(turn: &Turn) -> bool {
    turn.lost + turn.doubled == 0 && turn.others + turn.stolen > OTHERS_MAX_PERCENT
}

/// A progress bar, hidden unless standard error is a terminal.
fn bar(turns: usize) -> ProgressBar {
    let bar = ProgressBar::new(turns as u64);
    let style = ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {pos}/{len} {msg}");
    bar.set_style(style.expect("the template is right").progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn disturbed_turns_are_repeated_up_to_a_limit_and_turns_with_faults_count() {
        use DisturbedTurn::{Keep, Repeat};
        for (others, stolen, lost, disturbed, expected) in [
            (10.0, 0.0, 0, Repeat, 1),
            (30.0, 10.0, 0, Repeat, 1 + REPEATS_MAX),
            (30.0, 10.0, 0, Keep, 1),
            (90.0, 0.0, 3, Repeat, 1),
        ] {
            let mut report = BenchReport::new("test", String::new(), serde_json::Value::Null);
            report.add_contestant("a", None);
            let mut turns = 0;
            take_turns(
                &mut report,
                Rounds {
                    number: 1,
                    disturbed,
                },
                &["a"],
                async |_| {
                    turns += 1;
                    Ok(Turn {
                        others,
                        stolen,
                        lost,
                        ..Turn::default()
                    })
                },
            )
            .await
            .unwrap();
            assert_eq!(turns, expected);
        }
    }
}
