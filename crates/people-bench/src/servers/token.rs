//! A key and a token for gateways that ask for one, made by the measured program itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use people_testing::issuer::{Issuer, now};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::child::folder;

/// A writer without rules, and a watcher who sees everyone, after a look at each person, and
/// everything but one attribute.
const POLICY: &str = r#"
[[role]]
name = "writer"
can = ["read", "watch", "save", "delete", "import"]

[[role]]
name = "watcher"
can = ["read", "watch"]
where = 'age < claims.limit'
hide = ["attributes.hidden"]
"#;

/// Keys, and the tokens of a writer and of watchers that they signed.
#[derive(Clone, Debug)]
pub(crate) struct BenchToken {
    folder: Arc<TempDir>,
    writer: String,
    rights: BenchRights,
}

/// What the watchers' token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BenchRights {
    /// Everything.
    All,
    /// What a policy with a rule and a hidden attribute allows.
    Restricted,
}

impl BenchToken {
    /// Makes all of them with this program. Watchers share a token, or have so many, each with a
    /// subject of its own, of an issuer who signs with RSA.
    pub(crate) fn make(
        program: &Path,
        rights: BenchRights,
        own: Option<u32>,
    ) -> anyhow::Result<Self> {
        let folder = folder()?;
        let keys = keys_in(&folder);
        output(program, &["keys", "new", "--alg", "HS256"], &keys)?;
        let token = |role: &str| -> anyhow::Result<String> {
            let holder = ["token", "--sub", "bench", "--ttl", "1d", "--role", role];
            let arguments = [&holder[..], &["--claim", "limit=200", "--keys"]].concat();
            Ok(output(program, &arguments, &keys)?.trim().to_owned())
        };
        let writer = token("writer")?;
        let watchers = match (rights, own) {
            (BenchRights::Restricted, _) => {
                fs::write(policy_in(&folder), POLICY)?;
                token("watcher")?
            }
            (BenchRights::All, None) => writer.clone(),
            (BenchRights::All, Some(count)) => own_tokens(count, &keys)?,
        };
        fs::write(watchers_in(&folder), watchers)?;
        Ok(Self {
            folder: Arc::new(folder),
            writer,
            rights,
        })
    }

    /// The file with the roles, where there is one.
    pub(crate) fn policy(&self) -> Option<PathBuf> {
        (self.rights == BenchRights::Restricted).then(|| policy_in(&self.folder))
    }

    /// The file with the key.
    pub(crate) fn keys(&self) -> PathBuf {
        keys_in(&self.folder)
    }

    /// The token for writes.
    pub(crate) fn writer(&self) -> &str {
        &self.writer
    }

    /// The file with the tokens for live updates, one in a line.
    pub(crate) fn watchers(&self) -> PathBuf {
        watchers_in(&self.folder)
    }
}

/// This many tokens, one in a line. The key that verifies them is added to the file.
fn own_tokens(count: u32, keys: &Path) -> anyhow::Result<String> {
    let issuer = Issuer::new("RS256").named("bench");
    let mut all: Value = serde_json::from_str(&fs::read_to_string(keys)?)?;
    let members = all["keys"].as_array_mut();
    members.context("a key set has keys")?.push(issuer.jwk());
    fs::write(keys, all.to_string())?;
    let ends = now() + 24 * 3600;
    let tokens = (0..count).map(|number| {
        let claims = json!({"sub": format!("bench-{number}"), "role": "reader", "exp": ends});
        issuer.token(&claims) + "\n"
    });
    Ok(tokens.collect())
}

fn watchers_in(folder: &TempDir) -> PathBuf {
    folder.path().join("watchers")
}

fn policy_in(folder: &TempDir) -> PathBuf {
    folder.path().join("policy.toml")
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
