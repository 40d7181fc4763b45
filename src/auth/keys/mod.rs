//! The keys that tokens are verified with.

mod fetched;
mod file;
mod jwk;
mod pem;
mod private;

pub(in crate::auth) use fetched::FetchedSet;
pub use file::{KeyFileError, read_keys};
pub(in crate::auth) use jwk::KeyPrint;
pub use private::{PrivateKeys, PrivateKeysError};

use super::algorithm::Algorithm;
use super::jws::{UnusableKey, VerifyingKey};
use crate::rights::KeyLife;

/// The longest `kid` of a key or token, in bytes.
pub(super) const KID_BYTES_MAX: usize = 200;
/// The most keys of a set.
pub(super) const KEYS_MAX: usize = 64;

/// A key, bound to one algorithm.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) verifying: VerifyingKey,
    /// None where it lasts as long as the gateway.
    pub(super) life: Option<KeyLife>,
}

/// All keys of a gateway; at least one.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// The set of these keys, at least one.
    pub(super) fn new(keys: Vec<Key>) -> Self {
        Self { keys }
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Always false: a set without keys is refused when it is read.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The names of their algorithms, each once.
    pub fn algorithms(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.keys.iter().map(|key| key.algorithm.name()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The one key for a token: of its algorithm and its `kid`, where both have one. Two keys that
    /// fit are as good as none: signatures are not tried out.
    pub(super) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Option<&Key> {
        let mut fitting: Vec<&Key> = self
            .keys
            .iter()
            .filter(|key| key.algorithm == algorithm)
            .collect();
        if let Some(kid) = kid {
            let is_named = |key: &&Key| key.kid.as_deref() == Some(kid);
            let any_named = fitting.iter().any(is_named);
            fitting.retain(|key| {
                if any_named {
                    is_named(key)
                } else {
                    key.kid.is_none()
                }
            });
        }
        match fitting[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// What is wrong with one key of a set, by its number from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key {number} {fault}")]
pub struct KeyFault {
    /// Its number in the set.
    pub number: usize,
    /// What is wrong.
    pub fault: InvalidKey,
}

/// What is wrong with a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Its JSON has another form.
    #[error("is not a JSON Web Key: {0}")]
    Form(String),
    /// It is a private key where a public one is expected.
    #[error(
        "is a private key, which a gateway does not need: `people-gateway keys public FILE` prints \
         the public keys of a set"
    )]
    Private,
    /// It is a secret in a set that was fetched.
    #[error("is a secret (oct), which the gateway takes from a file only")]
    Secret,
    /// It is for another purpose than signatures.
    #[error("is not for verifying signatures (use, key_ops)")]
    Purpose,
    /// It is of a type that is not supported.
    #[error(
        "is of a type that is not supported: RSA, EC with P-256 or P-384, OKP with Ed25519, oct"
    )]
    Type,
    /// Its `alg` is unknown, or contradicts its type.
    #[error("has an alg that is unknown or does not fit its type")]
    Algorithm,
    /// The key itself cannot be used.
    #[error(transparent)]
    Unusable(#[from] UnusableKey),
}
