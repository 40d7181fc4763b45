//! The password of the servers, which a file may hold and an operator may replace.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use ::redis::{ConnectionInfo, RedisConnectionInfo};

use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;

/// The longest password that is read from a file.
const LONGEST: usize = 64 * 1024;

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
            Some(file) => Some(read(file).map_err(OpenError::fatal)?),
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
        match read(file) {
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

fn read(file: &PathBuf) -> Result<String, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("store.password_file {}: {error}", file.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() || password.len() > LONGEST || password.contains('\n') {
        return Err(format!(
            "store.password_file {} has to hold one line, the password",
            file.display()
        ));
    }
    Ok(password.to_owned())
}
