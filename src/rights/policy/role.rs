//! A role, and how the claims of a token make rights of it.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::digest::{add, canonical};
use super::narrowing::{InvalidNarrowing, Narrowing};
use crate::domain::Fingerprint;
use crate::filter::{ClaimError, ClaimName, FieldPath, Filter, Rule};
use crate::rights::{Mask, Rights, Scope, VerbSet, WriteRules};

/// One role of a policy.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) name: Box<str>,
    pub(super) can: VerbSet,
    pub(super) rules: Rules,
    pub(super) mask: Mask,
    pub(super) keep: Vec<FieldPath>,
}

/// The rules of a role; none where there is no restriction.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// The people that exist for the caller.
    pub(super) read: Option<Rule>,
    /// What a person has to be before and after a save.
    pub(super) save: Option<Rule>,
    /// What a person has to be to be deleted.
    pub(super) delete: Option<Rule>,
}

impl Role {
    /// A role without rules for people and fields.
    pub(super) fn unrestricted(name: &str, can: VerbSet) -> Self {
        Self {
            name: name.into(),
            can,
            rules: Rules::default(),
            mask: Mask::default(),
            keep: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Adds the claims that its rules name: with equal ones it gives equal rights.
    pub(super) fn add_claims(&self, claims: &Map<String, Value>, hash: &mut Sha256) {
        for rule in self.rules.all() {
            add_claims_of(rule, claims, hash);
        }
    }

    /// What it consists of, and the claims that its rules name.
    pub(super) fn describe(&self, claims: &Map<String, Value>) -> Map<String, Value> {
        let Rules { read, save, delete } = &self.rules;
        let mut all = Map::new();
        for (name, rule) in [("where", read), ("save", save), ("delete", delete)] {
            all.extend(rule.as_ref().map(|rule| (name.into(), rule.text().into())));
        }
        let named = self.rules.all().flat_map(Rule::claims);
        let value = |name: &ClaimName| name.value(claims).cloned().unwrap_or_default();
        let named: Map<_, _> = named.map(|name| (name.to_string(), value(name))).collect();
        all.insert("claims".into(), named.into());
        let keep: Vec<Value> = self
            .keep
            .iter()
            .map(|path| path.to_string().into())
            .collect();
        all.insert("keep".into(), keep.into());
        all
    }

    /// The rights that it gives to a token with these claims.
    pub(super) fn bind(
        &self,
        claims: &Map<String, Value>,
        narrowing: Option<&Narrowing>,
    ) -> Result<Rights, InvalidNarrowing> {
        if let Some(narrowing) = narrowing {
            narrowing.check(&self.mask)?;
        }
        let narrow = |rule: Option<Filter>| match (rule, narrowing.and_then(Narrowing::filter)) {
            (Some(rule), Some(narrower)) => Some(rule.and(narrower)),
            (rule, narrower) => rule.or_else(|| narrower.cloned()),
        };
        let bind = |rule: &Option<Rule>| -> Result<Option<Filter>, ClaimError> {
            let bound = rule.as_ref().map(|rule| rule.bind(claims)).transpose()?;
            Ok(narrow(bound).filter(|rule| !rule.is_everyone()))
        };
        let Rules { read, save, delete } = &self.rules;
        let (read, save, delete) = match (bind(read), bind(save), bind(delete)) {
            (Ok(read), Ok(save), Ok(delete)) => (read, save, delete),
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                return Ok(Rights::lacking(&self.name, error));
            }
        };
        let (can, mask) = match narrowing {
            Some(narrowing) => (
                narrowing
                    .verbs()
                    .map_or(self.can, |verbs| self.can.and(verbs)),
                self.mask.and(narrowing.mask()),
            ),
            None => (self.can, self.mask.clone()),
        };
        let fingerprint = self.fingerprint(claims, narrowing, &mask);
        Ok(Rights::new(
            &self.name,
            can,
            Scope::new(read, mask, fingerprint),
            WriteRules {
                save,
                delete,
                keep: self.keep.clone().into(),
            },
        ))
    }

    /// The first bytes of a SHA-256 over the texts that decide what is seen, so that it is the same
    /// on every gateway and in every release.
    fn fingerprint(
        &self,
        claims: &Map<String, Value>,
        narrowing: Option<&Narrowing>,
        mask: &Mask,
    ) -> Fingerprint {
        let mut hash = Sha256::new();
        if let Some(rule) = &self.rules.read {
            add(&mut hash, rule.text());
            add_claims_of(rule, claims, &mut hash);
        }
        hash.update([0]);
        if let Some(filter) = narrowing.and_then(Narrowing::filter) {
            add(&mut hash, filter.text());
        }
        for paths in [Some(mask.hidden()), mask.shown()] {
            hash.update([0]);
            for path in paths.into_iter().flatten() {
                add(&mut hash, &path.to_string());
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        let (first, _) = digest.split_first_chunk().expect("32 bytes");
        Fingerprint::new(u64::from_be_bytes(*first))
    }
}

impl Rules {
    fn all(&self) -> impl Iterator<Item = &Rule> {
        [&self.read, &self.save, &self.delete].into_iter().flatten()
    }
}

fn add_claims_of(rule: &Rule, claims: &Map<String, Value>, hash: &mut Sha256) {
    for name in rule.claims() {
        add(hash, &name.text());
        add(hash, &name.value(claims).map_or(String::new(), canonical));
    }
}
