//! Limits on callers: which of them a request counts for, and by which name.
//!
//! A caller with a token is counted by its subject, wherever it calls from; others by the address
//! that their request comes from (`head`).

use std::sync::Arc;

use axum::http::Method;

use super::Caller;
use super::credentials::{self, Credential};
use super::head::CallHead;
use super::lifetime::Authentication;
use super::record::CallRecord;
use crate::auth::{self, Authenticator, TokenFault, VerifyError};
use crate::http::HttpState;
use crate::limits::{AddressBlock, CallerName, Limit, Share};
use crate::protocol::problem::Problem;
use crate::rights::{Lease, Rights};

/// The path whose lines are slowed down, one by one, in place of the request.
const IMPORT: &str = "/people/import";

impl Authentication {
    /// What a request may do, with the lease of its token if it has one. A bad token is never no
    /// token.
    pub(super) async fn rights(
        &self,
        state: &HttpState,
        head: CallHead<'_>,
        address: AddressBlock,
    ) -> Result<(Option<Arc<Lease>>, Arc<Rights>), Problem> {
        let authenticator = &self.authenticator;
        let refused = |fault: TokenFault| {
            let reason = fault.reason.name();
            state.audit.token_refused(reason, Some(&address), || None);
            Err(fault.into())
        };
        let (lease, rights) = match credentials::of(head.uri, head.headers)? {
            Credential::Token(token) => {
                let lease = verify(state, authenticator, token, address).await?;
                let rights = Arc::clone(&lease.rights);
                (Some(lease), rights)
            }
            Credential::None => match authenticator.anonymous() {
                Some(rights) => (None, rights),
                None => return refused(authenticator.missing()),
            },
            Credential::Unreadable => return refused(authenticator.malformed()),
        };
        CallRecord::identify(head.extensions, lease.as_ref(), &rights);
        Ok((lease, rights))
    }
}

/// Verifies a token, unless its address has sent too many bad ones; tokens that were verified
/// before pass.
pub(super) async fn verify(
    state: &HttpState,
    authenticator: &Authenticator,
    token: &str,
    address: AddressBlock,
) -> Result<Arc<Lease>, Problem> {
    if let Some(lease) = authenticator.recall(token).await {
        return Ok(lease);
    }
    state.limits.admit_token(address)?;
    authenticator.verify(token).await.map_err(|error| {
        if let VerifyError::Refused(fault) = &error {
            state.limits.count_bad_token(address);
            let (reason, kid) = (fault.reason.name(), || auth::shown_kid(token));
            state.audit.token_refused(reason, Some(&address), kid);
        }
        error.into()
    })
}

/// Counts a handshake for the address that it comes from.
pub(in crate::http) fn admit_handshake(
    state: &HttpState,
    head: CallHead<'_>,
) -> Result<(), Problem> {
    let caller = CallerName::Address(head.address(state));
    Ok(state.limits.admit(Limit::Handshakes, caller)?)
}

impl Caller {
    /// Counts the request, and the write that it is. An import is counted line by line
    /// ([`Caller::name`]).
    pub(super) fn admit(&self, state: &HttpState, head: CallHead<'_>) -> Result<(), Problem> {
        state.limits.admit(Limit::Requests, self.name())?;
        let is_read = matches!(*head.method, Method::GET | Method::HEAD);
        if !is_read && head.uri.path() != IMPORT {
            state.limits.admit(Limit::Writes, self.name())?;
        }
        Ok(())
    }

    /// A share of the sessions that the caller may have, to be kept as long as the session.
    pub(in crate::http) fn open_session(
        &self,
        state: &HttpState,
    ) -> Result<Option<Share>, Problem> {
        Ok(state.limits.open_session(self.name())?)
    }

    /// The name that limits count the caller by.
    pub(in crate::http) fn name(&self) -> CallerName<'_> {
        match self.lease() {
            Some(lease) => CallerName::Subject {
                issuer: lease.issuer.as_deref(),
                subject: &lease.subject,
            },
            None => CallerName::Address(self.address),
        }
    }
}
