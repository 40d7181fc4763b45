//! Filters within a rule: what a caller asked for, of the people that exist for it.

use std::ops::Deref;

use super::Filter;
use crate::filter::error::FilterError;
use crate::filter::field_path::FieldPath;
use crate::filter::syntax;

/// A filter that judges within a rule. Views, lists and snapshots take no other filter, and only
/// the rights of a caller make one: so no door forgets the rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scoped(pub(super) Filter);

impl Scoped {
    /// The people of `asked` that the rule selects as well; without a rule, all of them.
    pub fn within(rule: Option<&Filter>, asked: Filter) -> Self {
        Self(match rule {
            Some(rule) => Filter::within(rule, asked, None),
            None => asked,
        })
    }

    /// What the caller asked for.
    pub fn asked(&self) -> &Filter {
        self.0.asked()
    }
}

impl Deref for Scoped {
    type Target = Filter;

    fn deref(&self) -> &Filter {
        &self.0
    }
}

impl Filter {
    /// The refusal of a filter that names a path for which `is_hidden` holds: the first such path,
    /// and where it stands.
    pub fn check_paths(&self, is_hidden: impl Fn(&FieldPath) -> bool) -> Result<(), FilterError> {
        let is_hidden = |path: &_| is_hidden(&FieldPath::of(path));
        if !self.predicate().names_any(&is_hidden) {
            return Ok(());
        }
        let parsed = syntax::parse_hiding(self.text(), &is_hidden);
        parsed.map_or_else(|error| Err(error.in_text(self.text())), |_| Ok(()))
    }
}
