//! Which column of a table is what of a person.

use anyhow::{bail, ensure};
use serde_json::{Map, Value};

use crate::cli::values;

/// What the user says of the columns, by their headings.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// This heading is that field.
    pub(super) map: Vec<(String, String)>,
    /// Always a text, also where it looks like a number.
    pub(super) text: Vec<String>,
    /// A list, its items between semicolons.
    pub(super) list: Vec<String>,
    /// Left out.
    pub(super) skip: Vec<String>,
}

/// The columns of one table.
#[derive(Debug)]
pub(super) struct Columns(Vec<Target>);

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
}

/// How a cell becomes an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Typed,
    Text,
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
        let names: Vec<&str> = header.iter().map(|name| name.trim()).collect();
        let list = || names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        let mapped = rules.map.iter().map(|(heading, _)| heading);
        for named in mapped.chain(&rules.text).chain(&rules.list).chain(&rules.skip) {
            ensure!(
                names.iter().any(|name| is_named(name, named)),
                "no column is named {named:?}; there are {}",
                list()
            );
        }
        let targets: Vec<Target> = names.iter().map(|name| target(name, rules)).collect::<anyhow::Result<_>>()?;
        for (index, one) in targets.iter().enumerate() {
            if let Some(other) = targets[..index].iter().position(|other| one.collides(other)) {
                bail!("the columns {:?} and {:?} are the same thing: --skip one of them", names[other], names[index]);
            }
        }
        let missing = |field: &&&str| **field != "id" && !targets.iter().any(|target| target.is_field(field));
        if let Some(field) = FIELDS.iter().find(missing) {
            bail!("no column is {field}; there are {}. Say which one it is: --map 'COLUMN={field}'", list());
        }
        Ok(Self(targets))
    }

    /// The person that a record is, as JSON; in words what is wrong with the record otherwise. Empty cells are left out.
    pub(super) fn person(&self, cells: &[Vec<u8>]) -> Result<Map<String, Value>, String> {
        let expected = self.0.len();
        if cells.len() < expected || cells[expected..].iter().any(|cell| !cell.is_empty()) {
            let count = cells.len();
            return Err(format!(
                "has {count} cells where the headings are {expected}: put texts with separators in quotes"
            ));
        }
        let (mut person, mut attributes) = (Map::new(), Map::new());
        for (target, cell) in self.0.iter().zip(cells) {
            let Ok(cell) = std::str::from_utf8(cell) else {
                return Err("is not UTF-8: convert the file first, for example with iconv -t UTF-8".to_owned());
            };
            match target {
                Target::Nothing => {}
                Target::Text("job") => drop(person.insert("job".to_owned(), cell.into())),
                _ if cell.is_empty() => {}
                Target::Text(name) => drop(person.insert((*name).to_owned(), cell.into())),
                Target::Age => drop(person.insert("age".to_owned(), values::typed(cell.trim()))),
                Target::Attributes => match values::typed(cell) {
                    Value::Object(all) => attributes.extend(all),
                    _ => return Err("attributes: must be a JSON object".to_owned()),
                },
                Target::Attribute(path, kind) => values::insert(&mut attributes, path, kind.value(cell)),
            }
        }
        if !attributes.is_empty() {
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
            Self::Attributes | Self::Attribute(..) | Self::Nothing => false,
        }
    }

    /// Both would write the same, or one into the other.
    fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, _) => false,
            (Self::Attribute(one, _), Self::Attribute(other, _)) => one.starts_with(other) || other.starts_with(one),
            _ => self == other,
        }
    }
}

impl Cell {
    fn value(self, cell: &str) -> Value {
        match self {
            Self::Typed => values::typed(cell),
            Self::Text => cell.into(),
            Self::List => values::list(cell),
        }
    }
}

fn target(name: &str, rules: &Rules) -> anyhow::Result<Target> {
    if rules.skip.iter().any(|skipped| is_named(name, skipped)) || name.is_empty() {
        return Ok(Target::Nothing);
    }
    let kind = match (among(&rules.text, name), among(&rules.list, name)) {
        (true, true) => bail!("the column {name:?} is either a text or a list"),
        (true, false) => Cell::Text,
        (false, true) => Cell::List,
        (false, false) => Cell::Typed,
    };
    let mapped = rules.map.iter().find(|(heading, _)| is_named(name, heading)).map(|(_, field)| field.as_str());
    if let Some(field) = mapped
        && !FIELDS.contains(&field)
        && field.strip_prefix("attributes.").is_none_or(str::is_empty)
    {
        bail!("--map '{name}={field}': expected {} or attributes.NAME after the =", FIELDS.join(", "));
    }
    let (field, named) = (mapped.unwrap_or(name), plain(mapped.unwrap_or(name)));
    Ok(match FIELDS.iter().find(|known| plain(known) == named) {
        Some(&"age") => Target::Age,
        Some(text) => Target::Text(text),
        None if KNOWN.contains(&field) => Target::Nothing,
        None if field == ATTRIBUTES => Target::Attributes,
        None => match field.strip_prefix("attributes.") {
            Some(path) => Target::Attribute(values::path(path), kind),
            None => Target::Attribute(vec![field.to_owned()], kind),
        },
    })
}

/// Whether a flag means the column of this heading; `attributes.` may be left out.
fn is_named(heading: &str, named: &str) -> bool {
    heading == named || heading.strip_prefix("attributes.") == Some(named)
}

fn among(names: &[String], heading: &str) -> bool {
    names.iter().any(|named| is_named(heading, named))
}

/// A heading in its plainest form: `First name`, `first_name` and `firstName` are one.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
#[path = "columns_tests.rs"]
mod tests;
