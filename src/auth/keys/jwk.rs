//! JSON Web Keys (RFC 7517; RFC 7518, section 6; RFC 8037), one by one.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{InvalidKey, KID_BYTES_MAX, Key};
use crate::auth::algorithm::Algorithm;
use crate::auth::jws::{Curve, VerifyingKey};

/// The members of a JWK.
pub(super) struct Jwk<'a>(&'a Map<String, Value>);

/// What tells a key from others: the SHA-256 of its name, its algorithm and its public numbers.
pub(in crate::auth) type KeyPrint = [u8; 32];

/// The type of a JWK: `kty`, with `crv` where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyType {
    Rsa,
    Ec(Curve),
    Ed25519,
    Oct,
}

impl<'a> Jwk<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Self, InvalidKey> {
        let members = value.as_object();
        members
            .map(Self)
            .ok_or_else(|| InvalidKey::Form("it is not an object".to_owned()))
    }

    /// The key, if it is for verifying signatures.
    pub(super) fn key(&self) -> Result<Key, InvalidKey> {
        self.check_purpose()?;
        let key_type = self.key_type()?;
        if key_type != KeyType::Oct && self.0.contains_key("d") {
            return Err(InvalidKey::Private);
        }
        Ok(Key {
            algorithm: self.algorithm(key_type)?,
            kid: self.kid()?,
            verifying: self.verifying(key_type)?,
            life: None,
        })
    }

    /// Equal for equal keys of one name and one algorithm.
    pub(super) fn print(&self) -> KeyPrint {
        let members = ["kty", "crv", "alg", "kid", "n", "e", "x", "y"];
        let values = members.map(|member| self.0.get(member));
        Sha256::digest(json!(values).to_string()).into()
    }

    fn verifying(&self, key_type: KeyType) -> Result<VerifyingKey, InvalidKey> {
        Ok(match key_type {
            KeyType::Rsa => VerifyingKey::rsa(&self.bytes("n")?, &self.bytes("e")?)?,
            KeyType::Ec(curve) => VerifyingKey::ecdsa(curve, &self.bytes("x")?, &self.bytes("y")?)?,
            KeyType::Ed25519 => VerifyingKey::ed25519(&self.bytes("x")?)?,
            KeyType::Oct => VerifyingKey::hmac(&self.bytes("k")?)?,
        })
    }

    /// `use` and `key_ops`, where they are there, allow verification. `sign` does as well: a set of
    /// private keys says so.
    fn check_purpose(&self) -> Result<(), InvalidKey> {
        let verifies = match self.0.get("key_ops") {
            None => true,
            Some(Value::Array(operations)) => operations
                .iter()
                .any(|operation| operation == "verify" || operation == "sign"),
            Some(_) => false,
        };
        if verifies && self.text("use")?.is_none_or(|purpose| purpose == "sig") {
            return Ok(());
        }
        Err(InvalidKey::Purpose)
    }

    pub(super) fn key_type(&self) -> Result<KeyType, InvalidKey> {
        let curve = self.text("crv")?;
        match (self.text("kty")?, curve) {
            (Some("RSA"), _) => Ok(KeyType::Rsa),
            (Some("EC"), Some("P-256")) => Ok(KeyType::Ec(Curve::P256)),
            (Some("EC"), Some("P-384")) => Ok(KeyType::Ec(Curve::P384)),
            (Some("OKP"), Some("Ed25519")) => Ok(KeyType::Ed25519),
            (Some("oct"), _) => Ok(KeyType::Oct),
            _ => Err(InvalidKey::Type),
        }
    }

    /// Its `alg`; without one, the usual algorithm of its type.
    pub(super) fn algorithm(&self, key_type: KeyType) -> Result<Algorithm, InvalidKey> {
        let fitting: &[Algorithm] = match key_type {
            KeyType::Rsa => &[
                Algorithm::Rs256,
                Algorithm::Rs384,
                Algorithm::Rs512,
                Algorithm::Ps256,
                Algorithm::Ps384,
                Algorithm::Ps512,
            ],
            KeyType::Ec(Curve::P256) => &[Algorithm::Es256],
            KeyType::Ec(Curve::P384) => &[Algorithm::Es384],
            KeyType::Ed25519 => &[Algorithm::EdDsa],
            KeyType::Oct => &[Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512],
        };
        match self.text("alg")? {
            None => Ok(fitting[0]),
            Some(name) => Algorithm::named(name)
                .filter(|algorithm| fitting.contains(algorithm))
                .ok_or(InvalidKey::Algorithm),
        }
    }

    pub(super) fn kid(&self) -> Result<Option<String>, InvalidKey> {
        match self.text("kid")? {
            Some(kid) if kid.len() > KID_BYTES_MAX => Err(InvalidKey::Form(format!(
                "its kid is longer than {KID_BYTES_MAX} bytes"
            ))),
            kid => Ok(kid.map(str::to_owned)),
        }
    }

    /// A member in base64url without padding.
    pub(super) fn bytes(&self, member: &str) -> Result<Vec<u8>, InvalidKey> {
        let text = self
            .text(member)?
            .ok_or_else(|| InvalidKey::Form(format!("it has no {member}")))?;
        BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| InvalidKey::Form(format!("its {member} is not base64url")))
    }

    fn text(&self, member: &str) -> Result<Option<&'a str>, InvalidKey> {
        match self.0.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(InvalidKey::Form(format!("its {member} is not a text"))),
        }
    }
}
