//! The report: all contestants over all turns, as a table and as JSON.

pub(crate) mod figure;
mod rounds;
mod table;
mod turn;

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use people_bench::series::Series;
use serde_json::{Map, Value, json};

use crate::say::{note, say};
use figure::Figure;
pub(crate) use rounds::{DisturbedTurn, Rounds, take_turns};
pub(crate) use turn::Turn;

/// The destination of the report's JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonTarget {
    Output,
    File(PathBuf),
}

/// The report of a workload.
pub(crate) struct BenchReport {
    workload: &'static str,
    title: String,
    settings: Value,
    /// The figures with ratios.
    compared: Vec<Figure>,
    /// The figures with differences.
    subtracted: Vec<Figure>,
    columns: Vec<ReportColumn>,
}

/// The figures of one contestant.
struct ReportColumn {
    name: String,
    /// The column that it is compared with.
    base: Option<usize>,
    rows: Vec<(Figure, Series)>,
    lost: u64,
    doubled: u64,
}

impl FromStr for JsonTarget {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "-" {
            Self::Output
        } else {
            Self::File(text.into())
        })
    }
}

impl BenchReport {
    /// A report without contestants.
    pub(crate) fn new(workload: &'static str, title: String, settings: Value) -> Self {
        Self {
            workload,
            title,
            settings,
            compared: Vec::new(),
            subtracted: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// Adds ratios of these figures.
    pub(crate) fn compare(&mut self, figures: &[Figure]) {
        self.compared = figures.to_vec();
    }

    /// Adds differences of these figures.
    pub(crate) fn subtract(&mut self, figures: &[Figure]) {
        self.subtracted = figures.to_vec();
    }

    /// Adds a contestant. `base` is the number of the contestant that it is compared with.
    pub(crate) fn add_contestant(&mut self, name: impl Into<String>, base: Option<usize>) {
        self.columns.push(ReportColumn {
            name: name.into(),
            base,
            rows: Vec::new(),
            lost: 0,
            doubled: 0,
        });
    }

    fn name(&self, column: usize) -> &str {
        &self.columns[column].name
    }

    fn add_turn(&mut self, column: usize, turn: Turn) {
        let column = &mut self.columns[column];
        column.lost += turn.lost;
        column.doubled += turn.doubled;
        for (figure, value) in turn.figures {
            match column
                .rows
                .iter_mut()
                .find(|(known, _)| known.key == figure.key)
            {
                Some((_, series)) => series.push(value),
                None => column.rows.push((figure, [value].into_iter().collect())),
            }
        }
    }

    /// The ratio of a contestant's figure to its base's, turn by turn.
    fn ratio(&self, column: &ReportColumn, figure: Figure) -> Option<Series> {
        let base = &self.columns[column.base?];
        Some(column.series(figure)?.over(base.series(figure)?))
    }

    /// The difference of a contestant's figure to its base's, turn by turn.
    fn difference(&self, column: &ReportColumn, figure: Figure) -> Option<Series> {
        let base = &self.columns[column.base?];
        Some(
            column
                .series(figure)?
                .against(base.series(figure)?, |ours, theirs| ours - theirs),
        )
    }

    /// Prints the table, writes the JSON, and fails if a delivery was lost or doubled.
    pub(crate) fn finish(&self, json: Option<&JsonTarget>) -> anyhow::Result<()> {
        let text = format!("\n{}\n{}", self.title, self.table());
        match json {
            None => say(&format!("{text}\n"))?,
            // Standard output must have the JSON only.
            Some(JsonTarget::Output) => {
                note(&text)?;
                say(&format!("{:#}\n", self.json()))?;
            }
            Some(JsonTarget::File(path)) => {
                say(&format!("{text}\n"))?;
                fs::write(path, format!("{:#}\n", self.json()))
                    .with_context(|| path.display().to_string())?;
            }
        }
        for ReportColumn {
            name,
            lost,
            doubled,
            ..
        } in &self.columns
        {
            ensure!(
                lost + doubled == 0,
                "{name}: {lost} deliveries were lost, {doubled} came too often"
            );
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let contestants = self.columns.iter().map(|column| {
            let figures: Map<String, Value> = column
                .rows
                .iter()
                .map(|(figure, series)| (figure.key.to_owned(), series.json()))
                .collect();
            let ratios = self.compared.iter().filter_map(|figure| {
                self.ratio(column, *figure)
                    .map(|ratio| (figure.key.to_owned(), ratio.json()))
            });
            let differences = self.subtracted.iter().filter_map(|figure| {
                self.difference(column, *figure)
                    .map(|difference| (figure.key.to_owned(), difference.json()))
            });
            json!({
                "name": column.name,
                "compared_with": column.base.map(|base| self.name(base)),
                "figures": figures,
                "ratios": ratios.collect::<Map<_, _>>(),
                "differences": differences.collect::<Map<_, _>>(),
            })
        });
        let sum = |read: fn(&ReportColumn) -> u64| self.columns.iter().map(read).sum::<u64>();
        json!({
            "workload": self.workload,
            "settings": self.settings,
            "machine": {
                "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            },
            "lost": sum(|column| column.lost),
            "doubled": sum(|column| column.doubled),
            "contestants": contestants.collect::<Vec<_>>(),
        })
    }
}

impl ReportColumn {
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

    fn report(lost: u64) -> BenchReport {
        let mut report = BenchReport::new("fanout", "fanout".to_owned(), Value::Null);
        report.compare(&[SERVER_US, P99_MS]);
        report.subtract(&[SERVER_US, P99_MS]);
        report.add_contestant("baseline", None);
        report.add_contestant("gateway", Some(0));
        for (baseline, gateway) in [(5.0, 6.0), (10.0, 15.0), (5.0, 10.0)] {
            report.add_turn(0, turn(baseline, 0));
            report.add_turn(1, turn(gateway, lost));
        }
        report
    }

    #[test]
    fn ratios_and_differences_are_taken_turn_by_turn_and_follow_the_figures() {
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
            "figures without values are not compared:\n{table}"
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
            (&json!(0), &json!("baseline"))
        );
    }

    #[test]
    fn losses_fail_the_run_and_are_in_the_json() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.json");
        let error = report(2)
            .finish(Some(&JsonTarget::File(file.clone())))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "gateway: 6 deliveries were lost, 0 came too often"
        );
        let json: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(json["lost"], 6);
    }
}
