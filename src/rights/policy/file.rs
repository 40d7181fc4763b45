//! The policy file: a TOML document of `[[role]]`. All its faults are reported at once.

use std::fmt;
use std::str::FromStr;

use toml::{Table, Value};

use super::role::{Role, Rules};
use super::{ANONYMOUS, Policy};
use crate::filter::{FieldPath, Rule};
use crate::rights::mask::ALWAYS_SHOWN;
use crate::rights::{Mask, VerbSet};

/// What a role consists of.
const MEMBERS: [&str; 8] = [
    "name", "can", "where", "save", "delete", "hide", "show", "keep",
];

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFault {
    /// The role, by its name or its number from 1; empty for the document itself.
    pub role: String,
    /// The member of the role; empty for the role itself.
    pub member: &'static str,
    /// What is wrong, and what to write instead.
    pub detail: String,
}

/// Everything that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PolicyFaults(pub Vec<PolicyFault>);

impl FromStr for Policy {
    type Err = PolicyFaults;

    fn from_str(text: &str) -> Result<Self, PolicyFaults> {
        let document: Table = toml::from_str(text).map_err(|error| not_toml(text, &error))?;
        let mut reader = PolicyReader::default();
        let roles = reader.document(&document);
        if reader.faults.is_empty() {
            Ok(Self::of(roles))
        } else {
            Err(PolicyFaults(reader.faults))
        }
    }
}

/// Reads a document, and notes its faults.
#[derive(Default)]
struct PolicyReader {
    faults: Vec<PolicyFault>,
    /// The role that is being read.
    role: String,
}

impl PolicyReader {
    fn document(&mut self, document: &Table) -> Vec<Role> {
        for name in document.keys().filter(|name| *name != "role") {
            self.fault(
                "",
                format!("{name} is not known here: a policy consists of [[role]]"),
            );
        }
        let tables = match document.get("role") {
            Some(Value::Array(roles)) => roles.iter().map(Value::as_table).collect(),
            _ => None,
        };
        let Some(tables) = tables.filter(|tables: &Vec<_>| !tables.is_empty()) else {
            self.fault("", "a policy has one [[role]] at least".into());
            return Vec::new();
        };
        let mut roles: Vec<Role> = Vec::new();
        for (index, table) in tables.into_iter().enumerate() {
            self.role = format!("{}", index + 1);
            let role = self.role(table);
            if roles.iter().any(|other| other.name == role.name) {
                self.fault("name", "is the name of another role".into());
            }
            roles.push(role);
        }
        roles
    }

    fn role(&mut self, table: &Table) -> Role {
        let name = self.name(table.get("name"));
        if !name.is_empty() {
            self.role.clone_from(&name);
        }
        for member in table.keys().filter(|key| !MEMBERS.contains(&key.as_str())) {
            let detail = format!("{member} is not known: a role has {}", MEMBERS.join(", "));
            self.fault("", detail);
        }
        let can = self.verbs(table.get("can"));
        let read = self.rule("where", table);
        let save = self.rule("save", table).or_else(|| read.clone());
        let delete = self.rule("delete", table).or_else(|| save.clone());
        let (hide, show) = (self.paths("hide", table), self.paths("show", table));
        if hide.is_some() && show.is_some() {
            self.fault("show", "excludes hide: a role has one of them".into());
        }
        for path in hide.iter().flatten() {
            if let [name] = path.names()
                && ALWAYS_SHOWN.contains(&&**name)
            {
                self.fault("hide", format!("{path} is always shown"));
            }
        }
        let keep = self.paths("keep", table).unwrap_or_default();
        if keep.iter().any(|path| *path.names()[0] == *"id") {
            self.fault("keep", "id never changes: leave it out".into());
        }
        Role {
            name: name.into(),
            can,
            rules: Rules { read, save, delete },
            mask: Mask::new(hide.unwrap_or_default(), show),
            keep,
        }
    }

    fn name(&mut self, value: Option<&Value>) -> String {
        let name = value.and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() || name.contains(char::is_whitespace) {
            let detail = "has to be a text without blanks: the word in the token".into();
            self.fault("name", detail);
        }
        name.to_owned()
    }

    fn verbs(&mut self, value: Option<&Value>) -> VerbSet {
        let Some(names) = texts(value) else {
            let detail = "has to be a list of verbs: read, watch, create, update, save (create and \
                          update), delete, import";
            self.fault("can", detail.into());
            return VerbSet::NONE;
        };
        names.into_iter().fold(VerbSet::NONE, |all, name| {
            if let Some(verbs) = VerbSet::named(name) {
                return all.or(verbs);
            }
            let detail = format!(
                "{name:?} is no verb; there are read, watch, create, update, save, delete and \
                 import"
            );
            self.fault("can", detail);
            all
        })
    }

    fn rule(&mut self, member: &'static str, table: &Table) -> Option<Rule> {
        let value = table.get(member)?;
        let Some(text) = value.as_str() else {
            self.fault(
                member,
                "has to be a text: a filter, with claims.NAME for values".into(),
            );
            return None;
        };
        match Rule::parse(text) {
            Ok(rule) => {
                if self.role == ANONYMOUS && !rule.claims().is_empty() {
                    let detail = "names claims, and callers without a token have none";
                    self.fault(member, detail.into());
                }
                Some(rule)
            }
            Err(error) => {
                self.fault(member, error.to_string());
                None
            }
        }
    }

    fn paths(&mut self, member: &'static str, table: &Table) -> Option<Vec<FieldPath>> {
        let value = table.get(member)?;
        let Some(names) = texts(Some(value)) else {
            let detail = "has to be a list of paths, such as job or attributes.address.street";
            self.fault(member, detail.into());
            return None;
        };
        let mut paths = Vec::new();
        for name in names {
            match name.parse() {
                Ok(path) => paths.push(path),
                Err(error) => self.fault(member, format!("{name}: {error}")),
            }
        }
        Some(paths)
    }

    fn fault(&mut self, member: &'static str, detail: String) {
        self.faults.push(PolicyFault {
            role: self.role.clone(),
            member,
            detail,
        });
    }
}

fn texts(value: Option<&Value>) -> Option<Vec<&str>> {
    value?.as_array()?.iter().map(Value::as_str).collect()
}

fn not_toml(text: &str, error: &toml::de::Error) -> PolicyFaults {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text[..start].matches('\n').count() + 1;
    PolicyFaults(vec![PolicyFault {
        role: String::new(),
        member: "",
        detail: format!("is not TOML: {} (line {line})", error.message()),
    }])
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.role.is_empty() {
            write!(f, "role {}: ", self.role)?;
        }
        if !self.member.is_empty() {
            write!(f, "{} ", self.member)?;
        }
        f.write_str(&self.detail)
    }
}

impl fmt::Display for PolicyFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if index > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}
