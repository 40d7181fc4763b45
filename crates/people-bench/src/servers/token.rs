//! A key and a token for gateways that ask for one, made by the measured program itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use super::child::folder;

/// A key, and a token of a writer that it signed.
#[derive(Clone, Debug)]
pub(crate) struct BenchToken {
    folder: Arc<TempDir>,
    token: String,
}

impl BenchToken {
    /// Makes both with this program.
    pub(crate) fn make(program: &Path) -> anyhow::Result<Self> {
        let folder = folder()?;
        let keys = keys_in(&folder);
        output(program, &["keys", "new", "--alg", "HS256"], &keys)?;
        let arguments = ["token", "--sub", "bench", "--ttl", "1d", "--keys"];
        let token = output(program, &arguments, &keys)?;
        Ok(Self {
            folder: Arc::new(folder),
            token: token.trim().to_owned(),
        })
    }

    /// The file with the key.
    pub(crate) fn keys(&self) -> PathBuf {
        keys_in(&self.folder)
    }

    /// The token.
    pub(crate) fn text(&self) -> &str {
        &self.token
    }
}

fn keys_in(folder: &TempDir) -> PathBuf {
    folder.path().join("keys.jwks")
}

/// Standard output of a command of the program about a file.
fn output(program: &Path, arguments: &[&str], file: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    let output = command.args(arguments).arg(file).output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(
        output.status.success(),
        "`people-gateway {}` failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}
