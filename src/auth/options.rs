//! What is asked of tokens, with the defaults.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Map, Value, json};

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

    /// The names; at least one.
    pub(super) fn names(&self) -> &[Box<str>] {
        &self.0
    }
}

/// As it can be read again.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            match (is_name, index) {
                (true, 0) => f.write_str(name)?,
                (true, _) => write!(f, ".{name}")?,
                (false, _) => write!(f, "[{}]", serde_json::Value::from(&**name))?,
            }
        }
        Ok(())
    }
}

impl FromStr for ClaimPath {
    type Err = InvalidClaimPath;

    fn from_str(text: &str) -> Result<Self, InvalidClaimPath> {
        crate::filter::attribute_names(text)
            .map(Self)
            .ok_or(InvalidClaimPath)
    }
}
