//! The one place where errors become answers.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::protocol::problem::{Problem, ProblemKind};
use crate::store::StoreError;

/// A bodiless answer that carries the problem; the envelope writes its document, because only there
/// the request's id is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.headers_mut().extend(self.headers().clone());
        if matches!(
            self.status(),
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT
        ) {
            // The rest of the body is not read, so nothing else can come on this connection.
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The store's own words go to the log only: they may name hosts.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let (kind, detail) = match &error {
            StoreError::Unavailable(_) => (
                ProblemKind::StoreUnavailable,
                "The store does not answer, so nothing was done. Try again.",
            ),
            StoreError::Overloaded => (
                ProblemKind::Overloaded,
                "More waits for the store than it keeps up with; nothing was done. Try again.",
            ),
            StoreError::Full(_) => (
                ProblemKind::StoreFull,
                "The store has no room left, so nothing was done. An operator has to make room.",
            ),
            StoreError::OutcomeUnknown(_) => {
                let detail = "The write was sent, but the store's answer never came: it may have \
                              happened. Look at the person, or repeat the request with an \
                              Idempotency-Key.";
                let problem =
                    Self::new(ProblemKind::StoreUnavailable, detail).with("outcome", "unknown");
                return problem.caused_by(error);
            }
            // The store has told its operator, once for each record.
            StoreError::Damaged { id, why } => {
                let detail = format!(
                    "The record of {id} is damaged ({why}). Save the person anew (PUT without \
                     If-Match), or delete it; everybody else is served."
                );
                return Self::new(ProblemKind::Internal, detail)
                    .with("damaged", "record")
                    .with("id", id.to_string());
            }
            StoreError::Corrupt(_) => (
                ProblemKind::Internal,
                "The store holds something that this gateway cannot read.",
            ),
        };
        Self::new(kind, detail).caused_by(error)
    }
}
