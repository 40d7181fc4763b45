//! The roles of a gateway, and the rights that a token has by them.

mod digest;
mod file;
mod narrowing;
mod role;

pub use file::{PolicyFault, PolicyFaults};
pub use narrowing::InvalidNarrowing;

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Rights;
use super::verb::{Verb, VerbSet};
use crate::filter::WeakTable;
use narrowing::Narrowing;
use role::Role;

/// The role of callers without a token.
const ANONYMOUS: &str = "anonymous";
/// The claim by which a token narrows its own rights.
const NARROWING: &str = "people";

/// The roles of a gateway, in order.
#[derive(Debug)]
pub struct Policy {
    roles: Arc<[Role]>,
    /// By SHA-256 of what they are made of: a thousand clerks of one team hold one value.
    in_use: WeakTable<[u8; 32], Rights>,
    count: Gauge,
}

impl Policy {
    fn of(roles: Vec<Role>) -> Self {
        Self {
            roles: roles.into(),
            in_use: WeakTable::default(),
            count: Gauge::default(),
        }
    }

    /// The same roles; different rights in use are counted.
    #[must_use]
    pub fn counted(&self, count: Gauge) -> Self {
        Self {
            roles: Arc::clone(&self.roles),
            in_use: WeakTable::default(),
            count,
        }
    }

    /// What the first of these roles consists of, for an operator: its rules with the claims that
    /// they name.
    pub fn describe<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
        claims: &Map<String, Value>,
    ) -> Option<Map<String, Value>> {
        let names: Vec<&str> = names.into_iter().collect();
        let (_, role) = self.find(|name| names.contains(&name))?;
        Some(role.describe(claims))
    }

    /// The rights of a token with these claims that names these roles: those of the first role of
    /// the policy, bound to the claims and narrowed by them.
    pub fn rights<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
        claims: &Map<String, Value>,
    ) -> Result<Arc<Rights>, InvalidNarrowing> {
        let narrowing = claims.get(NARROWING).map(Narrowing::parse).transpose()?;
        let names: Vec<&str> = names.into_iter().collect();
        match self.find(|name| names.contains(&name)) {
            Some((number, role)) => self.bound(number, role, claims, narrowing.as_ref()),
            None => Ok(Rights::none()),
        }
    }

    /// The rights of callers without a token; none where such callers are refused.
    pub fn anonymous(&self) -> Option<Arc<Rights>> {
        let (number, role) = self.find(|name| name == ANONYMOUS)?;
        self.bound(number, role, &Map::new(), None).ok()
    }

    fn find(&self, is_sought: impl Fn(&str) -> bool) -> Option<(usize, &Role)> {
        let mut roles = self.roles.iter().enumerate();
        roles.find(|(_, role)| is_sought(role.name()))
    }

    fn bound(
        &self,
        number: usize,
        role: &Role,
        claims: &Map<String, Value>,
        narrowing: Option<&Narrowing>,
    ) -> Result<Arc<Rights>, InvalidNarrowing> {
        let mut hash = Sha256::new();
        hash.update(number.to_be_bytes());
        role.add_claims(claims, &mut hash);
        if let Some(narrowing) = narrowing {
            narrowing.add_to(&mut hash);
        }
        self.in_use.get_or_make(hash.finalize().into(), || {
            let rights = role.bind(claims, narrowing)?;
            Ok(Arc::new(rights.counted(&self.count)))
        })
    }
}

/// The roles of a gateway without a policy file: `writer` and `reader`.
impl Default for Policy {
    fn default() -> Self {
        Self::of(vec![
            Role::unrestricted("writer", VerbSet::ALL),
            Role::unrestricted("reader", VerbSet::of(&[Verb::Read, Verb::Watch])),
        ])
    }
}

#[cfg(test)]
mod tests;
