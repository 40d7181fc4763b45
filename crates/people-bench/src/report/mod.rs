//! The report: all contestants over all turns, as a table for people and as JSON for programs.

pub(crate) mod figure;
mod rounds;
mod table;
mod turn;

use std::fs;

use anyhow::{Context as _, ensure};
use people_bench::series::Series;
use serde_json::{Map, Value, json};

use crate::cli::JsonTo;
use crate::say::{note, say};
use figure::Figure;
pub(crate) use rounds::{Disturbed, Rounds, take_turns};
pub(crate) use turn::Turn;

/// What a workload has to tell.
pub(crate) struct Report {
    workload: &'static str,
    title: String,
    settings: Value,
    /// Figures of which ratios are told.
    compared: Vec<Figure>,
    /// Figures of which differences are told.
    subtracted: Vec<Figure>,
    contenders: Vec<Contender>,
}

/// One contestant.
struct Contender {
    name: String,
    /// Whom it is compared with.
    base: Option<usize>,
    rows: Vec<(Figure, Series)>,
    lost: u64,
    doubled: u64,
}

impl Report {
    /// About nobody so far.
    pub(crate) fn new(workload: &'static str, title: String, settings: Value) -> Self {
        Self {
            workload,
            title,
            settings,
            compared: Vec::new(),
            subtracted: Vec::new(),
            contenders: Vec::new(),
        }
    }

    /// Ratios are told of these figures.
    pub(crate) fn compare(&mut self, figures: &[Figure]) {
        self.compared = figures.to_vec();
    }

    /// Differences are told of these figures.
    pub(crate) fn subtract(&mut self, figures: &[Figure]) {
        self.subtracted = figures.to_vec();
    }

    /// One more contestant; `base` is the number of the one that it is compared with.
    pub(crate) fn contender(&mut self, name: impl Into<String>, base: Option<usize>) {
        self.contenders.push(Contender {
            name: name.into(),
            base,
            rows: Vec::new(),
            lost: 0,
            doubled: 0,
        });
    }

    fn name(&self, contender: usize) -> &str {
        &self.contenders[contender].name
    }

    fn add(&mut self, contender: usize, turn: Turn) {
        let contender = &mut self.contenders[contender];
        contender.lost += turn.lost;
        contender.doubled += turn.doubled;
        for (figure, value) in turn.figures {
            match contender
                .rows
                .iter_mut()
                .find(|(known, _)| known.key == figure.key)
            {
                Some((_, series)) => series.push(value),
                None => contender.rows.push((figure, [value].into_iter().collect())),
            }
        }
    }

    /// A contestant's figure, turn by turn as a multiple of its base's.
    fn ratio(&self, contender: &Contender, figure: Figure) -> Option<Series> {
        let base = &self.contenders[contender.base?];
        Some(contender.series(figure)?.over(base.series(figure)?))
    }

    /// How far a contestant's figure is above its base's, turn by turn.
    fn difference(&self, contender: &Contender, figure: Figure) -> Option<Series> {
        let base = &self.contenders[contender.base?];
        Some(
            contender
                .series(figure)?
                .against(base.series(figure)?, |ours, theirs| ours - theirs),
        )
    }

    /// Prints the table, writes the JSON, and fails when anything was lost or doubled.
    pub(crate) fn finish(&self, json: Option<&JsonTo>) -> anyhow::Result<()> {
        let text = format!("\n{}\n{}", self.title, self.table());
        match json {
            None => say(&format!("{text}\n"))?,
            // Whoever reads the JSON wants nothing else there.
            Some(JsonTo::Output) => {
                note(&text)?;
                say(&format!("{:#}\n", self.json()))?;
            }
            Some(JsonTo::File(path)) => {
                say(&format!("{text}\n"))?;
                fs::write(path, format!("{:#}\n", self.json()))
                    .with_context(|| path.display().to_string())?;
            }
        }
        for Contender {
            name,
            lost,
            doubled,
            ..
        } in &self.contenders
        {
            ensure!(
                lost + doubled == 0,
                "{name}: {lost} deliveries were lost, {doubled} came too often"
            );
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let contestants = self.contenders.iter().map(|contender| {
            let figures: Map<String, Value> = contender
                .rows
                .iter()
                .map(|(figure, series)| (figure.key.to_owned(), series.json()))
                .collect();
            let ratios = self.compared.iter().filter_map(|figure| {
                self.ratio(contender, *figure)
                    .map(|ratio| (figure.key.to_owned(), ratio.json()))
            });
            let differences = self.subtracted.iter().filter_map(|figure| {
                self.difference(contender, *figure)
                    .map(|difference| (figure.key.to_owned(), difference.json()))
            });
            json!({
                "name": contender.name,
                "compared_with": contender.base.map(|base| self.name(base)),
                "figures": figures,
                "ratios": ratios.collect::<Map<_, _>>(),
                "differences": differences.collect::<Map<_, _>>(),
            })
        });
        let sum = |read: fn(&Contender) -> u64| self.contenders.iter().map(read).sum::<u64>();
        json!({
            "workload": self.workload,
            "settings": self.settings,
            "machine": {
                "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            },
            "lost": sum(|contender| contender.lost),
            "doubled": sum(|contender| contender.doubled),
            "contestants": contestants.collect::<Vec<_>>(),
        })
    }
}

impl Contender {
    fn series(&self, figure: Figure) -> Option<&Series> {
        self.rows
            .iter()
            .find(|(known, _)| known.key == figure.key)
            .map(|(_, series)| series)
    }
}

#[cfg(test)]
mod tests {
    use super::figure::{P99_MS, SERVER_US};
    use super::*;

    fn turn(server: f64, lost: u64) -> Turn {
        Turn {
            figures: vec![(SERVER_US, server)],
            lost,
            ..Turn::default()
        }
    }

    fn report(lost: u64) -> Report {
        let mut report = Report::new("fanout", "fanout".to_owned(), Value::Null);
        report.compare(&[SERVER_US, P99_MS]);
        report.subtract(&[SERVER_US, P99_MS]);
        report.contender("floor", None);
        report.contender("gateway", Some(0));
        for (floor, gateway) in [(5.0, 6.0), (10.0, 15.0), (5.0, 10.0)] {
            report.add(0, turn(floor, 0));
            report.add(1, turn(gateway, lost));
        }
        report
    }

    #[test]
    fn ratios_and_differences_are_taken_turn_by_turn_and_stand_below_the_figures() {
        let table = report(0).table();
        let rows: Vec<&str> = table
            .lines()
            .filter(|line| line.contains("server CPU"))
            .collect();
        assert!(
            rows[0].contains("5.00 (5.00-10.00)") && rows[0].contains("10.00 (6.00-15.00)"),
            "{table}"
        );
        assert!(
            rows[1].contains("times") && rows[1].contains("1.50 (1.20-2.00)"),
            "{table}"
        );
        assert!(
            rows[2].contains("above") && rows[2].contains("5.00 (1.00-5.00)"),
            "{table}"
        );
        assert_eq!(
            rows.len(),
            3,
            "what was not measured is not compared:\n{table}"
        );
        let json = report(0).json();
        assert_eq!(
            json["contestants"][1]["ratios"]["server_us_per_delivery"]["median"],
            1.5
        );
        assert_eq!(
            json["contestants"][1]["differences"]["server_us_per_delivery"]["median"],
            5.0
        );
        assert_eq!(
            (&json["lost"], &json["contestants"][1]["compared_with"]),
            (&json!(0), &json!("floor"))
        );
    }

    #[test]
    fn losses_fail_the_run_and_are_in_the_json() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.json");
        let error = report(2)
            .finish(Some(&JsonTo::File(file.clone())))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "gateway: 6 deliveries were lost, 0 came too often"
        );
        let json: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(json["lost"], 6);
    }
}
