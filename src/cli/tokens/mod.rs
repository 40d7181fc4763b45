//! `token`, `keys` and `rights`: tokens for callers, the keys that they are signed with, and what a
//! policy gives to them.

mod claims;
mod keys;
mod lifetime;
mod rights;

pub(super) use keys::{KeysCommand, keys};
pub(super) use rights::{RightsFlags, rights};

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::operator::StoreFlags;
use super::terminal::print_text;
use crate::auth::{PrivateKeys, is_subject};
use crate::telemetry::clock::unix_time;
use claims::NamedClaim;
use lifetime::Lifetime;

const EXAMPLES: &str = "\
Examples:
  people-gateway token --sub ada
  people-gateway token --sub ada --role reader --ttl 15m
  people-gateway token --sub ada --claim team=red --claim 'teams=[\"red\",\"blue\"]'
  people-gateway token --sub ada --keys private.jwks";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct TokenFlags {
    /// The holder of the token
    #[arg(long, value_name = "NAME", value_parser = subject)]
    sub: String,
    /// The role of the holder
    #[arg(long, value_name = "ROLE", default_value = "writer")]
    role: String,
    /// How long the token lasts: a number and s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "1h")]
    ttl: Lifetime,
    /// Another claim: a text, or any other value in JSON
    #[arg(long, value_name = "NAME=VALUE")]
    claim: Vec<NamedClaim>,
    /// The issuer [default: auth.issuer of the settings]
    #[arg(long, value_name = "ISSUER")]
    iss: Option<String>,
    /// The audience [default: auth.audience of the settings]
    #[arg(long, value_name = "AUDIENCE")]
    aud: Option<String>,
    /// The file with the private key [default: auth.jwks in the folder of the embedded store, which
    /// is made if it is not there]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    store: StoreFlags,
}

fn subject(text: &str) -> Result<String, String> {
    if is_subject(text) {
        return Ok(text.to_owned());
    }
    Err("expected 1 to 255 characters without control characters".to_owned())
}

/// Prints a token and nothing else.
pub(super) fn token(flags: TokenFlags) -> anyhow::Result<()> {
    let settings = flags.store.settings()?;
    let auth = &settings.auth;
    if flags.ttl.0 > auth.lifetime_max {
        bail!(
            "--ttl is longer than auth.lifetime_max_ms allows: {} s at most",
            auth.lifetime_max.as_secs()
        );
    }
    let (path, keys) = match (&flags.keys, settings.made_keys()) {
        (Some(path), _) => (path.clone(), PrivateKeys::read(path)?),
        (None, _) if auth.keys.is_some() || auth.jwks.is_some() => bail!(
            "--keys is missing: auth.keys or auth.jwks has the keys that tokens are verified with, \
             and a token is signed with the private key of one of them"
        ),
        (None, Some(path)) => {
            let keys = PrivateKeys::read_or_make(&path).context("--keys names another file")?;
            (path, keys)
        }
        (None, None) => {
            bail!("--keys is missing: only the embedded store has a folder with a key of its own")
        }
    };
    let mut claims = serde_json::Map::new();
    claims.insert("sub".into(), flags.sub.into());
    auth.role_claim
        .insert(&mut claims, serde_json::Value::from(flags.role));
    for (name, text) in [
        ("iss", flags.iss.or_else(|| auth.issuer.clone())),
        ("aud", flags.aud.or_else(|| auth.audience.clone())),
    ] {
        claims.extend(text.map(|text| (name.to_owned(), text.into())));
    }
    let now = unix_time().as_secs();
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), (now + flags.ttl.0.as_secs()).into());
    for NamedClaim { name, value } in flags.claim {
        claims.insert(name, value);
    }
    let token = keys.sign(&path, &serde_json::Value::Object(claims))?;
    print_text(&format!("{token}\n"))
}
