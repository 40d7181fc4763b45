//! What runs under a token ends with it: streams are closed, lists are cut, imports stop.

use std::sync::Arc;

use axum::BoxError;
use axum::body::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use super::Caller;
use crate::auth::{self, Authenticator, TokenFault, VerifyError};
use crate::protocol::problem::Problem;
use crate::rights::Lease;
use crate::session::VerifyToken;
use crate::telemetry::AuditLog;

/// How callers are authenticated.
pub struct Authentication {
    /// Verifies the tokens of requests.
    pub(super) authenticator: Arc<Authenticator>,
    /// The same for tokens that clients send on their streams.
    verify: VerifyToken,
}

/// The token of a list's caller has ended. A half-sent list must not parse: its connection is cut.
#[derive(Debug, thiserror::Error)]
#[error("the token of the caller has ended")]
struct TokenEnded;

impl Authentication {
    /// By tokens that this verifies.
    pub fn new(authenticator: Arc<Authenticator>, audit: Arc<AuditLog>) -> Self {
        let shared = (Arc::clone(&authenticator), audit);
        let verify: VerifyToken = Arc::new(move |token| {
            let (authenticator, audit) = shared.clone();
            Box::pin(async move {
                let verified = authenticator.verify(&token).await;
                // The session counts them, and closes after a few.
                if let Err(VerifyError::Refused(fault)) = &verified {
                    let kid = || auth::shown_kid(&token);
                    audit.token_refused(fault.reason.name(), None, kid);
                }
                Ok(verified?)
            })
        });
        Self {
            authenticator,
            verify,
        }
    }

    /// Verifies the tokens that clients send on their streams.
    pub fn verify(&self) -> VerifyToken {
        Arc::clone(&self.verify)
    }
}

impl Caller {
    /// The token that a stream of this caller begins with.
    pub(in crate::http) fn stream_token(&self) -> Option<Arc<Lease>> {
        self.lease.clone()
    }

    /// The rest of an answer, as long as the token is valid.
    pub(in crate::http) fn limit<S, E>(
        &self,
        pieces: S,
    ) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + use<S, E>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let (end, pieces) = (self.end(), Box::pin(pieces));
        stream::try_unfold((pieces, end), async |(mut pieces, end)| {
            match before(end, pieces.next()).await.ok_or(TokenEnded)? {
                Some(piece) => Ok(Some((piece.map_err(Into::into)?, (pieces, end)))),
                None => Ok(None),
            }
        })
    }

    /// When the token ends.
    pub(in crate::http) fn end(&self) -> Option<Instant> {
        self.lease.as_ref().map(|lease| lease.ends_at)
    }
}

/// The output of a future; none where the token ends first.
pub(in crate::http) async fn before<T>(
    end: Option<Instant>,
    future: impl Future<Output = T>,
) -> Option<T> {
    match end {
        // A future that is always ready would be asked first, and never end.
        Some(end) if Instant::now() >= end => None,
        Some(end) => timeout_at(end, future).await.ok(),
        None => Some(future.await),
    }
}

/// The answer to a request whose token ended while it ran.
pub(in crate::http) fn ended() -> Problem {
    TokenFault::ended().into()
}
