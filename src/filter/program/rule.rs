//! Rules of a policy: filters in which the claims of a token may stand where a literal may.

use serde_json::{Map, Value};

use super::Filter;
use crate::filter::error::FilterError;
use crate::filter::field_path::write_names;
use crate::filter::syntax::{self, ClaimBinding};

/// A checked rule. It has no patterns.
#[derive(Clone, Debug)]
pub struct Rule {
    text: Box<str>,
    claims: Box<[ClaimName]>,
    /// The filter of a rule without claims.
    fixed: Option<Filter>,
}

/// The names that lead to a claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimName(Box<[Box<str>]>);

/// A claim that a rule needs is missing or does not fit. A rule never judges without it: behind a
/// `!` a condition that is false for lack of a claim would show everyone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It is not there, or null.
    #[error("The claim {0} is missing, which the role needs")]
    Missing(Box<str>),
    /// Its value cannot stand where the rule needs it.
    #[error("The claim {0} has a value that does not fit the role")]
    Unfit(Box<str>),
}

impl Rule {
    /// Reads a rule; the limits are those of filters.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut claims = syntax::claims_of(text).map_err(|error| error.in_text(text))?;
        claims.sort_unstable();
        claims.dedup();
        let fixed = claims
            .is_empty()
            .then(|| Filter::bound(text, ClaimBinding::Any));
        Ok(Self {
            text: text.into(),
            claims: claims.into_iter().map(ClaimName).collect(),
            fixed: fixed.transpose()?,
        })
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The claims that it names, each once.
    pub fn claims(&self) -> &[ClaimName] {
        &self.claims
    }

    /// The filter that it is for a token with these claims.
    pub fn bind(&self, claims: &Map<String, Value>) -> Result<Filter, ClaimError> {
        if let Some(fixed) = &self.fixed {
            return Ok(fixed.clone());
        }
        for name in &self.claims {
            name.value(claims)
                .ok_or_else(|| ClaimError::Missing(name.text()))?;
        }
        Filter::bound(&self.text, ClaimBinding::Of(claims)).map_err(|error| {
            // The rule was checked: what is wrong is a claim, and the error has its place.
            let place = self.text.chars().skip(error.offset).take(error.length);
            let claim: String = place.collect();
            ClaimError::Unfit(
                claim
                    .trim_start_matches("claims")
                    .trim_start_matches('.')
                    .into(),
            )
        })
    }
}

impl ClaimName {
    /// Its value; null counts as missing.
    pub fn value<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        syntax::claim_value(claims, &self.0)
    }

    /// As rules write it, without `claims`.
    pub fn text(&self) -> Box<str> {
        self.to_string().into()
    }
}

impl std::fmt::Display for ClaimName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_names(f, &self.0)
    }
}
