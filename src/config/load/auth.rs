//! Reads the settings of authentication, and the rules between them.

use std::path::PathBuf;
use std::sync::Arc;

use config::Value;

use super::reader::{COUNT_MAX, FaultDetail, SettingReader, detail, milliseconds_from_0, text};
use crate::auth::read_keys;
use crate::config::settings::{AuthMode, AuthSettings, KeyFile, PolicyFile, Settings};
use crate::config::store_url::StoreUrl;
use crate::rights::Policy;
use crate::telemetry::ErrorChain;

pub(super) fn read(r: &mut SettingReader) -> AuthSettings {
    let words = |value: &Value| text(value).map(str::to_owned);
    AuthSettings {
        mode: r.written("auth.mode", auth_mode),
        keys: r.written("auth.keys", key_file),
        policy: r.written("auth.policy", policy_file),
        jwks: r.written("auth.jwks", |value| text(value)?.parse().map_err(detail)),
        jwks_refresh: r.milliseconds("auth.jwks_refresh_ms"),
        jwks_retry: r.milliseconds("auth.jwks_retry_ms"),
        jwks_stale: r.milliseconds("auth.jwks_stale_ms"),
        issuer: r.written("auth.issuer", words),
        audience: r.written("auth.audience", words),
        role_claim: r.parsed("auth.role_claim"),
        leeway: r.read("auth.leeway_ms", milliseconds_from_0),
        lifetime_max: r.milliseconds("auth.lifetime_max_ms"),
        refresh_lead: r.milliseconds("auth.refresh_lead_ms"),
        cached_tokens: r.number("auth.cached_tokens", 1..=COUNT_MAX),
    }
}

fn auth_mode(value: &Value) -> Result<AuthMode, FaultDetail> {
    match text(value)? {
        "none" => Ok(AuthMode::None),
        "jwt" => Ok(AuthMode::Jwt),
        _ => Err("has to be \"none\" or \"jwt\"".into()),
    }
}

fn key_file(value: &Value) -> Result<KeyFile, FaultDetail> {
    let path = PathBuf::from(text(value)?);
    let keys = read_keys(&path).map_err(|error| ErrorChain(&error).to_string())?;
    Ok(KeyFile { path, keys })
}

fn policy_file(value: &Value) -> Result<PolicyFile, FaultDetail> {
    let path = PathBuf::from(text(value)?);
    let read = std::fs::read_to_string(&path);
    let text = read.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let policy = text.parse::<Policy>();
    let policy = policy.map_err(|faults| format!("{}: {faults}", path.display()))?;
    Ok(PolicyFile {
        path,
        policy: Arc::new(policy),
    })
}

/// Reports what contradicts itself.
pub(super) fn check(settings: &Settings, r: &mut SettingReader) {
    check_url(settings, r);
    if settings.auth.mode != Some(AuthMode::Jwt) {
        return;
    }
    let admin = &settings.admin;
    if !admin.listen.is_loopback() && !admin.open && r.sound(&["admin.listen", "admin.open"]) {
        let detail = "reaches beyond this machine, and asks for no tokens: write admin.open = true \
                      out if that is meant, or use a loopback address";
        r.fault("admin.listen", detail.into());
    }
    let has_keys = r.is_written("auth.keys") || r.is_written("auth.jwks");
    let makes_keys = matches!(settings.store.url, StoreUrl::Embedded(_));
    if !has_keys && !makes_keys && r.sound(&["store.url", "store.url_file"]) {
        let detail = "needs keys: name a file in auth.keys, a JSON Web Key Set or public keys in \
                      PEM, or the URL of a key set in auth.jwks (only with the embedded store does \
                      a gateway make its own)";
        r.fault("auth.mode", detail.into());
    }
}

fn check_url(settings: &Settings, r: &mut SettingReader) {
    if !r.is_written("auth.jwks") {
        return;
    }
    if r.is_written("auth.keys") {
        r.fault("auth.jwks", "excludes auth.keys: set one of them".into());
    }
    // A server of keys often serves other services, too, and signs tokens for them.
    let missing: Vec<&str> = ["auth.issuer", "auth.audience"]
        .into_iter()
        .filter(|key| !r.is_written(key))
        .collect();
    if !missing.is_empty() {
        let detail = format!(
            "needs {}: without it the tokens that the issuer makes for others would be accepted",
            missing.join(" and ")
        );
        r.fault("auth.jwks", detail);
    }
    let (shorter, longer) = ("auth.jwks_refresh_ms", "auth.jwks_stale_ms");
    let holds = settings.auth.jwks_refresh < settings.auth.jwks_stale;
    if !holds && r.sound(&[shorter, longer]) {
        r.fault(shorter, format!("has to be shorter than {longer}"));
    }
}
