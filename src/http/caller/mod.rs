//! The caller of a request: the token in its headers becomes rights.
//!
//! A handler of data takes a [`Caller`], and asks it for each verb: without one it has no rights to
//! go on with.

mod credentials;
pub(super) mod head;
pub(super) mod lifetime;
pub(super) mod limits;
pub(super) mod record;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use super::{HttpState, SharedState};
use crate::limits::AddressBlock;
use crate::protocol::problem::Problem;
use crate::rights::{Lease, Rights, Scope, Verb};
use head::CallHead;

pub use lifetime::Authentication;

/// The caller of a request, and what the caller may do.
pub(super) struct Caller {
    /// None without a token.
    lease: Option<Arc<Lease>>,
    rights: Arc<Rights>,
    /// Where the request comes from.
    address: AddressBlock,
}

impl Caller {
    /// Verifies the token of a request, and counts the request. Without authentication no token is
    /// read.
    pub(super) async fn of(state: &HttpState, head: CallHead<'_>) -> Result<Self, Problem> {
        let address = head.address(state);
        let (lease, rights) = match &state.authentication {
            Some(authentication) => authentication.rights(state, head, address).await?,
            None => (None, Rights::all()),
        };
        let caller = Self {
            lease,
            rights,
            address,
        };
        caller.admit(state, head)?;
        Ok(caller)
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
        Self::of(state, CallHead::of_parts(parts)).await
    }
}
