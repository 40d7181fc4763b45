//! Verifies tokens, and remembers those that it has verified.

use std::sync::Arc;

use moka::future::Cache;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::claims::{self, Claims};
use super::compact::CompactToken;
use super::fault::{TokenFault, TokenFaultReason, TokenOutcome, VerifyError};
use super::keys::{Key, KeySet};
use super::metrics::Metrics;
use super::options::Options;
use super::source::KeySource;
use crate::rights::{Lease, Policy, Rights};
use crate::telemetry::clock::unix_time;

/// Verifies tokens with the keys of the gateway.
pub struct Authenticator {
    keys: KeySource,
    policy: Policy,
    anonymous: Option<Arc<Rights>>,
    options: Options,
    /// By SHA-256 of the token: no text of a token is kept, and no comparison takes longer the more
    /// of one is right. Only successes are remembered.
    verified: Cache<[u8; 32], Arc<Lease>>,
    metrics: Metrics,
}

impl Authenticator {
    /// Verifies with these keys, and gives the rights of this policy.
    pub fn new(keys: KeySource, policy: Policy, options: Options, metrics: Metrics) -> Self {
        if let KeySource::Fixed(keys) = &keys {
            metrics
                .keys
                .set(i64::try_from(keys.len()).unwrap_or(i64::MAX));
        }
        Self {
            keys,
            anonymous: policy.anonymous(),
            policy,
            verified: Cache::new(options.cached_tokens.get()),
            options,
            metrics,
        }
    }

    /// Keeps the keys current, as long as the gateway runs; returns at once where they stay the
    /// same.
    pub async fn keep_keys(&self) {
        self.keys.run(|| self.verified.invalidate_all()).await;
    }

    /// The holder of a token that was verified before and holds. It costs no look at a signature.
    pub async fn recall(&self, token: &str) -> Option<Arc<Lease>> {
        self.recall_digest(&digest(token)).await
    }

    /// The holder of a token, and what the holder may do; or why the token is not accepted.
    pub async fn verify(&self, token: &str) -> Result<Arc<Lease>, VerifyError> {
        let digest = digest(token);
        if let Some(lease) = self.recall_digest(&digest).await {
            return Ok(lease);
        }
        let lease = match self.judge(token, self.keys.known()).await {
            Ok(lease) => Arc::new(lease),
            Err(error) => {
                self.count(error.outcome());
                return Err(error);
            }
        };
        self.verified.insert(digest, Arc::clone(&lease)).await;
        self.count(TokenOutcome::Accepted);
        Ok(lease)
    }

    /// A token that was verified before. One that has ended since, or whose key is gone, is judged
    /// again, and refused; without keys that hold, none is known.
    async fn recall_digest(&self, digest: &[u8; 32]) -> Option<Arc<Lease>> {
        self.keys.known()?;
        let lease = self.verified.get(digest).await?;
        let holds = unix_time() <= lease.ends && !lease.is_withdrawn();
        holds.then(|| {
            self.count(TokenOutcome::Cached);
            lease
        })
    }

    /// The rights of a caller without a token; none where every caller needs one.
    pub fn anonymous(&self) -> Option<Arc<Rights>> {
        self.anonymous.clone()
    }

    /// The fault of a caller without a token.
    pub fn missing(&self) -> TokenFault {
        self.count(TokenOutcome::Refused(TokenFaultReason::Missing));
        TokenFaultReason::Missing.because(
            "This call needs a token: send it as Authorization: Bearer TOKEN, or with a WebSocket \
             as the subprotocol bearer.TOKEN beside a format.",
        )
    }

    /// The fault of a header `Authorization` that carries no token.
    pub fn malformed(&self) -> TokenFault {
        self.count(TokenOutcome::Refused(TokenFaultReason::Malformed));
        TokenFaultReason::Malformed
            .because("Authorization has to be Bearer, one blank, and a token (RFC 6750).")
    }

    async fn judge(
        &self,
        token: &str,
        mut keys: Option<Arc<KeySet>>,
    ) -> Result<Lease, VerifyError> {
        let parts = CompactToken::parse(token)?;
        let (algorithm, kid) = (parts.algorithm, parts.kid.as_deref());
        let fits = |keys: &Arc<KeySet>| keys.find(algorithm, kid).is_some();
        if !keys.as_ref().is_some_and(fits) {
            self.keys.await_fetch().await;
            keys = self.keys.known();
        }
        let keys = keys.ok_or_else(|| VerifyError::KeysUnavailable {
            retry: self.keys.retry(),
        })?;
        let key = keys.find(algorithm, kid).ok_or_else(|| {
            TokenFaultReason::Key.because(
                "No key of this gateway fits the token's alg and kid, or several do: sign with a \
                 key whose public half the gateway was given.",
            )
        })?;
        self.lease(&parts, key).map_err(VerifyError::from)
    }

    /// Judges a token by the one key that fits it.
    fn lease(&self, parts: &CompactToken<'_>, key: &Key) -> Result<Lease, TokenFault> {
        let is_right = key
            .verifying
            .verifies(parts.algorithm, parts.message, parts.signature);
        if !is_right {
            return Err(TokenFaultReason::Signature.because(
                "The signature does not fit the token: it was changed, or signed with another key.",
            ));
        }
        let (claims, now) = (Claims::parse(parts.claims)?, unix_time());
        let holder = claims.check(&self.options, now)?;
        let roles = self.options.role_claim.roles(claims.members());
        let rights = self.policy.rights(roles, claims.members());
        let rights = rights.map_err(|error| claims::wrong(&error.to_string()))?;
        let (instant, ends) = (Instant::now(), holder.expires + self.options.leeway);
        Ok(Lease {
            subject: holder.subject.into(),
            issuer: holder.issuer.map(String::into),
            rights,
            ends,
            expires_at: instant + holder.expires.saturating_sub(now),
            ends_at: instant + ends.saturating_sub(now),
            key: key.life.clone(),
        })
    }

    fn count(&self, outcome: TokenOutcome) {
        self.metrics.tokens.at(outcome).inc();
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
