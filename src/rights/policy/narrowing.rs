//! The claim `people`: a token's own, narrower rights. It widens nothing.

use serde_json::Value;
use sha2::Sha256;

use super::digest::add;
use crate::filter::{FieldPath, Filter, Rule};
use crate::rights::{Mask, VerbSet};

/// What a token takes from its own rights.
#[derive(Debug)]
pub(super) struct Narrowing {
    filter: Option<Filter>,
    can: Option<VerbSet>,
    mask: Mask,
    /// The claim as JSON.
    text: String,
}

/// The claim `people` is wrong. It is refused whole: what was meant to narrow is never ignored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claim people is refused: {0}")]
pub struct InvalidNarrowing(String);

impl Narrowing {
    /// Reads the claim.
    pub(super) fn parse(claim: &Value) -> Result<Self, InvalidNarrowing> {
        let members = claim.as_object();
        let members = members.ok_or_else(|| wrong("it has to be an object"))?;
        let (mut filter, mut can, mut hide, mut show) = (None, None, Vec::new(), None);
        for (name, value) in members {
            match name.as_str() {
                "where" => filter = Some(rule(value)?),
                "can" => can = Some(verbs(value)?),
                "hide" => hide = paths(name, value)?,
                "show" => show = Some(paths(name, value)?),
                _ => return Err(wrong("its members are where, can, hide and show")),
            }
        }
        Ok(Self {
            filter,
            can,
            mask: Mask::new(hide, show),
            text: claim.to_string(),
        })
    }

    /// Refuses a filter about what the role hides.
    pub(super) fn check(&self, mask: &Mask) -> Result<(), InvalidNarrowing> {
        let Some(filter) = &self.filter else {
            return Ok(());
        };
        let checked = filter.check_paths(|path| mask.hides(path));
        checked.map_err(|_| wrong("where names what the role hides"))
    }

    /// The people that are left of those that the role shows.
    pub(super) const fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// The verbs that are left, where the claim names some.
    pub(super) const fn verbs(&self) -> Option<VerbSet> {
        self.can
    }

    /// What is hidden besides.
    pub(super) const fn mask(&self) -> &Mask {
        &self.mask
    }

    pub(super) fn add_to(&self, hash: &mut Sha256) {
        add(hash, &self.text);
    }
}

/// A rule without claims.
fn rule(value: &Value) -> Result<Filter, InvalidNarrowing> {
    let text = value.as_str();
    let text = text.ok_or_else(|| wrong("where has to be a text"))?;
    let rule = Rule::parse(text).map_err(|error| wrong(&format!("where: {error}")))?;
    let bound = rule.bind(&serde_json::Map::new());
    bound.map_err(|_| wrong("where names claims"))
}

fn verbs(value: &Value) -> Result<VerbSet, InvalidNarrowing> {
    let names = texts("can", value)?;
    let mut all = VerbSet::NONE;
    for name in names {
        let verbs = VerbSet::named(name);
        all = all.or(verbs.ok_or_else(|| wrong("can names a verb that is none"))?);
    }
    Ok(all)
}

fn paths(name: &str, value: &Value) -> Result<Vec<FieldPath>, InvalidNarrowing> {
    let texts = texts(name, value)?;
    let paths = texts.into_iter().map(str::parse).collect::<Result<_, _>>();
    paths.map_err(|error| wrong(&format!("{name}: {error}")))
}

fn texts<'v>(name: &str, value: &'v Value) -> Result<Vec<&'v str>, InvalidNarrowing> {
    let list = value.as_array().map(|list| list.iter().map(Value::as_str));
    list.and_then(Iterator::collect)
        .ok_or_else(|| wrong(&format!("{name} has to be a list of texts")))
}

fn wrong(what: &str) -> InvalidNarrowing {
    InvalidNarrowing(what.to_owned())
}
