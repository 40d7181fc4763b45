//! Public keys in PEM (RFC 7468): `BEGIN PUBLIC KEY`, once or several times.

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;

use super::{InvalidKey, Key, KeyFault};
use crate::auth::algorithm::Algorithm;
use crate::auth::jws::{PublicKeyType, VerifyingKey};

/// Whether a text is PEM and not JSON.
pub(super) fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN ")
}

/// The keys of a file, and the faults of those that cannot be used.
pub(super) fn keys(text: &str) -> (Vec<Key>, Vec<KeyFault>) {
    let (mut keys, mut faults) = (Vec::new(), Vec::new());
    let labels = text.lines().filter_map(|line| {
        let label = line.trim().strip_prefix("-----BEGIN ")?;
        label.strip_suffix("-----")
    });
    for (number, label) in (1..).zip(labels) {
        let fault = if label.contains("PRIVATE KEY") {
            InvalidKey::Private
        } else if label == "PUBLIC KEY" {
            continue;
        } else {
            InvalidKey::Form(format!(
                "it is a {label:.40}, and a BEGIN PUBLIC KEY is expected"
            ))
        };
        faults.push(KeyFault { number, fault });
    }
    if !faults.is_empty() {
        return (keys, faults);
    }
    for (number, der) in (1..).zip(SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes())) {
        let key = match der {
            Ok(der) => key(&der),
            Err(_) => Err(InvalidKey::Form("its base64 cannot be read".to_owned())),
        };
        match key {
            Ok(key) => keys.push(key),
            Err(fault) => faults.push(KeyFault { number, fault }),
        }
    }
    (keys, faults)
}

fn key(der: &[u8]) -> Result<Key, InvalidKey> {
    let (verifying, key_type) = VerifyingKey::spki(der)?;
    let algorithm = match key_type {
        PublicKeyType::Rsa => Algorithm::Rs256,
        PublicKeyType::P256 => Algorithm::Es256,
        PublicKeyType::P384 => Algorithm::Es384,
        PublicKeyType::Ed25519 => Algorithm::EdDsa,
    };
    Ok(Key {
        algorithm,
        kid: None,
        verifying,
        life: None,
    })
}
