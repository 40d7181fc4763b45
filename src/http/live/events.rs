//! Server-sent events (WHATWG HTML, section 9.2): the session writes into one end of a socket pair,
//! and the response's body reads from the other.
//!
//! So a session writes to a socket in either case: its send queue stays bounded, and it notices a
//! client that reads nothing.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use tokio_util::io::ReaderStream;

use super::request::{StreamRequest, check};
use crate::http::caller::Caller;
use crate::http::caller::head::CallHead;
use crate::http::request::media;
use crate::http::{ConnectionPermit, HttpState};
use crate::protocol::format::WireFormat;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::Verb;
use crate::session::Socket;

/// The kernel's buffer between session and response, in bytes.
const PAIR_BYTES: usize = 64 * 1024;
/// `no-transform`: a proxy that compresses holds events back until it has a full block.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store, no-transform");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers with a stream of events.
pub(super) async fn open(state: &HttpState, mut request: Request) -> Result<Response, Problem> {
    check(state, &request)?;
    let caller = Caller::of(state, CallHead::of(&request)).await?;
    caller.may(Verb::Watch)?;
    let share = caller.open_session(state)?;
    let last_event = last_event_id(&request);
    let format = WireFormat::Sse;
    let stream = StreamRequest::read(state, &caller, request.uri(), format, last_event.as_deref())?;
    let opening = stream.start(state, &caller).await?;
    let (near, far) = Socket::pair(PAIR_BYTES).map_err(|error| {
        Problem::new(
            ProblemKind::Overloaded,
            "This gateway has no room for another stream.",
        )
        .caused_by(error)
    })?;
    let permit = (request.extensions_mut().remove::<ConnectionPermit>(), share);
    let sessions = state.sessions.clone();
    let serving = sessions.serve(near, Bytes::new(), opening, permit);
    state.sessions.spawn(serving);
    let mut response = Response::new(Body::from_stream(ReaderStream::new(far)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media::EVENT_STREAM),
    );
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// The value of `Last-Event-ID`; an empty one counts as none.
fn last_event_id(request: &Request) -> Option<String> {
    let id = request
        .headers()
        .get(LAST_EVENT_ID)
        .filter(|id| !id.is_empty())?;
    Some(String::from_utf8_lossy(id.as_bytes()).into_owned())
}
