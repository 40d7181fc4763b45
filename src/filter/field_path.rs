//! Paths of a person's values, as filters write them: `job`, `attributes.address.street`.

use std::fmt;
use std::str::FromStr;

use super::error::FilterError;
use super::predicate::Path;
use super::syntax;

/// The names that lead to a value of a person, from the outermost in; at least one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Box<[Box<str>]>);

impl FieldPath {
    /// The path of a condition.
    pub(super) fn of(path: &Path) -> Self {
        Self(path.names().map(Box::from).collect())
    }

    /// The names.
    pub fn names(&self) -> &[Box<str>] {
        &self.0
    }

    /// Whether it leads to the other path's value, or to one around it.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

/// Reads a path; `attributes` alone is one, too.
impl FromStr for FieldPath {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let names = syntax::field_names(text).map_err(|error| error.in_text(text))?;
        Ok(Self(names.into()))
    }
}

/// As it can be read again.
impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_names(f, &self.0)
    }
}

/// Writes names so that they can be read again: `realm_access.roles`, `attributes["any name"]`.
pub fn write_names(f: &mut fmt::Formatter<'_>, names: &[Box<str>]) -> fmt::Result {
    for (index, name) in names.iter().enumerate() {
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match (is_name, index) {
            (true, 0) => f.write_str(name)?,
            (true, _) => write!(f, ".{name}")?,
            (false, _) => write!(f, "[{}]", serde_json::Value::from(&**name))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FieldPath {
        text.parse().expect("a path")
    }

    #[test]
    fn a_path_survives_its_text() {
        for text in [
            "job",
            "id",
            "attributes",
            "attributes.address.street",
            r#"attributes["any name"].x"#,
        ] {
            assert_eq!(path(text).to_string(), text);
        }
        for (text, offset) in [
            ("", 0),
            ("revision", 0),
            ("attributes.", 11),
            ("attributes.a == 1", 13),
            ("job.size()", 8),
            ("job.x", 4),
            ("size(job)", 0),
            ("\"job\"", 0),
        ] {
            let error = text.parse::<FieldPath>().expect_err(text);
            assert_eq!(error.offset, offset, "{text}: {error}");
        }
    }

    #[test]
    fn a_path_covers_itself_and_what_lies_below() {
        let address = path("attributes.address");
        assert!(address.covers(&address));
        assert!(address.covers(&path("attributes.address.street")));
        assert!(!address.covers(&path("attributes")));
        assert!(!address.covers(&path("attributes.addresses")));
        assert!(!path("job").covers(&address));
    }
}
