//! Contestants take turns: A, B, A, B, ... A turn that others disturbed is taken again.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Report, Turn};
use crate::say::note;

/// What others may take of one core while a turn is measured: a build beside it makes any figure
/// worthless.
const OTHERS_PERCENT: f64 = 100.0 / 3.0;
/// Turns of a contestant that are thrown away in one round at most; the next one counts, whatever
/// it is, and the report shows how disturbed it was.
const MOST_REPEATS: usize = 10;

/// How often each contestant takes its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    pub(crate) number: usize,
    pub(crate) disturbed: Disturbed,
}

/// What becomes of a turn in which others took more than a third of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Disturbed {
    /// It is taken again, ten times at most
    Repeat,
    /// It counts: for a look, not for figures to tell
    Keep,
}

/// Lets each contestant take its turn, so many times, and adds them to the report, in whose order
/// the contestants are.
pub(crate) async fn take_turns<C>(
    report: &mut Report,
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
                if disturbed == Disturbed::Keep || !is_disturbed(&taken) || repeats == MOST_REPEATS
                {
                    break taken;
                }
                repeats += 1;
                let Turn { others, stolen, .. } = taken;
                let told = format!(
                    "turn {round} of {name} is taken again: others took {others:.0} % of a core, \
                     the hypervisor {stolen:.0} %"
                );
                bar.suspend(|| note(&told))?;
            };
            report.add(index, taken);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// A turn in which something was lost counts, however disturbed it was.
fn is_disturbed(turn: &Turn) -> bool {
    turn.lost + turn.doubled == 0 && turn.others + turn.stolen > OTHERS_PERCENT
}

/// Hidden unless standard error is a terminal.
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
    async fn a_disturbed_turn_is_taken_again_but_not_for_ever_and_a_lossy_one_counts() {
        use Disturbed::{Keep, Repeat};
        for (others, stolen, lost, disturbed, expected) in [
            (10.0, 0.0, 0, Repeat, 1),
            (30.0, 10.0, 0, Repeat, 1 + MOST_REPEATS),
            (30.0, 10.0, 0, Keep, 1),
            (90.0, 0.0, 3, Repeat, 1),
        ] {
            let mut report = Report::new("test", String::new(), serde_json::Value::Null);
            report.contender("a", None);
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
