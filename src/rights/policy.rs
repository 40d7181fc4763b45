//! The roles, and which of them a token has.

use std::sync::Arc;

use super::Rights;
use super::verb::{Verb, VerbSet};

/// The roles of a gateway, in order.
#[derive(Clone, Debug)]
pub struct Policy {
    roles: Vec<Role>,
}

/// A role, and the rights that it gives.
#[derive(Clone, Debug)]
struct Role {
    name: Box<str>,
    rights: Arc<Rights>,
}

impl Policy {
    /// The rights of the first role that one of `names` names.
    pub fn rights<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<&Arc<Rights>> {
        let names: Vec<&str> = names.into_iter().collect();
        let role = self
            .roles
            .iter()
            .find(|role| names.contains(&&*role.name))?;
        Some(&role.rights)
    }
}

/// The roles of a gateway without a policy file: `writer` and `reader`.
impl Default for Policy {
    fn default() -> Self {
        let role = |name: &str, can| Role {
            name: name.into(),
            rights: Arc::new(Rights::of(name, can)),
        };
        Self {
            roles: vec![
                role("writer", VerbSet::ALL),
                role("reader", VerbSet::of(&[Verb::Read, Verb::Watch])),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_role_of_the_policy_counts() {
        let policy = Policy::default();
        let name = |names: &[&str]| policy.rights(names.iter().copied())?.role();
        assert_eq!(name(&["reader", "writer"]), Some("writer"));
        assert_eq!(name(&["other", "reader"]), Some("reader"));
        assert_eq!(name(&["Writer", ""]), None);
        assert_eq!(name(&[]), None);
    }
}
