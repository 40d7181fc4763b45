//! The table: a row a figure, a column a contestant; the ratios below. It is Markdown, so it can be
//! pasted into a document.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::figure::Figure;
use super::{Contender, Report};

impl Report {
    /// As wide as the terminal at most.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table
            .load_style(ASCII_MARKDOWN)
            .set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(
            std::iter::once("").chain(
                self.contenders
                    .iter()
                    .map(|contender| contender.name.as_str()),
            ),
        );
        for figure in self.told() {
            let cell = |contender: &Contender| {
                contender
                    .series(figure)
                    .map(|series| format!("{series:.*}", figure.decimals))
                    .unwrap_or_default()
            };
            table.add_row(
                std::iter::once(figure.title.to_owned()).chain(self.contenders.iter().map(cell)),
            );
        }
        for figure in &self.compared {
            let title = format!("times the {}: {}", self.base_name(), figure.title);
            self.add_comparison(&mut table, title, |contender| {
                self.ratio(contender, *figure)
                    .map(|ratio| format!("{ratio:.2}"))
            });
        }
        for figure in &self.subtracted {
            let title = format!("above the {}: {}", self.base_name(), figure.title);
            self.add_comparison(&mut table, title, |contender| {
                self.difference(contender, *figure)
                    .map(|difference| format!("{difference:.*}", figure.decimals))
            });
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }

    /// A row with what `cell` says of each contestant, unless it says nothing of any.
    fn add_comparison(
        &self,
        table: &mut Table,
        title: String,
        cell: impl Fn(&Contender) -> Option<String>,
    ) {
        let cells: Vec<String> = self
            .contenders
            .iter()
            .map(|contender| cell(contender).unwrap_or_default())
            .collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            table.add_row(std::iter::once(title).chain(cells));
        }
    }

    /// What any contestant has, each figure behind the one that it follows.
    fn told(&self) -> Vec<Figure> {
        let mut told: Vec<Figure> = Vec::new();
        for contender in &self.contenders {
            let mut next = 0;
            for (figure, _) in &contender.rows {
                let known = told.iter().position(|known| known.key == figure.key);
                let at = known.unwrap_or_else(|| {
                    told.insert(next, *figure);
                    next
                });
                next = at + 1;
            }
        }
        told
    }

    /// Whom the others are compared with, where that is one and the same.
    fn base_name(&self) -> &str {
        let mut bases: Vec<usize> = self
            .contenders
            .iter()
            .filter_map(|contender| contender.base)
            .collect();
        bases.dedup();
        match bases[..] {
            [base] => self.name(base),
            _ => "one on the left",
        }
    }
}
