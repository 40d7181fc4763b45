//! Turns errors into answers: the one place where a problem gets its response, and a store error
//! its problem.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::protocol::problem::{Problem, ProblemKind};
use crate::store::StoreError;
use crate::telemetry::ErrorChain;

/// A 400 of kind `malformed`.
pub(super) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Malformed, detail)
}

/// An answer without a body, with the problem as an extension. The envelope writes the problem's
/// document, because it alone knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.headers_mut().extend(self.headers().clone());
        if matches!(
            self.status(),
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT
        ) {
            // The rest of the body is not read, so this connection can carry no other request.
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The store's own message goes to the log only: it may name hosts.
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
                let detail = "The write was sent and not confirmed: the store's answer never \
                              came, or too few replicas have it. It may have happened. Look at \
                              the person, or repeat the request with an Idempotency-Key.";
                let problem =
                    Self::new(ProblemKind::StoreUnavailable, detail).with("outcome", "unknown");
                return problem.caused_by(ErrorChain(&error));
            }
            // The store has logged it, once for each record.
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
        Self::new(kind, detail).caused_by(ErrorChain(&error))
    }
}
