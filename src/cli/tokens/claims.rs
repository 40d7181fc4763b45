//! A claim on the command line.

use std::str::FromStr;

use serde_json::Value;

/// A claim, as `NAME=VALUE`. A value that is JSON stands for itself, any other for a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NamedClaim {
    pub(super) name: String,
    pub(super) value: Value,
}

/// A text without a name or a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has to be NAME=VALUE, as in team=red or teams=[\"red\",\"blue\"]")]
pub(super) struct InvalidClaim;

impl FromStr for NamedClaim {
    type Err = InvalidClaim;

    fn from_str(text: &str) -> Result<Self, InvalidClaim> {
        let (name, value) = text.split_once('=').ok_or(InvalidClaim)?;
        if name.is_empty() {
            return Err(InvalidClaim);
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_claim_is_a_text_or_json() {
        for (text, value) in [
            ("team=red", json!("red")),
            ("team=", json!("")),
            ("level=7", json!(7)),
            (r#"level="7""#, json!("7")),
            (r#"teams=["red","blue"]"#, json!(["red", "blue"])),
            ("formula=a=b", json!("a=b")),
        ] {
            assert_eq!(
                text.parse::<NamedClaim>().map(|claim| claim.value),
                Ok(value)
            );
        }
        assert_eq!("team".parse::<NamedClaim>(), Err(InvalidClaim));
        assert_eq!("=red".parse::<NamedClaim>(), Err(InvalidClaim));
    }
}
