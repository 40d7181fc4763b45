//! Server-sent events (WHATWG HTML, section 9.2): the session writes into one end of a socket pair,
//! the response's body is what comes out of the other.
//!
//! So a session is the same whatever it writes to: what it does not get rid of waits in a bounded
//! queue, and a client that takes nothing is noticed.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use tokio_util::io::ReaderStream;

use super::Wanted;
use crate::http::{ConnectionPermit, State};
use crate::protocol::format::WireFormat;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::session::{Socket, Start};

/// What the kernel may hold of a stream between session and response, in bytes.
const PAIR_BYTES: usize = 64 * 1024;
/// Compressing proxies hold events back until they have a block full.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store, no-transform");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers with a stream of events.
pub(super) async fn open(state: &State, mut request: Request) -> Result<Response, Problem> {
    super::admit(state, &request)?;
    let mut wanted = Wanted::of(state, request.uri(), WireFormat::Sse)?;
    if let Some(last) = last_event_id(&request) {
        wanted.start = Start::LastEvent(last);
    }
    let started = wanted.start(state).await?;
    let (near, far) = Socket::pair(PAIR_BYTES).map_err(|error| {
        Problem::new(
            ProblemKind::Overloaded,
            "This gateway has no room for another stream.",
        )
        .caused_by(error)
    })?;
    let permit = request.extensions_mut().remove::<ConnectionPermit>();
    state.sessions.spawn(
        state
            .sessions
            .clone()
            .serve(near, Bytes::new(), started, permit),
    );
    let mut response = Response::new(Body::from_stream(ReaderStream::new(far)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// The id of the last event that an event source had, whatever it is; it wins over what the query
/// says.
fn last_event_id(request: &Request) -> Option<String> {
    let id = request
        .headers()
        .get(LAST_EVENT_ID)
        .filter(|id| !id.is_empty())?;
    Some(String::from_utf8_lossy(id.as_bytes()).into_owned())
}
