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
use crate::rights::{Lease, Rights, Verb};
use credentials::Credential;

pub use lifetime::Authentication;

/// The caller of a request, and what the caller may do.
pub(super) struct Caller {
    /// None without authentication.
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
            return Ok(Self {
                lease: None,
                rights: Rights::all(),
            });
        };
        let token = match credentials::of(uri, headers)? {
            Credential::Token(token) => token,
            Credential::None => return Err(authenticator.missing().into()),
            Credential::Unreadable => return Err(authenticator.malformed().into()),
        };
        let lease = authenticator.verify(token).await?;
        Ok(Self {
            rights: Arc::clone(&lease.rights),
            lease: Some(lease),
        })
    }

    /// The rights of the caller, if they allow this verb.
    pub(super) fn may(&self, verb: Verb) -> Result<&Rights, Problem> {
        if self.rights.can().contains(verb) {
            return Ok(&self.rights);
        }
        Err(Problem::forbidden(verb, &self.rights))
    }

    /// The verified token, where there is authentication.
    pub(super) fn lease(&self) -> Option<&Lease> {
        self.lease.as_deref()
    }

    /// All that the caller may do.
    pub(super) fn rights(&self) -> &Rights {
        &self.rights
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
