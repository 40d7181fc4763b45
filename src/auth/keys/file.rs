//! A file of keys: a JSON Web Key Set (RFC 7517, section 5), or public keys in PEM.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_json::value::RawValue;

use super::jwk::Jwk;
use super::{KEYS_MAX, KeyFault, KeySet, pem};
use crate::domain::strict;

/// The bytes that are read of a file.
pub(super) const FILE_BYTES_MAX: u64 = 256 * 1024;
/// The levels of a key set: the set, its list, a key, a list in it.
const DEPTH_MAX: usize = 8;

/// Why a file of keys cannot be used. No message repeats any part of the file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is neither PEM nor a key set.
    #[error("{} is neither a JSON Web Key Set nor public keys in PEM: {detail}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Some of its keys cannot be used.
    #[error("{}: {}", path.display(), listed(faults))]
    Keys {
        /// The file.
        path: PathBuf,
        /// All faults.
        faults: Vec<KeyFault>,
    },
}

fn listed(faults: &[KeyFault]) -> String {
    let texts: Vec<String> = faults.iter().map(KeyFault::to_string).collect();
    texts.join("; ")
}

/// Reads the keys of a file; one faulty key refuses the file.
pub fn read_keys(path: &Path) -> Result<KeySet, KeyFileError> {
    let text = read(path)?;
    let form = |detail: String| KeyFileError::Form {
        path: path.to_owned(),
        detail,
    };
    let (keys, faults) = if pem::is_pem(&text) {
        pem::keys(&text)
    } else {
        let (mut keys, mut faults) = (Vec::new(), Vec::new());
        for (number, value) in (1..).zip(members(&text).map_err(form)?) {
            match Jwk::of(&value).and_then(|jwk| jwk.key()) {
                Ok(key) => keys.push(key),
                Err(fault) => faults.push(KeyFault { number, fault }),
            }
        }
        (keys, faults)
    };
    if !faults.is_empty() {
        return Err(KeyFileError::Keys {
            path: path.to_owned(),
            faults,
        });
    }
    match keys.len() {
        0 => Err(form("it has no key".to_owned())),
        1..=KEYS_MAX => Ok(KeySet::new(keys)),
        _ => Err(form(format!("it has more than {KEYS_MAX} keys"))),
    }
}

/// The text of a file, as far as it may be read.
pub(super) fn read(path: &Path) -> Result<String, KeyFileError> {
    let failed = |source| KeyFileError::Read {
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(KeyFileError::Form {
            path: path.to_owned(),
            detail: format!("it is longer than {FILE_BYTES_MAX} bytes"),
        });
    }
    Ok(text)
}

/// The members of a set's `keys`.
pub(super) fn members(text: &str) -> Result<Vec<Value>, String> {
    let not_json = |_| "it is not JSON".to_owned();
    serde_json::from_str::<&RawValue>(text).map_err(not_json)?;
    let mut set = strict::value(text, DEPTH_MAX)?;
    match set.get_mut("keys").map(Value::take) {
        Some(Value::Array(keys)) => Ok(keys),
        _ => Err("it has no list `keys`".to_owned()),
    }
}
