//! What a caller may do and see: pure values, made of a policy and of the claims of a token.
//!
//! A `policy` has the roles, a `scope` is what a caller sees, a `mask` what is hidden of people, a
//! `projection` what the caller asks for of the rest; `writes` judges a caller's writes, and
//! `overlay` keeps in them what is hidden.

mod lease;
mod mask;
#[cfg(test)]
mod mask_tests;
mod overlay;
mod policy;
mod projection;
mod scope;
mod verb;
mod writes;

pub use lease::{KeyLife, Lease};
pub use mask::Mask;
pub use policy::{InvalidNarrowing, Policy, PolicyFault, PolicyFaults};
pub use projection::{InvalidProjection, Projection};
pub use scope::{Scope, ScopeError};
pub use verb::{Verb, VerbSet};
pub use writes::{SaveBody, WriteRefusal};

use std::sync::{Arc, LazyLock};

use prometheus_client::metrics::gauge::Gauge;
use serde_json::{Map, Value, json};

use crate::filter::{ClaimError, FieldPath, Filter, UseCount};

/// The rights of one caller.
#[derive(Debug)]
pub struct Rights {
    role: Option<Box<str>>,
    can: VerbSet,
    scope: Scope,
    writes: WriteRules,
    /// Why the role gives no rights.
    lacks: Option<ClaimError>,
    _in_use: Option<UseCount>,
}

/// What a caller's writes have to keep to.
#[derive(Debug, Default)]
struct WriteRules {
    /// What a person has to be before and after a save; none for anyone.
    save: Option<Filter>,
    /// What a person has to be to be deleted; none for anyone.
    delete: Option<Filter>,
    /// Values that an update leaves as they are.
    keep: Box<[FieldPath]>,
}

impl Rights {
    /// Every call is allowed: the rights of all callers of a gateway without authentication.
    pub fn all() -> Arc<Self> {
        static ALL: LazyLock<Arc<Rights>> = LazyLock::new(|| Arc::new(Rights::bare(VerbSet::ALL)));
        Arc::clone(&ALL)
    }

    /// The rights of a token that names no role of the policy: none.
    pub fn none() -> Arc<Self> {
        static NONE: LazyLock<Arc<Rights>> =
            LazyLock::new(|| Arc::new(Rights::bare(VerbSet::NONE)));
        Arc::clone(&NONE)
    }

    fn bare(can: VerbSet) -> Self {
        Self {
            role: None,
            can,
            scope: Scope::everything(),
            writes: WriteRules::default(),
            lacks: None,
            _in_use: None,
        }
    }

    /// The rights of a role.
    fn new(role: &str, can: VerbSet, scope: Scope, writes: WriteRules) -> Self {
        Self {
            role: Some(role.into()),
            scope,
            writes,
            ..Self::bare(can)
        }
    }

    /// No rights, for lack of a claim that the role needs.
    fn lacking(role: &str, error: ClaimError) -> Self {
        Self {
            role: Some(role.into()),
            lacks: Some(error),
            ..Self::bare(VerbSet::NONE)
        }
    }

    /// The same, counted while it is in use.
    fn counted(self, gauge: &Gauge) -> Self {
        Self {
            _in_use: Some(UseCount::new(gauge)),
            ..self
        }
    }

    /// The name of the role, if the token names one.
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The allowed verbs.
    pub const fn can(&self) -> VerbSet {
        self.can
    }

    /// What the caller sees.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Why the role gives no rights, where a claim is the reason.
    pub const fn lacks(&self) -> Option<&ClaimError> {
        self.lacks.as_ref()
    }

    /// What callers and operators are told of them beside the role: verbs, and what is hidden of
    /// people (or all that is shown).
    pub fn describe(&self) -> Map<String, Value> {
        let texts = |paths: &[FieldPath]| -> Vec<String> {
            paths.iter().map(FieldPath::to_string).collect()
        };
        let can: Vec<&str> = self.can.iter().map(Verb::name).collect();
        let mask = self.scope.mask();
        let mut all = Map::new();
        all.insert("can".into(), json!(can));
        all.insert(
            "hide".into(),
            json!(mask.map_or(Vec::new(), |mask| texts(mask.hidden()))),
        );
        if let Some(shown) = mask.and_then(|mask| mask.shown()) {
            all.insert("show".into(), json!(texts(shown)));
        }
        all
    }

    /// Whether any person may be saved and deleted, with any value.
    pub fn writes_all(&self) -> bool {
        let WriteRules { save, delete, keep } = &self.writes;
        save.is_none() && delete.is_none() && keep.is_empty() && self.scope == Scope::everything()
    }
}
