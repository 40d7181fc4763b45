//! The password of the servers, which a file may hold and an operator may replace.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use ::redis::{ConnectionInfo, RedisConnectionInfo};

use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;

/// The bytes that are read of a file with a secret.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// The current password, and where it is read again.
pub(in crate::store::redis) struct Credentials {
    file: Option<PathBuf>,
    password: RwLock<Option<String>>,
    /// Grows with each new password.
    version: AtomicU64,
}

impl Credentials {
    /// The password of the file, else that of the url.
    pub(super) fn new(options: &Options, server: &ConnectionInfo) -> Result<Self, OpenError> {
        let password = match &options.password_file {
            None => server.redis_settings().password().map(str::to_owned),
            Some(file) => {
                let password = password_in(file);
                Some(password.map_err(OpenError::fatal)?)
            }
        };
        Ok(Self {
            file: options.password_file.clone(),
            password: RwLock::new(password),
            version: AtomicU64::new(0),
        })
    }

    /// These settings with the current password.
    pub(super) fn apply(&self, settings: RedisConnectionInfo) -> RedisConnectionInfo {
        let password = self.password.read().unwrap_or_else(PoisonError::into_inner);
        match password.as_deref() {
            Some(password) => settings.set_password(password),
            None => settings,
        }
    }

    /// A number that grows with each new password.
    pub(in crate::store::redis) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Reads the file again, if there is one. A file that cannot be read leaves the password.
    pub(in crate::store::redis) fn reload(&self) {
        let Some(file) = &self.file else { return };
        match password_in(file) {
            Ok(fresh) => {
                let mut password = self
                    .password
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                if password.as_deref() != Some(&fresh) {
                    *password = Some(fresh);
                    self.version.fetch_add(1, Ordering::Release);
                    tracing::info!("store.password_file has a new password; connecting anew");
                }
            }
            Err(why) => tracing::warn!(why, "the old password is used"),
        }
    }
}

fn password_in(file: &Path) -> Result<String, String> {
    secret_line(file, "the password of the store")
        .map_err(|fault| format!("store.password_file: {fault}"))
}

/// Reads a file that holds a secret in one line. No fault repeats any part of the file.
pub fn secret_line(file: &Path, content: &str) -> Result<String, String> {
    let name = file.display();
    let mut text = String::new();
    let opened = File::open(file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let read = opened.take(SECRET_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| format!("{name} cannot be read as text: {}", error.kind()))?;
    match text.trim_end_matches(['\n', '\r']) {
        "" => Err(format!(
            "{name} is empty: it has to hold {content}, in one line"
        )),
        several if several.contains('\n') => Err(format!(
            "{name} has several lines: it has to hold {content}, in one line"
        )),
        line => Ok(line.to_owned()),
    }
}
