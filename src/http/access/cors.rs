//! Cross-origin resource sharing (WHATWG Fetch): the headers that tell a browser what a page may
//! send and read.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// The last three carry a trace from the page to the gateway (W3C Trace Context, W3C Baggage).
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, \
     Last-Event-ID, traceparent, tracestate, baggage",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Location, Link, Change-Position, Idempotency-Replayed, Retry-After, WWW-Authenticate",
);
/// How long a browser may keep the answer to a preflight, in seconds.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("600");
const ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// Whether a request is a CORS preflight.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The methods and headers that pages of an allowed origin may use.
pub(super) fn answer_preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Tells caches that the answer depends on the origin.
pub(super) fn vary(response: &mut Response) {
    response.headers_mut().append(header::VARY, ORIGIN);
}

/// Lets the pages of `origin` read the answer and its headers.
pub(super) fn share(response: &mut Response, origin: HeaderValue) {
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}
