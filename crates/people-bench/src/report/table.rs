//! The table: one row for each figure, one column for each contestant, and the ratios below. It is
//! Markdown, so it can be pasted into a document.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::figure::Figure;
use super::{BenchReport, ReportColumn};

impl BenchReport {
    /// The table, at most as wide as the terminal.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table
            .load_style(ASCII_MARKDOWN)
            .set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(
            std::iter::once("").chain(self.columns.iter().map(|column| column.name.as_str())),
        );
        for figure in self.figures() {
            let cell = |column: &ReportColumn| {
                column
                    .series(figure)
                    .map(|series| format!("{series:.*}", figure.decimals))
                    .unwrap_or_default()
            };
            table.add_row(
                std::iter::once(figure.title.to_owned()).chain(self.columns.iter().map(cell)),
            );
        }
        for figure in &self.compared {
            let title = format!("times the {}: {}", self.base_name(), figure.title);
            self.add_comparison(&mut table, title, |column| {
                self.ratio(column, *figure)
                    .map(|ratio| format!("{ratio:.2}"))
            });
        }
        for figure in &self.subtracted {
            let title = format!("above the {}: {}", self.base_name(), figure.title);
            self.add_comparison(&mut table, title, |column| {
                self.difference(column, *figure)
                    .map(|difference| format!("{difference:.*}", figure.decimals))
            });
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }

    /// Adds a row of cells, unless all cells are empty.
    fn add_comparison(
        &self,
        table: &mut Table,
        title: String,
        cell: impl Fn(&ReportColumn) -> Option<String>,
    ) {
        let cells: Vec<String> = self
            .columns
            .iter()
            .map(|column| cell(column).unwrap_or_default())
            .collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            table.add_row(std::iter::once(title).chain(cells));
        }
    }

    /// The figures of all contestants, in the order of their rows.
    fn figures(&self) -> Vec<Figure> {
        let mut figures: Vec<Figure> = Vec::new();
        for column in &self.columns {
            let mut next = 0;
            for (figure, _) in &column.rows {
                let known = figures.iter().position(|known| known.key == figure.key);
                let at = known.unwrap_or_else(|| {
                    figures.insert(next, *figure);
                    next
                });
                next = at + 1;
            }
        }
        figures
    }

    /// The name of the contestant that all others are compared with, if it is the same one.
    fn base_name(&self) -> &str {
        let mut bases: Vec<usize> = self
            .columns
            .iter()
            .filter_map(|column| column.base)
            .collect();
        bases.dedup();
        match bases[..] {
            [base] => self.name(base),
            _ => "one on the left",
        }
    }
}
