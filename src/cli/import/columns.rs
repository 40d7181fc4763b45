//! Which column of a table is what of a person.

use anyhow::{bail, ensure};
use serde_json::{Map, Value};

use crate::cli::values::{self, Taken, trimmed, unprotected};

/// What the user says of the columns, by their headings.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// This heading is that field.
    pub(super) map: Vec<(String, String)>,
    /// Always a text, also where it looks like a number.
    pub(super) text: Vec<String>,
    /// Always a number.
    pub(super) number: Vec<String>,
    /// A list, its items between semicolons.
    pub(super) list: Vec<String>,
    /// Left out.
    pub(super) skip: Vec<String>,
    /// An apostrophe before what looks like a formula is a part of the cell.
    pub(super) plain: bool,
}

/// The columns of one table.
#[derive(Debug)]
pub(super) struct Columns {
    targets: Vec<Target>,
    plain: bool,
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// A field that is a text: `id`, `firstName`, `lastName`, `job`.
    Text(&'static str),
    Age,
    /// All attributes as one JSON object.
    Attributes,
    Attribute(Vec<String>, Cell),
    Nothing,
    /// It has no heading, so nobody knows what a cell of it would be.
    Unnamed,
}

/// How a cell becomes an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Typed,
    Text,
    Number,
    List,
}

/// Fields that have a column of their own; all but the id must have one.
const FIELDS: [&str; 5] = ["id", "firstName", "lastName", "age", "job"];
/// What the store knows of a person; the gateway passes over it, too.
const KNOWN: [&str; 3] = ["revision", "createdAt", "updatedAt"];
const ATTRIBUTES: &str = "attributes";

impl Columns {
    /// Reads the headings.
    pub(super) fn of(header: &[String], rules: &Rules) -> anyhow::Result<Self> {
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
        let targets: Vec<Target> = names
            .iter()
            .map(|name| target(name, rules))
            .collect::<anyhow::Result<_>>()?;
        for (index, one) in targets.iter().enumerate() {
            if let Some(other) = targets[..index]
                .iter()
                .position(|other| one.collides(other))
            {
                bail!(
                    "the columns {:?} and {:?} are the same thing: --skip one of them",
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

    /// The person that a record is, as JSON; in words what is wrong with the record otherwise.
    /// Empty cells are left out, and cells that are not there count as empty: spreadsheets leave
    /// out the last ones of a row.
    pub(super) fn person(&self, cells: &[String]) -> Result<Map<String, Value>, String> {
        let expected = self.targets.len();
        if cells
            .iter()
            .skip(expected)
            .any(|cell| !trimmed(cell).is_empty())
        {
            let count = cells.len();
            return Err(format!(
                "has {count} cells where the headings are {expected}: put texts with separators in \
                 quotes"
            ));
        }
        let cells = cells
            .iter()
            .map(String::as_str)
            .chain(std::iter::repeat(""));
        let columns = || self.targets.iter().zip(cells.clone());
        // What single columns hold lies in the whole object, whichever stands first.
        let whole =
            columns().find(|(target, cell)| **target == Target::Attributes && !cell.is_empty());
        let whole = whole.map(|(_, cell)| attributes(cell)).transpose()?;
        let (mut person, mut attributes) = (Map::new(), whole.clone().unwrap_or_default());
        for (index, (target, cell)) in columns().enumerate() {
            let text = unprotected(cell).filter(|_| !self.plain);
            let raw = text.unwrap_or(cell);
            match target {
                Target::Text("job") => drop(person.insert("job".to_owned(), raw.into())),
                Target::Unnamed if !trimmed(cell).is_empty() => {
                    return Err(format!(
                        "cell {} stands under no heading: give that column one, or empty it",
                        index + 1
                    ));
                }
                Target::Nothing | Target::Unnamed | Target::Attributes => {}
                _ if cell.is_empty() => {}
                Target::Text(name) => drop(person.insert((*name).to_owned(), raw.into())),
                Target::Age => drop(person.insert("age".to_owned(), values::years(cell))),
                Target::Attribute(path, kind) => {
                    let refused = |words: &dyn std::fmt::Display| {
                        format!("attributes.{}: {words}", path.join("."))
                    };
                    // What was protected was a text, also where it looks like a number.
                    let kind = if text.is_some() && *kind == Cell::Typed {
                        Cell::Text
                    } else {
                        *kind
                    };
                    let value = kind.value(raw).map_err(|words| refused(&words))?;
                    values::insert(&mut attributes, path, value)
                        .map_err(|taken: Taken| refused(&taken))?;
                }
            }
        }
        if whole.is_some() || !attributes.is_empty() {
            person.insert(ATTRIBUTES.to_owned(), attributes.into());
        }
        Ok(person)
    }
}

impl Target {
    fn is_field(&self, name: &str) -> bool {
        match self {
            Self::Text(field) => *field == name,
            Self::Age => name == "age",
            Self::Attributes | Self::Attribute(..) | Self::Nothing | Self::Unnamed => false,
        }
    }

    /// Both would write the same, or one into the other.
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

impl Cell {
    fn value(self, cell: &str) -> Result<Value, String> {
        match self {
            Self::Typed => values::typed(cell),
            Self::Text => Ok(cell.into()),
            Self::Number => values::number(cell),
            Self::List => values::list(cell),
        }
    }
}

/// All attributes in one cell.
fn attributes(cell: &str) -> Result<Map<String, Value>, String> {
    match values::typed(trimmed(cell)).map_err(|words| format!("{ATTRIBUTES}: {words}"))? {
        Value::Object(all) => Ok(all),
        _ => Err(format!("{ATTRIBUTES}: must be a JSON object")),
    }
}

fn target(name: &str, rules: &Rules) -> anyhow::Result<Target> {
    if rules.skip.iter().any(|skipped| is_named(name, skipped)) {
        return Ok(Target::Nothing);
    }
    let mapped = rules
        .map
        .iter()
        .find(|(heading, _)| is_named(name, heading))
        .map(|(_, field)| field.as_str());
    if name.is_empty() && mapped.is_none() {
        return Ok(Target::Unnamed);
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
        Some(&"age") => Target::Age,
        Some(text) => Target::Text(text),
        None if KNOWN.contains(&field) => Target::Nothing,
        None if field == ATTRIBUTES => Target::Attributes,
        None => {
            let path = field
                .strip_prefix("attributes.")
                .map_or_else(|| vec![field.to_owned()], values::path);
            ensure!(
                !path.iter().any(String::is_empty),
                "the column {name:?} names no attribute: --skip it, or --map it"
            );
            return Ok(Target::Attribute(path, kind));
        }
    };
    let fits = kind == Cell::Typed
        || matches!(
            (&target, kind),
            (Target::Text(_), Cell::Text) | (Target::Nothing, _)
        );
    ensure!(
        fits,
        "the column {name:?} is {field}, which has a type of its own: say nothing of it"
    );
    Ok(target)
}

/// What the flags say of a column's cells.
fn kind(name: &str, rules: &Rules) -> anyhow::Result<Cell> {
    let said = [
        (&rules.text, Cell::Text),
        (&rules.number, Cell::Number),
        (&rules.list, Cell::List),
    ];
    let mut said = said
        .into_iter()
        .filter(|(names, _)| names.iter().any(|named| is_named(name, named)));
    let kind = said.next().map_or(Cell::Typed, |(_, kind)| kind);
    ensure!(
        said.next().is_none(),
        "the column {name:?} is one of --text, --number and --list"
    );
    Ok(kind)
}

/// Whether a flag means the column of this heading; `attributes.` may be left out.
fn is_named(heading: &str, named: &str) -> bool {
    heading == named || heading.strip_prefix("attributes.") == Some(named)
}

/// A heading in its plainest form: `First name`, `first_name` and `firstName` are one. Fields are
/// named in ASCII, so no letter beyond it counts as one of theirs: the capital İ is no i.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
#[path = "columns_tests.rs"]
mod tests;
