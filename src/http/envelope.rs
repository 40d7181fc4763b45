//! Everything that all answers share: the request id, problem documents, the log line of a failure,
//! the request's count, and the answer to a panic.
//!
//! Handlers return a [`Problem`] as it is; `render` writes its document, because it alone knows the
//! request's id.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use tokio::time::Instant;
use uuid::Uuid;

use super::metrics::{Metrics, RequestLabels, RouteLabels};
use crate::domain::TraceContext;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::telemetry::clock::fresh_uuid;

/// Carries the request's id in every answer; the `instance` of a problem is the same id as a URN.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Keeps a browser from guessing another media type than the answer declares.
pub(super) const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// A request's id. The request carries it as an extension.
#[derive(Clone, Copy)]
pub(super) struct RequestId(Uuid);

impl RequestId {
    pub(super) fn fresh() -> Self {
        Self(fresh_uuid())
    }

    /// As the `instance` of a problem.
    pub(super) fn instance(&self) -> String {
        self.0.urn().to_string()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why the server refused a head that hyper would not accept. The router gets a substitute request
/// with this extension, and answers it with the problem.
#[derive(Clone)]
pub(super) struct RefusedHead(pub(super) Problem);

/// Gives the request its id, writes a problem's document, and logs a line for each answer with a
/// 5xx status.
pub(super) async fn render<F: Future<Output = Response>>(
    mut request: Request,
    inner: impl FnOnce(Request) -> F,
) -> Response {
    let id = RequestId::fresh();
    request.extensions_mut().insert(id);
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let trace = request.extensions().get::<TraceContext>().copied();
    let mut response = match request.extensions().get::<RefusedHead>() {
        Some(RefusedHead(problem)) => problem.clone().into_response(),
        None => inner(request).await,
    };
    let problem = response.extensions_mut().remove::<Problem>();
    // 505 is the client's fault, although its class is that of the server.
    let fault = response.status().is_server_error()
        && response.status() != StatusCode::HTTP_VERSION_NOT_SUPPORTED;
    if let (true, Some(problem)) = (fault, &problem) {
        let cause = problem.cause().unwrap_or_default();
        let path = uri.path();
        let status = response.status().as_u16();
        let trace_id = trace.map(|trace| tracing::field::display(trace.trace()));
        tracing::warn!(request = %id, trace_id, %method, path, status, cause, "request failed");
    }
    if let Some(problem) = problem {
        let body = document(&problem, &id);
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        *response.body_mut() = Body::from(body);
    }
    let text = HeaderValue::try_from(id.to_string()).expect("a UUID is visible ASCII");
    response.headers_mut().insert(REQUEST_ID, text);
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    response
}

/// A problem's document with a newline, so that a terminal's prompt begins on a line of its own.
pub(super) fn document(problem: &Problem, id: &RequestId) -> String {
    format!("{}\n", problem.to_json(Some(&id.instance())))
}

/// Counts the request and its duration by method and route; the route is one of the router's
/// templates.
pub(super) async fn count<F: Future<Output = Response>>(
    metrics: &Metrics,
    route: &'static str,
    request: Request,
    inner: impl FnOnce(Request) -> F,
) -> Response {
    let (method, began) = (method_label(request.method()), Instant::now());
    let response = inner(request).await;
    let status = response.status().as_u16();
    metrics
        .http_requests
        .get_or_create(&RequestLabels {
            method,
            route,
            status,
        })
        .inc();
    let duration = metrics
        .http_request_duration_seconds
        .get_or_create(&RouteLabels { method, route });
    duration.observe(began.elapsed());
    response
}

/// The answer to a method that the path does not have; the router adds `Allow`.
pub(super) async fn wrong_method(method: Method) -> Problem {
    Problem::new(
        ProblemKind::Method,
        format!("{method} is not a method of this path: see the header Allow."),
    )
}

/// Turns a handler's panic into an answer.
pub(super) async fn catch_panic(inner: impl Future<Output = Response>) -> Response {
    // A panic leaves only the handler's own state half changed: shared state changes under locks.
    AssertUnwindSafe(inner)
        .catch_unwind()
        .await
        .unwrap_or_else(answer_panic)
}

/// The answer to a request whose handler panicked.
fn answer_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    Problem::new(
        ProblemKind::Internal,
        "The gateway failed at this request; its log says more under this instance.",
    )
    .caused_by(message)
    .into_response()
}

/// The method as a label of metrics; unknown methods share one, so that a caller cannot add labels.
pub(super) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_with_500() {
        for inner in [|| panic!("a text"), || panic!("a text of {}", 3)] {
            let request = Request::new(Body::empty());
            let response = render(request, |_| catch_panic(async move { inner() })).await;
            assert_eq!(response.status(), 500);
            assert_eq!(
                response.headers()[header::CONTENT_TYPE],
                "application/problem+json"
            );
            assert!(response.headers().contains_key(REQUEST_ID));
        }
    }
}
