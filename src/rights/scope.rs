//! What a caller sees: the one place where a rule meets a filter, and where a person
//! becomes JSON.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::mask::{Mask, Times};
use super::projection::Projection;
use crate::domain::{FieldsJson, Fingerprint, Person, PersonId};
use crate::filter::{FieldPath, Filter, FilterError, Scoped, SharedFilters};

/// What a caller sees of the people. The default is everything. A clone is cheap.
#[derive(Clone, Debug, Default)]
pub struct Scope(Option<Arc<Restriction>>);

/// What makes a scope less than everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Restriction {
    /// The people that exist for the caller; none for everyone.
    rule: Option<Filter>,
    /// What the rights hide of them; none where nothing is hidden.
    hidden: Option<Arc<Mask>>,
    /// That of the rights; none for those without a rule and a mask.
    fingerprint: Option<Fingerprint>,
    /// What the caller asked for; none for all that it may see.
    projection: Option<Projection>,
    /// What is left out of people for both reasons; none where nothing is.
    mask: Option<Arc<Mask>>,
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
    /// It is a projection that names something hidden.
    #[error("{0} is hidden from you: leave it out")]
    HiddenPath(FieldPath),
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
            hidden: mask.clone(),
            fingerprint: Some(fingerprint),
            projection: None,
            mask,
        })))
    }

    /// The same people, but only the parts of them that a projection has, where there is one.
    pub fn showing(&self, projection: Option<Projection>) -> Result<Self, ScopeError> {
        let Some(projection) = projection else {
            return Ok(self.clone());
        };
        let mut restriction = self.0.as_deref().cloned().unwrap_or_default();
        let shown = projection.mask();
        let mask = match &restriction.hidden {
            None => shown,
            Some(hidden) => {
                let mut paths = projection.paths().iter();
                if let Some(path) = paths.find(|path| hidden.hides_all_of(path)) {
                    return Err(ScopeError::HiddenPath(path.clone()));
                }
                hidden.and(&shown)
            }
        };
        restriction.projection = Some(projection);
        restriction.mask = Some(Arc::new(mask));
        Ok(Self(Some(Arc::new(restriction))))
    }

    /// What the caller asked to be shown; none for all that it may see.
    pub fn projection(&self) -> Option<&Projection> {
        self.0.as_ref()?.projection.as_ref()
    }

    /// What equal scopes have in common on every gateway; none without restrictions.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.0.as_ref()?.fingerprint
    }

    /// What is left out of people; none where nothing is.
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
        let hidden = self.0.as_ref().and_then(|it| it.hidden.as_ref());
        if let Some(mask) = hidden {
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
        let times = self.mask().map_or_else(Times::default, |mask| mask.times());
        let mut write = |text: fmt::Arguments<'_>| {
            out.write_fmt(text)
                .expect("a String takes all that is written to it");
        };
        write(format_args!("\"revision\":\"{}\"", person.revision));
        if times.created {
            write(format_args!(",\"createdAt\":\"{}\"", person.created_at));
        }
        if times.updated {
            write(format_args!(",\"updatedAt\":\"{}\"", person.updated_at));
        }
        out.push('}');
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
