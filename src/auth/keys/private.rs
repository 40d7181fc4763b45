//! Sets of private keys: made, read, printed in public, and used to sign tokens.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};

use super::file::{members, read};
use super::jwk::{Jwk, KeyType};
use super::{InvalidKey, KeyFault, KeyFileError};
use crate::auth::algorithm::Algorithm;
use crate::auth::jws::{Curve, FreshKey, SigningKey, fresh_key};
use crate::telemetry::clock::fresh_uuid;

/// Private keys in a file of their own.
pub struct PrivateKeys {
    members: Vec<Value>,
}

/// Why a set of private keys cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateKeysError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The file cannot be made.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It has no key that can sign.
    #[error(
        "{} has no key that can sign: a secret (oct), or an EC or Ed25519 key with its private \
         half",
        path.display()
    )]
    NoSigner {
        /// The file.
        path: PathBuf,
    },
    /// Keys of this algorithm are not made here.
    #[error(
        "keys for {} are made by other tools, such as `openssl genrsa 2048`: here are made HS256, \
         HS384, HS512, ES256, ES384 and EdDSA",
        .0.name()
    )]
    Unsupported(Algorithm),
}

impl PrivateKeys {
    /// A set of one fresh key. Its `kid` is a UUID.
    pub fn fresh(algorithm: Algorithm) -> Result<Self, PrivateKeysError> {
        let key = fresh_key(algorithm).ok_or(PrivateKeysError::Unsupported(algorithm))?;
        let mut jwk = match key {
            FreshKey::Hmac(secret) => json!({"kty": "oct", "k": encode(&secret)}),
            FreshKey::Ecdsa { d, point } => {
                let curve = if algorithm == Algorithm::Es256 {
                    Curve::P256
                } else {
                    Curve::P384
                };
                let (x, y) = point[1..].split_at(curve.coordinate_bytes());
                json!({
                    "kty": "EC", "crv": curve.name(), "x": encode(x), "y": encode(y),
                    "d": encode(&d),
                })
            }
            FreshKey::Ed25519 { d, x } => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&x), "d": encode(&d)})
            }
        };
        jwk["alg"] = json!(algorithm.name());
        jwk["kid"] = json!(fresh_uuid().to_string());
        jwk["use"] = json!("sig");
        Ok(Self { members: vec![jwk] })
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, PrivateKeysError> {
        let members = members(&read(path)?).map_err(|detail| KeyFileError::Form {
            path: path.to_owned(),
            detail,
        })?;
        Ok(Self { members })
    }

    /// Reads a file; one that is not there is made, with a fresh HS256 key.
    pub fn read_or_make(path: &Path) -> Result<Self, PrivateKeysError> {
        if !path.exists() {
            make_folder(path)?;
            match Self::fresh(Algorithm::Hs256)?.write_new(path) {
                // Another process was faster.
                Err(PrivateKeysError::Write { source, .. })
                    if source.kind() == io::ErrorKind::AlreadyExists => {}
                made => made?,
            }
        }
        Self::read(path)
    }

    /// Writes a new file that only its owner can read. An existing file stays as it is, and is an
    /// error.
    pub fn write_new(&self, path: &Path) -> Result<(), PrivateKeysError> {
        let failed = |source| PrivateKeysError::Write {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        file.write_all(text(&self.members).as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(failed)
    }

    /// The public keys, as a file for a gateway. Secrets are left out: they have no public half.
    pub fn public(&self, path: &Path) -> Result<String, KeyFileError> {
        self.public_members().map_err(|fault| KeyFileError::Keys {
            path: path.to_owned(),
            faults: vec![fault],
        })
    }

    fn public_members(&self) -> Result<String, KeyFault> {
        let mut public = Vec::new();
        for (number, value) in (1..).zip(&self.members) {
            let fault = |fault| KeyFault { number, fault };
            let members = value
                .as_object()
                .ok_or_else(|| fault(InvalidKey::Form("it is not an object".to_owned())))?;
            if Jwk::of(value)
                .and_then(|jwk| jwk.key_type())
                .map_err(fault)?
                == KeyType::Oct
            {
                continue;
            }
            let shown = ["kty", "crv", "n", "e", "x", "y", "alg", "kid", "use"];
            let members: Map<String, Value> = members
                .iter()
                .filter(|(name, _)| shown.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            public.push(Value::Object(members));
        }
        Ok(text(&public))
    }

    /// Signs claims with the first key that can sign.
    pub fn sign(&self, path: &Path, claims: &Value) -> Result<String, PrivateKeysError> {
        let no_signer = || PrivateKeysError::NoSigner {
            path: path.to_owned(),
        };
        let signer = self.members.iter().find_map(|value| signer(value).ok());
        let (algorithm, kid, key) = signer.ok_or_else(no_signer)?;
        let mut header = json!({"alg": algorithm.name(), "typ": "JWT"});
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        let message = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(claims.to_string().as_bytes())
        );
        let signature = key.sign(algorithm, &message).map_err(|_| no_signer())?;
        Ok(format!("{message}.{signature}"))
    }
}

/// Makes the folder of a file, readable for its owner only, where there is none.
fn make_folder(path: &Path) -> Result<(), PrivateKeysError> {
    let Some(folder) = path.parent().filter(|folder| !folder.exists()) else {
        return Ok(());
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|source| PrivateKeysError::Write {
            path: folder.to_owned(),
            source,
        })
}

/// The text of a key set.
fn text(members: &[Value]) -> String {
    let set = json!({ "keys": members });
    format!("{set:#}\n")
}

type Signer = (Algorithm, Option<String>, SigningKey);

fn signer(value: &Value) -> Result<Signer, InvalidKey> {
    let jwk = Jwk::of(value)?;
    let key_type = jwk.key_type()?;
    let key = match key_type {
        KeyType::Oct => SigningKey::hmac(&jwk.bytes("k")?)?,
        KeyType::Ec(curve) => {
            SigningKey::ecdsa(curve, &jwk.bytes("d")?, &jwk.bytes("x")?, &jwk.bytes("y")?)?
        }
        KeyType::Ed25519 => SigningKey::ed25519(&jwk.bytes("d")?, &jwk.bytes("x")?)?,
        KeyType::Rsa => return Err(InvalidKey::Type),
    };
    Ok((jwk.algorithm(key_type)?, jwk.kid()?, key))
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
