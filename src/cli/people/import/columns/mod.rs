//! The columns of a table: which value of a person each one holds.

use anyhow::{bail, ensure};
use serde_json::{Map, Value};

use crate::cli::people::values::{self, PathConflict, trimmed, unprotect};

/// The user's rules for columns, by their headings.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnRules {
    /// Headings and their fields.
    pub(super) map: Vec<(String, String)>,
    /// Columns of texts, also if they look like numbers.
    pub(super) text: Vec<String>,
    /// Columns of numbers.
    pub(super) number: Vec<String>,
    /// Columns of lists, with semicolons between the items.
    pub(super) list: Vec<String>,
    /// Columns to skip.
    pub(super) skip: Vec<String>,
    /// Whether an apostrophe before a formula is part of the cell.
    pub(super) plain: bool,
}

/// The columns of one table.
#[derive(Debug)]
pub(super) struct ImportColumns {
    targets: Vec<ColumnTarget>,
    plain: bool,
}

/// The value that a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ColumnTarget {
    /// A text field: `id`, `firstName`, `lastName`, `job`.
    Text(&'static str),
    Age,
    /// All attributes as one JSON object.
    Attributes,
    Attribute(Vec<String>, CellType),
    Nothing,
    /// A column without a heading. Its cells must be empty.
    Unnamed,
}

/// The type of an attribute's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CellType {
    Typed,
    Text,
    Number,
    List,
}

/// The fields with a column of their own. All but the id are required.
const FIELDS: [&str; 5] = ["id", "firstName", "lastName", "age", "job"];
/// Values that the store sets. The gateway ignores them, too.
const STORED: [&str; 3] = ["revision", "createdAt", "updatedAt"];
const ATTRIBUTES: &str = "attributes";

impl ImportColumns {
    /// Reads the headings.
    pub(super) fn of(header: &[String], rules: &ColumnRules) -> anyhow::Result<Self> {
        let names: Vec<&str> = header.iter().map(|name| trimmed(name)).collect();
        let list = || {
            names
                .iter()
                .map(|name| format!("{name:?}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mapped = rules.map.iter().map(|(heading, _)| heading);
        let typed = rules.text.iter().chain(&rules.number).chain(&rules.list);
        for named in mapped.chain(typed).chain(&rules.skip) {
            ensure!(
                names.iter().any(|name| is_named(name, named)),
                "no column is named {named:?}; there are {}",
                list()
            );
        }
        let targets: Vec<ColumnTarget> = names
            .iter()
            .map(|name| target(name, rules))
            .collect::<anyhow::Result<_>>()?;
        for (index, one) in targets.iter().enumerate() {
            if let Some(other) = targets[..index]
                .iter()
                .position(|other| one.collides(other))
            {
                bail!(
                    "the columns {:?} and {:?} overlap: --skip one of them",
                    names[other],
                    names[index]
                );
            }
        }
        let missing =
            |field: &&&str| **field != "id" && !targets.iter().any(|target| target.is_field(field));
        if let Some(field) = FIELDS.iter().find(missing) {
            bail!(
                "no column is {field}; there are {}. Say which one it is: --map 'COLUMN={field}'",
                list()
            );
        }
        Ok(Self {
            targets,
            plain: rules.plain,
        })
    }

    /// The person of a record as JSON; the error says what is wrong with the record. Empty cells
    /// have no value. Missing cells count as empty, because spreadsheets omit the last ones of a
    /// row.
    pub(super) fn person(&self, cells: &[String]) -> Result<Map<String, Value>, String> {
        let expected = self.targets.len();
        if cells
            .iter()
            .skip(expected)
            .any(|cell| !trimmed(cell).is_empty())
        {
            let count = cells.len();
            return Err(format!(
                "has {count} cells, but there are {expected} headings: put texts with separators \
                 in quotes"
            ));
        }
        let cells = cells
            .iter()
            .map(String::as_str)
            .chain(std::iter::repeat(""));
        let columns = || self.targets.iter().zip(cells.clone());
        // Columns of single attributes add to the whole object, in any order.
        let whole = columns()
            .find(|(target, cell)| **target == ColumnTarget::Attributes && !cell.is_empty());
        let whole = whole.map(|(_, cell)| attributes(cell)).transpose()?;
        let (mut person, mut attributes) = (Map::new(), whole.clone().unwrap_or_default());
        for (index, (target, cell)) in columns().enumerate() {
            let text = unprotect(cell).filter(|_| !self.plain);
            let raw = text.unwrap_or(cell);
            match target {
                ColumnTarget::Text("job") => drop(person.insert("job".to_owned(), raw.into())),
                ColumnTarget::Unnamed if !trimmed(cell).is_empty() => {
                    return Err(format!(
                        "cell {} has no heading: give its column a heading, or empty the cell",
                        index + 1
                    ));
                }
                ColumnTarget::Nothing | ColumnTarget::Unnamed | ColumnTarget::Attributes => {}
                _ if cell.is_empty() => {}
                ColumnTarget::Text(name) => drop(person.insert((*name).to_owned(), raw.into())),
                ColumnTarget::Age => drop(person.insert("age".to_owned(), values::years(cell))),
                ColumnTarget::Attribute(path, kind) => {
                    let refused = |words: &dyn std::fmt::Display| {
                        format!("attributes.{}: {words}", path.join("."))
                    };
                    // A protected cell is a text, also if it looks like a number.
                    let kind = if text.is_some() && *kind == CellType::Typed {
                        CellType::Text
                    } else {
                        *kind
                    };
                    let value = kind.value(raw).map_err(|words| refused(&words))?;
                    values::insert(&mut attributes, path, value)
                        .map_err(|conflict: PathConflict| refused(&conflict))?;
                }
            }
        }
        if whole.is_some() || !attributes.is_empty() {
            person.insert(ATTRIBUTES.to_owned(), attributes.into());
        }
        Ok(person)
    }
}

impl ColumnTarget {
    fn is_field(&self, name: &str) -> bool {
        match self {
            Self::Text(field) => *field == name,
            Self::Age => name == "age",
            Self::Attributes | Self::Attribute(..) | Self::Nothing | Self::Unnamed => false,
        }
    }

    /// Whether both set the same value, or one a part of the other.
    fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing | Self::Unnamed, _) => false,
            (Self::Attribute(one, _), Self::Attribute(other, _)) => {
                one.starts_with(other) || other.starts_with(one)
            }
            _ => self == other,
        }
    }
}

impl CellType {
    fn value(self, cell: &str) -> Result<Value, String> {
        match self {
            Self::Typed => values::typed(cell),
            Self::Text => Ok(cell.into()),
            Self::Number => values::number(cell),
            Self::List => values::list(cell),
        }
    }
}

/// Reads a cell with all attributes.
fn attributes(cell: &str) -> Result<Map<String, Value>, String> {
    match values::typed(trimmed(cell)).map_err(|words| format!("{ATTRIBUTES}: {words}"))? {
        Value::Object(all) => Ok(all),
        _ => Err(format!("{ATTRIBUTES}: must be a JSON object")),
    }
}

fn target(name: &str, rules: &ColumnRules) -> anyhow::Result<ColumnTarget> {
    if rules.skip.iter().any(|skipped| is_named(name, skipped)) {
        return Ok(ColumnTarget::Nothing);
    }
    let mapped = rules
        .map
        .iter()
        .find(|(heading, _)| is_named(name, heading))
        .map(|(_, field)| field.as_str());
    if name.is_empty() && mapped.is_none() {
        return Ok(ColumnTarget::Unnamed);
    }
    let kind = kind(name, rules)?;
    if let Some(field) = mapped
        && !FIELDS.contains(&field)
        && !field.starts_with("attributes.")
    {
        bail!(
            "--map '{name}={field}': expected {} or attributes.NAME after the =",
            FIELDS.join(", ")
        );
    }
    let (field, named) = (mapped.unwrap_or(name), plain(mapped.unwrap_or(name)));
    let target = match FIELDS.iter().find(|known| plain(known) == named) {
        Some(&"age") => ColumnTarget::Age,
        Some(text) => ColumnTarget::Text(text),
        None if STORED.contains(&field) => ColumnTarget::Nothing,
        None if field == ATTRIBUTES => ColumnTarget::Attributes,
        None => {
            let path = field
                .strip_prefix("attributes.")
                .map_or_else(|| vec![field.to_owned()], values::path);
            ensure!(
                !path.iter().any(String::is_empty),
                "the column {name:?} names no attribute: --skip it, or --map it"
            );
            return Ok(ColumnTarget::Attribute(path, kind));
        }
    };
    let fits = kind == CellType::Typed
        || matches!(
            (&target, kind),
            (ColumnTarget::Text(_), CellType::Text) | (ColumnTarget::Nothing, _)
        );
    ensure!(
        fits,
        "the column {name:?} is {field}, which has a type of its own: remove the flag for its type"
    );
    Ok(target)
}

/// The type of a column's cells by the flags.
fn kind(name: &str, rules: &ColumnRules) -> anyhow::Result<CellType> {
    let flags = [
        (&rules.text, CellType::Text),
        (&rules.number, CellType::Number),
        (&rules.list, CellType::List),
    ];
    let mut given = flags
        .into_iter()
        .filter(|(names, _)| names.iter().any(|named| is_named(name, named)));
    let kind = given.next().map_or(CellType::Typed, |(_, kind)| kind);
    ensure!(
        given.next().is_none(),
        "the column {name:?} is one of --text, --number and --list"
    );
    Ok(kind)
}

/// Whether a flag names the column with this heading. The flag may omit `attributes.`.
fn is_named(heading: &str, named: &str) -> bool {
    heading == named || heading.strip_prefix("attributes.") == Some(named)
}

/// The plain form of a heading: `First name`, `first_name` and `firstName` are equal. Only ASCII
/// letters change case, because the names of fields are ASCII: the capital İ is no i.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests;
