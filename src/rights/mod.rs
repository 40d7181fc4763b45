//! What a caller may do: pure values, made of a policy and of the claims of a token.

mod lease;
mod policy;
mod verb;

pub use lease::{KeyLife, Lease};
pub use policy::Policy;
pub use verb::{Verb, VerbSet};

use std::sync::{Arc, LazyLock};

/// The rights of one caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    role: Option<Box<str>>,
    can: VerbSet,
}

impl Rights {
    /// Every call is allowed: the rights of all callers of a gateway without authentication.
    pub fn all() -> &'static Self {
        static ALL: Rights = Rights {
            role: None,
            can: VerbSet::ALL,
        };
        &ALL
    }

    /// The rights of a token that names no role of the policy: none.
    pub fn none() -> Arc<Self> {
        static NONE: LazyLock<Arc<Rights>> = LazyLock::new(|| {
            Arc::new(Rights {
                role: None,
                can: VerbSet::NONE,
            })
        });
        Arc::clone(&NONE)
    }

    /// The rights of a role.
    fn of(role: &str, can: VerbSet) -> Self {
        Self {
            role: Some(role.into()),
            can,
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
}
