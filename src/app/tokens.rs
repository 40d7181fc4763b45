//! What verifies the tokens of callers.

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use super::AppError;
use crate::auth::{
    Authenticator, FetchOptions, FetchedKeys, KeySource, Metrics, PrivateKeys, PrivateKeysError,
    read_keys,
};
use crate::config::{AuthMode, Settings};
use crate::http::Authentication;
use crate::rights::Policy;
use crate::session::VerifyToken;
use crate::telemetry::{AuditLog, Readiness};

/// How callers are authenticated, where they need tokens.
#[derive(Default)]
pub(super) struct TokenChecks {
    pub(super) authentication: Option<Authentication>,
    /// Keeps the keys current until it is dropped.
    pub(super) keeper: Option<AbortOnDropHandle<()>>,
}

impl TokenChecks {
    /// Verifies the tokens that clients send on their streams; none where callers need none.
    pub(super) fn verify(&self) -> Option<VerifyToken> {
        self.authentication.as_ref().map(Authentication::verify)
    }

    /// Reads the keys, makes them, or begins to fetch them, as the settings say. Must be called
    /// inside the runtime.
    pub(super) fn start(
        settings: &Settings,
        metrics: &Metrics,
        readiness: &Readiness,
        audit: &Arc<AuditLog>,
    ) -> Result<Self, AppError> {
        if settings.auth.mode != Some(AuthMode::Jwt) {
            return Ok(Self::default());
        }
        if settings.is_open() {
            tracing::warn!("tokens cross the network in clear unless a proxy in front ends TLS");
        }
        let keys = match settings.fetch_options() {
            Some(options) => fetched(&options, metrics, readiness, audit),
            None => fixed(settings)?,
        };
        let policy = match &settings.auth.policy {
            Some(file) => file.policy.counted(metrics.rights.clone()),
            None => Policy::default().counted(metrics.rights.clone()),
        };
        let options = settings.auth_options();
        let authenticator = Authenticator::new(keys, policy, options, metrics.clone());
        let authenticator = Arc::new(authenticator);
        let kept = Arc::clone(&authenticator);
        let keeper = tokio::spawn(async move { kept.keep_keys().await });
        Ok(Self {
            authentication: Some(Authentication::new(authenticator, Arc::clone(audit))),
            keeper: Some(AbortOnDropHandle::new(keeper)),
        })
    }
}

fn fetched(
    options: &FetchOptions,
    metrics: &Metrics,
    readiness: &Readiness,
    audit: &Arc<AuditLog>,
) -> KeySource {
    tracing::info!(url = %options.url, "callers need tokens, whose keys are fetched");
    let (metrics, readiness) = (metrics.clone(), readiness.clone());
    let keys = FetchedKeys::new(options, metrics, readiness, Arc::clone(audit));
    KeySource::Fetched(Arc::new(keys))
}

/// The keys of the file; without one, those that the gateway makes in the folder of its embedded
/// store.
fn fixed(settings: &Settings) -> Result<KeySource, AppError> {
    let keys = match (&settings.auth.keys, settings.made_keys()) {
        (Some(file), _) => file.keys.clone(),
        (None, Some(path)) => {
            PrivateKeys::read_or_make(&path)?;
            read_keys(&path).map_err(PrivateKeysError::from)?
        }
        (None, None) => unreachable!("the settings were refused without keys"),
    };
    tracing::info!(keys = keys.len(), algorithms = ?keys.algorithms(), "callers need tokens");
    Ok(KeySource::Fixed(Arc::new(keys)))
}
