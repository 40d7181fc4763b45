//! A key set that was fetched: read key by key, because issuers list keys for other purposes beside
//! those of their tokens.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::jwk::{Jwk, KeyPrint, KeyType};
use super::{InvalidKey, KEYS_MAX, Key, KeyFault};
use crate::domain::strict;

/// The levels of a key.
const DEPTH_MAX: usize = 6;

/// A set whose keys are not read yet, so that a fault in one does not concern the others.
#[derive(Deserialize)]
struct UnreadSet<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// The usable keys of a set, and the faults of the others.
#[derive(Debug)]
pub(in crate::auth) struct FetchedSet {
    /// At least one.
    pub(in crate::auth) keys: Vec<(KeyPrint, Key)>,
    pub(in crate::auth) faults: Vec<KeyFault>,
}

impl FetchedSet {
    /// Reads a set; the error says what is wrong with it as a whole.
    pub(in crate::auth) fn parse(text: &str) -> Result<Self, String> {
        // A list would pass for an object, member by member.
        let is_object = text.trim_start().starts_with('{');
        let set = serde_json::from_str::<UnreadSet<'_>>(text).ok();
        let set = set.filter(|_| is_object);
        let values = set
            .ok_or("it is not a JSON object with one list `keys`")?
            .keys;
        if values.len() > KEYS_MAX {
            return Err(format!("it has more than {KEYS_MAX} keys"));
        }
        let (mut keys, mut faults) = (Vec::new(), Vec::new());
        for (number, value) in (1..).zip(values) {
            match public(value.get()) {
                Ok(key) => keys.push(key),
                Err(fault) => faults.push(KeyFault { number, fault }),
            }
        }
        if keys.is_empty() {
            return Err("it has no key that tokens can be verified with".to_owned());
        }
        Ok(Self { keys, faults })
    }
}

/// A secret that a server hands out is none.
fn public(text: &str) -> Result<(KeyPrint, Key), InvalidKey> {
    let value = strict::value(text, DEPTH_MAX).map_err(InvalidKey::Form)?;
    let jwk = Jwk::of(&value)?;
    if jwk.key_type()? == KeyType::Oct {
        return Err(InvalidKey::Secret);
    }
    Ok((jwk.print(), jwk.key()?))
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::algorithm::Algorithm;
    use crate::auth::jws::{FreshKey, fresh_key};

    fn fresh(kid: &str) -> Value {
        let Some(FreshKey::Ed25519 { x, .. }) = fresh_key(Algorithm::EdDsa) else {
            panic!("it is an Ed25519 key");
        };
        json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(&x), "kid": kid})
    }

    fn parse(keys: &[Value]) -> Result<FetchedSet, String> {
        FetchedSet::parse(&json!({ "keys": keys }).to_string())
    }

    #[test]
    fn the_usable_keys_of_a_set_count_and_the_others_are_left_out() {
        let secret = BASE64URL_NOPAD.encode(&[7; 32]);
        let mut encryption = fresh("enc");
        encryption["use"] = json!("enc");
        let mut private = fresh("private");
        private["d"] = json!(secret);
        let mut signing = fresh("wrap");
        signing["key_ops"] = json!(["wrapKey"]);
        let mut deep = fresh("deep");
        deep["x5c"] = json!([[[[[[[[]]]]]]]]);
        let set = parse(&[
            json!({"kty": "oct", "k": secret}),
            fresh("a"),
            encryption,
            private,
            signing,
            json!({"kty": "EC", "crv": "secp256k1"}),
            json!({"kty": "RSA", "n": BASE64URL_NOPAD.encode(&[0xc3; 128]), "e": "AQAB"}),
            json!("garbage"),
            deep,
            fresh("b"),
        ])
        .expect("two keys are usable");
        let kids: Vec<_> = set.keys.iter().map(|(_, key)| key.kid.as_deref()).collect();
        assert_eq!(kids, [Some("a"), Some("b")]);
        let numbers: Vec<usize> = set.faults.iter().map(|fault| fault.number).collect();
        assert_eq!(numbers, [1, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(set.faults[0].fault, InvalidKey::Secret);
    }

    #[test]
    fn a_set_without_usable_keys_or_with_too_many_is_refused() {
        let many: Vec<Value> = (0..=KEYS_MAX).map(|n| fresh(&n.to_string())).collect();
        assert!(parse(&many[1..]).is_ok());
        assert!(parse(&many).is_err());
        assert!(parse(&[]).is_err());
        assert!(parse(&[json!({"kty": "oct", "k": "x"})]).is_err());
        let (key, twice) = (fresh("a"), r#"{"kty":"OKP","kty":"OKP"}"#);
        for text in ["", "<html>", "{}", "[]", "[[]]", r#"{"keys":{}}"#] {
            assert!(FetchedSet::parse(text).is_err(), "{text}");
        }
        assert!(FetchedSet::parse(&format!("[[{key}]]")).is_err());
        let lists_twice = format!(r#"{{"keys":[{key}],"keys":[{key}]}}"#);
        assert!(FetchedSet::parse(&lists_twice).is_err());
        let one_is_bad = format!(r#"{{"keys":[{twice},{key}]}}"#);
        let set = FetchedSet::parse(&one_is_bad).expect("the other key is usable");
        assert_eq!((set.keys.len(), set.faults.len()), (1, 1));
    }

    #[test]
    fn equal_keys_have_equal_prints() {
        let key = fresh("a");
        let mut renamed = key.clone();
        renamed["kid"] = json!("b");
        let mut with_chain = key.clone();
        with_chain["x5t"] = json!("x");
        let set = parse(&[key, renamed, with_chain]).expect("three keys");
        let prints: Vec<_> = set.keys.iter().map(|(print, _)| *print).collect();
        assert!(prints[0] != prints[1] && prints[0] == prints[2]);
    }
}
