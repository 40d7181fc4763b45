//! The caller of a request: the token in its headers becomes rights.
//!
//! A handler of data takes a [`Caller`], and asks it for each verb: without one it has no rights to
//! go on with.

mod credentials;
pub(super) mod lifetime;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

use super::{HttpState, SharedState};
use crate::protocol::problem::Problem;
use crate::rights::{Lease, Rights, Scope, Verb};
use credentials::Credential;

pub use lifetime::Authentication;

/// The caller of a request, and what the caller may do.
pub(super) struct Caller {
    /// None without a token.
    lease: Option<Arc<Lease>>,
    rights: Arc<Rights>,
}

impl Caller {
    /// Verifies the token of a request. Without authentication nothing is read.
    pub(super) async fn of(
        state: &HttpState,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let Some(Authentication { authenticator, .. }) = &state.authentication else {
            return Ok(Self::without_token(Rights::all()));
        };
        let token = match credentials::of(uri, headers)? {
            Credential::Token(token) => token,
            Credential::None => {
                let anonymous = authenticator.anonymous().map(Self::without_token);
                return anonymous.ok_or_else(|| authenticator.missing().into());
            }
            Credential::Unreadable => return Err(authenticator.malformed().into()),
        };
        let lease = authenticator.verify(token).await?;
        Ok(Self {
            rights: Arc::clone(&lease.rights),
            lease: Some(lease),
        })
    }

    const fn without_token(rights: Arc<Rights>) -> Self {
        Self {
            lease: None,
            rights,
        }
    }

    /// Checks that the rights of the caller allow this verb.
    pub(super) fn may(&self, verb: Verb) -> Result<(), Problem> {
        let rights = &self.rights;
        if rights.can().contains(verb) {
            return Ok(());
        }
        Err(Problem::forbidden(verb, rights))
    }

    /// The verified token, where there is one.
    pub(super) fn lease(&self) -> Option<&Lease> {
        self.lease.as_deref()
    }

    /// All that the caller may do.
    pub(super) fn rights(&self) -> &Rights {
        &self.rights
    }

    /// The same for what outlives the request's handler.
    pub(super) fn shared_rights(&self) -> Arc<Rights> {
        Arc::clone(&self.rights)
    }

    /// What the caller sees.
    pub(super) fn scope(&self) -> &Scope {
        self.rights.scope()
    }
}

/// Marks an answer as one caller's: a cache must not show it to another.
pub(super) fn keep_private(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Authorization"));
    let control = match headers.get(header::CACHE_CONTROL) {
        Some(control) => [b"private, ", control.as_bytes()].concat(),
        None => b"private".to_vec(),
    };
    let control = HeaderValue::from_bytes(&control).expect("two valid values and a comma");
    headers.insert(header::CACHE_CONTROL, control);
}

impl FromRequestParts<SharedState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, Problem> {
        Self::of(state, &parts.uri, &parts.headers).await
    }
}
