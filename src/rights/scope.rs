//! What a caller sees: the one place where a rule meets a filter, and where a person
//! becomes JSON.

use std::fmt::Write as _;
use std::sync::Arc;

use super::mask::Mask;
use crate::domain::{FieldsJson, Fingerprint, Person, PersonId};
use crate::filter::{Filter, FilterError, Scoped, SharedFilters};

/// What a caller sees of the people. The default is everything. A clone is cheap.
#[derive(Clone, Debug, Default)]
pub struct Scope(Option<Arc<Restriction>>);

/// A rule, a mask, or both.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Restriction {
    /// The people that exist for the caller; none for everyone.
    rule: Option<Filter>,
    /// None where nothing is hidden.
    mask: Option<Arc<Mask>>,
    fingerprint: Fingerprint,
}

/// Why a filter of a caller is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// It is no filter.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// It names something that is hidden from the caller.
    #[error(transparent)]
    Hidden(FilterError),
}

impl Scope {
    /// Everything of everyone.
    pub const fn everything() -> Self {
        Self(None)
    }

    /// The people of a rule, without what a mask hides.
    pub(super) fn new(rule: Option<Filter>, mask: Mask, fingerprint: Fingerprint) -> Self {
        let rule = rule.filter(|rule| !rule.is_everyone());
        let mask = (!mask.is_empty()).then(|| Arc::new(mask));
        if rule.is_none() && mask.is_none() {
            return Self::everything();
        }
        Self(Some(Arc::new(Restriction {
            rule,
            mask,
            fingerprint,
        })))
    }

    /// What equal scopes have in common on every gateway; none without restrictions.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.0.as_ref().map(|restriction| restriction.fingerprint)
    }

    /// What is hidden of people; none where nothing is.
    pub fn mask(&self) -> Option<&Arc<Mask>> {
        self.0.as_ref()?.mask.as_ref()
    }

    /// The people that exist for the caller; none for everyone.
    fn rule(&self) -> Option<&Filter> {
        self.0.as_ref()?.rule.as_ref()
    }

    /// Whether there may be people that do not exist for the caller.
    pub fn has_rule(&self) -> bool {
        self.rule().is_some()
    }

    /// Whether a person exists for the caller.
    pub fn sees(&self, id: PersonId, fields: &FieldsJson) -> bool {
        self.rule().is_none_or(|rule| rule.matches(id, fields))
    }

    /// A caller's filter, within the rule.
    pub fn filter(&self, text: &str) -> Result<Scoped, ScopeError> {
        let scoped = Scoped::within(self.rule(), Filter::parse(text)?);
        self.checked(scoped)
    }

    /// The same filter, shared with all who have the same rule and the same text.
    pub fn shared_filter(&self, text: &str, shared: &SharedFilters) -> Result<Scoped, ScopeError> {
        let scoped = shared.within(self.rule(), text)?;
        self.checked(scoped)
    }

    /// Refuses a filter that names something hidden.
    fn checked(&self, scoped: Scoped) -> Result<Scoped, ScopeError> {
        if let Some(mask) = self.mask() {
            let checked = scoped.asked().check_paths(|path| mask.hides(path));
            checked.map_err(ScopeError::Hidden)?;
        }
        Ok(scoped)
    }

    /// Appends the person's JSON object: the id, the user's fields, then what the store knows.
    pub fn write_json(&self, person: &Person, out: &mut String) {
        out.push_str("{\"id\":\"");
        out.push_str(person.id.encode(&mut PersonId::buffer()));
        out.push_str("\",");
        match self.mask() {
            None => {
                out.push_str(person.fields.members());
                out.push(',');
            }
            Some(mask) => mask.write_members(&person.fields, out),
        }
        write!(
            out,
            "\"revision\":\"{}\",\"createdAt\":\"{}\",\"updatedAt\":\"{}\"}}",
            person.revision, person.created_at, person.updated_at
        )
        .expect("a String takes all that is written to it");
    }

    /// The person's JSON object.
    pub fn to_json(&self, person: &Person) -> String {
        let mut out = String::with_capacity(person.fields.as_str().len() + 200);
        self.write_json(person, &mut out);
        out
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(two)) => Arc::ptr_eq(one, two) || one == two,
            (None, None) => true,
            _ => false,
        }
    }
}

impl Eq for Scope {}

impl std::hash::Hash for Scope {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.fingerprint().hash(state);
    }
}
