//! What is asked of tokens, with the defaults.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::filter::{attribute_names, write_names};

/// What is asked of tokens.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `iss` that a token must have.
    pub issuer: Option<String>,
    /// The `aud` that a token must have or list.
    pub audience: Option<String>,
    /// How far the clocks of issuer and gateway may differ.
    pub leeway: Duration,
    /// The latest end of a token, from now.
    pub lifetime_max: Duration,
    /// The claim that names the role.
    pub role_claim: ClaimPath,
    /// Verified tokens that are remembered.
    pub cached_tokens: NonZeroU64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            leeway: Duration::from_secs(30),
            lifetime_max: Duration::from_secs(7 * 24 * 3600),
            role_claim: ClaimPath(vec!["role".into()]),
            cached_tokens: NonZeroU64::new(10_000).expect("not zero"),
        }
    }
}

/// Names that lead to a claim, from the outermost in: `role`, `realm_access.roles`,
/// `["https://people.example/roles"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(Vec<Box<str>>);

/// A text that is no path of a claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "has to be the path of a claim, as in role, realm_access.roles or \
     [\"https://people.example/roles\"]"
)]
pub struct InvalidClaimPath;

impl ClaimPath {
    /// Puts a value where the path leads, in claims that have nothing there.
    pub fn insert(&self, claims: &mut Map<String, Value>, value: Value) {
        let (first, others) = self.0.split_first().expect("a path has a name");
        let inner = others
            .iter()
            .rfold(value, |value, name| json!({ &**name: value }));
        claims.insert(first.to_string(), inner);
    }

    /// The roles that claims name here: a text of words, or a list of texts.
    pub fn roles<'c>(&self, claims: &'c Map<String, Value>) -> Vec<&'c str> {
        match self.value(claims) {
            Some(Value::String(text)) => text.split_ascii_whitespace().collect(),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn value<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        let (first, others) = self.0.split_first()?;
        let mut others = others.iter();
        others.try_fold(claims.get(&**first)?, |value, name| value.get(&**name))
    }
}

/// As it can be read again.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_names(f, &self.0)
    }
}

impl FromStr for ClaimPath {
    type Err = InvalidClaimPath;

    fn from_str(text: &str) -> Result<Self, InvalidClaimPath> {
        attribute_names(text).map(Self).ok_or(InvalidClaimPath)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_words_or_a_list_below_a_path() {
        let claims = serde_json::json!({
            "role": "a  b", "realm_access": {"roles": ["c", 7, "d"]},
            "https://people.example/roles": "e",
        });
        let Value::Object(members) = claims else {
            panic!("an object");
        };
        for (path, roles) in [
            ("role", vec!["a", "b"]),
            ("realm_access.roles", vec!["c", "d"]),
            (r#"["https://people.example/roles"]"#, vec!["e"]),
            ("realm_access", vec![]),
            ("role.x", vec![]),
            ("other", vec![]),
        ] {
            let path: ClaimPath = path.parse().expect("a path");
            assert_eq!(path.roles(&members), roles, "{path:?}");
        }
    }
}
