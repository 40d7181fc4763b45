//! The page of `watch --view`: a line about the view, headings, and people in columns that fit.

use anstyle::{AnsiColor, Style};
use indicatif::HumanCount;
use serde_json::{Map, Value};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::screen::Size;
use super::table::{ChangeMark, TableRow};
use crate::cli::terminal::{DIM, name, text_member, visible};

const BOLD: Style = Style::new().bold();
const HEADINGS: [&str; 4] = ["name", "age", "job", "attributes"];
/// The greatest widths of name, age and job. Attributes get the rest.
const WIDTHS_MAX: [usize; 3] = [32, 3, 26];
/// The blanks between two columns.
const GAP: usize = 2;
/// The lines without people: about the view, the headings, and below.
const LINES_AROUND: usize = 3;

/// The number of people that fit.
pub(super) const fn capacity(size: Size) -> usize {
    size.lines.saturating_sub(LINES_AROUND)
}

/// The lines of a page. `status` describes the view, `count` is the number of people in it.
pub(super) fn lines(status: &str, rows: &[TableRow<'_>], count: usize, size: Size) -> Vec<String> {
    let cells: Vec<[String; 4]> = rows.iter().map(|row| cells(row.person)).collect();
    let widths: Vec<usize> = (0..WIDTHS_MAX.len())
        .map(|column| {
            let widest = cells
                .iter()
                .map(|cells| cells[column].width())
                .max()
                .unwrap_or(0);
            widest.max(HEADINGS[column].width()).min(WIDTHS_MAX[column])
        })
        .collect();
    let people = format!(
        "{} {}",
        HumanCount(count as u64),
        if count == 1 { "person" } else { "people" }
    );
    let mut lines = vec![styled(
        BOLD,
        &fit(&format!("{people}  {status}"), size.columns),
    )];
    lines.push(styled(
        DIM,
        &fit(
            &format!("  {}", aligned(&HEADINGS.map(str::to_owned), &widths)),
            size.columns,
        ),
    ));
    for (row, cells) in rows.iter().zip(&cells) {
        let (style, sign) = style(row.mark);
        lines.push(styled(
            style,
            &fit(&format!("{sign} {}", aligned(cells, &widths)), size.columns),
        ));
    }
    let shown = rows
        .iter()
        .filter(|row| !matches!(row.mark, ChangeMark::Leave | ChangeMark::Delete))
        .count();
    if let hidden @ 1.. = count.saturating_sub(shown) {
        lines.push(styled(
            DIM,
            &fit(
                &format!("  and {} more", HumanCount(hidden as u64)),
                size.columns,
            ),
        ));
    }
    lines.truncate(size.lines);
    lines
}

fn style(mark: ChangeMark) -> (Style, char) {
    match mark {
        ChangeMark::Nothing => (Style::new(), ' '),
        ChangeMark::Create => (AnsiColor::Green.on_default(), '+'),
        ChangeMark::Enter => (AnsiColor::Cyan.on_default(), '>'),
        ChangeMark::Update => (AnsiColor::Yellow.on_default(), '~'),
        ChangeMark::Leave => (AnsiColor::Magenta.on_default().strikethrough(), '<'),
        ChangeMark::Delete => (AnsiColor::Red.on_default().strikethrough(), '-'),
    }
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

fn cells(person: &Map<String, Value>) -> [String; 4] {
    // Where the name is hidden, the id tells people apart.
    let name = name(person).unwrap_or_else(|| text_member(person, "id"));
    let age = person.get("age").map(Value::to_string).unwrap_or_default();
    let attributes = person.get("attributes").and_then(Value::as_object);
    let attributes = attributes.into_iter().flatten().map(|(name, value)| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        format!("{} {}", visible(name), visible(&value))
    });
    [
        name,
        age,
        text_member(person, "job"),
        attributes.collect::<Vec<_>>().join(" · "),
    ]
}

/// A line of cells. The last cell has no limit.
fn aligned(cells: &[String; 4], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let cell = fit(cell, *width);
        line.push_str(&cell);
        line.extend(std::iter::repeat_n(' ', width - cell.width() + GAP));
    }
    line.push_str(&cells[WIDTHS_MAX.len()]);
    line
}

/// The part of a text that fits, with an ellipsis if it was cut.
fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut fitting, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        fitting.push(c);
    }
    // A width of zero has no room for the ellipsis.
    fitting.extend((width > 0).then_some('…'));
    fitting
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(size: Size, people: &[(ChangeMark, Value)], count: usize) -> Vec<String> {
        let rows = people.iter().map(|(mark, person)| TableRow {
            mark: *mark,
            person: person.as_object().unwrap(),
        });
        let lines = lines("live", &rows.collect::<Vec<_>>(), count, size);
        lines
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect()
    }

    #[test]
    fn columns_with_wide_characters_fit_and_are_aligned() {
        let person = |first: &str, age: u8, job: &str, city: &str| {
            json!({
                "firstName": first, "lastName": "L", "age": age, "job": job,
                "attributes": {"city": city, "n": [1]},
            })
        };
        let people = [
            (ChangeMark::Create, person("Ada", 7, "Chef", "東京")),
            (
                ChangeMark::Delete,
                person("雪雪", 36, &"j".repeat(40), "\u{1b}[2J"),
            ),
        ];
        let lines = plain(
            Size {
                columns: 58,
                lines: 9,
            },
            &people,
            12,
        );
        assert_eq!(lines[0], "12 people  live");
        assert_eq!(
            lines[1],
            format!("  {:<6}  {:<3}  {:<26}  attributes", "name", "age", "job")
        );
        assert_eq!(
            lines[2],
            format!(
                "+ {:<6}  {:<3}  {:<26}  city 東京 · n …",
                "Ada L", "7", "Chef"
            )
        );
        assert_eq!(
            lines[3],
            format!("- 雪雪 L  36   {}…  city \\u{{1b}}[2J…", "j".repeat(25))
        );
        assert_eq!(lines[4], "  and 11 more");
        assert!(lines.iter().all(|line| line.width() <= 58));
    }

    #[test]
    fn hidden_fields_are_empty_cells() {
        let people = [
            json!({"id": "i1", "lastName": "L", "job": "Chef"}),
            json!({"id": "i2", "attributes": {"city": "Oslo"}}),
        ];
        let people = people.map(|person| (ChangeMark::Nothing, person));
        let size = Size {
            columns: 40,
            lines: 9,
        };
        let lines = plain(size, &people, 2);
        assert_eq!(lines[2].trim_end(), "  L     ".to_owned() + "     Chef");
        assert_eq!(lines[3], "  i2               city Oslo");
    }

    #[test]
    fn the_smallest_terminals_get_a_page_that_fits() {
        let person = json!({"firstName": "A", "lastName": "L", "age": 1, "job": ""});
        for columns in 0..4 {
            for lines in 0..4 {
                let shown = plain(
                    Size { columns, lines },
                    &[(ChangeMark::Nothing, person.clone())],
                    1,
                );
                assert!(
                    shown.len() <= lines && shown.iter().all(|line| line.width() <= columns),
                    "{shown:?}"
                );
            }
        }
        assert_eq!(
            (
                capacity(Size {
                    columns: 1,
                    lines: 2
                }),
                capacity(Size {
                    columns: 1,
                    lines: 24
                })
            ),
            (0, 21)
        );
    }
}
