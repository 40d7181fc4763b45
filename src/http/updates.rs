//! Live updates: the WebSocket handshake (RFC 6455, section 4.2), and what is chosen with it.
//!
//! The place at which a session begins is taken before the handshake is answered, so that nothing is missed that is
//! accepted after it. The session then owns the socket.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::query::Parameters;
use super::{ConnectionPermit, Shared, State, origin};
use crate::domain::Operation;
use crate::filter::{Filter, Kinds, View};
use crate::hub::Subscription;
use crate::protocol::dress::Dress;
use crate::protocol::problem::{Problem, ProblemKind};

const PARAMETERS: &[&str] = &["kinds", "where", "from", "close_on"];
/// The subprotocols that we speak. Without one a client speaks text.
const SUBPROTOCOLS: &[&str] = &[];
const VERSION: HeaderValue = HeaderValue::from_static("13");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADE: HeaderValue = HeaderValue::from_static("Upgrade");
/// For the answer to the handshake to be written, and the socket to be handed over.
const HANDOVER_LIMIT: Duration = Duration::from_secs(10);

/// `GET /updates`.
pub(super) async fn updates(Extract(state): Extract<Shared>, request: Request) -> Result<Response, Problem> {
    if !wants_upgrade(&request) {
        return Err(malformed("Server-sent events are not served yet: open a WebSocket here."));
    }
    open(&state, request)
}

/// Whether a request asks for a WebSocket.
pub(super) fn wants_upgrade(request: &Request) -> bool {
    request.method() == Method::GET && lists(request.headers(), &header::UPGRADE, "websocket")
}

/// Answers a handshake, and lets the session begin once the answer was sent.
pub(super) fn open(state: &State, mut request: Request) -> Result<Response, Problem> {
    let accept = handshake(&request)?;
    origin::admit(request.headers(), &state.options.origins)?;
    let subscription = subscription(&request)?;
    if state.readiness.is_draining() {
        return Err(Problem::new(ProblemKind::Overloaded, "This gateway is going down: connect again, to another."));
    }
    let place = state.sessions.place().ok_or_else(|| {
        Problem::new(ProblemKind::StoreUnavailable, "The store has not been reached yet. Connect again in a moment.")
    })?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let upgrade = upgrade.ok_or_else(|| malformed("This connection cannot be upgraded: use HTTP/1.1."))?;
    let permit = request.extensions_mut().remove::<ConnectionPermit>();
    let sessions = Arc::clone(&state.sessions);
    state.sessions.spawn(async move {
        // Where nothing comes of it, the client went before it had the answer.
        if let Ok(Some((socket, early))) = timeout(HANDOVER_LIMIT, take_over(upgrade)).await {
            sessions.serve(socket, early, subscription, place, permit).await;
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, WEBSOCKET);
    headers.insert(header::CONNECTION, UPGRADE);
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// The socket itself, and what the peer sent right behind its request.
async fn take_over(upgrade: OnUpgrade) -> Option<(TcpStream, Bytes)> {
    let parts = upgrade.await.ok()?.downcast::<TokioIo<TcpStream>>().ok()?;
    let socket = parts.io.into_inner();
    // A session has its own rule for peers that take nothing.
    if let Err(error) = socket2::SockRef::from(&socket).set_tcp_user_timeout(None) {
        tracing::debug!(%error, "a socket is gone already");
    }
    Some((socket, parts.read_buf))
}

/// Checks the handshake's own headers; returns the `Sec-WebSocket-Accept` that answers it.
fn handshake(request: &Request) -> Result<HeaderValue, Problem> {
    let headers = request.headers();
    if request.version() != Version::HTTP_11 || !lists(headers, &header::CONNECTION, "upgrade") {
        return Err(malformed("A WebSocket handshake is HTTP/1.1 with Connection: Upgrade."));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        return Err(malformed("Only version 13 of WebSocket (RFC 6455) is spoken here.")
            .with_status(StatusCode::UPGRADE_REQUIRED)
            .with_header(header::SEC_WEBSOCKET_VERSION, VERSION)
            .with_header(header::UPGRADE, WEBSOCKET)
            .with_header(header::CONNECTION, UPGRADE));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).filter(|key| is_nonce(key));
    let key = key.ok_or_else(|| malformed("Sec-WebSocket-Key must be 16 bytes in base64."))?;
    Ok(HeaderValue::try_from(derive_accept_key(key)).expect("base64 is visible ASCII"))
}

/// 16 bytes in base64: 22 characters and the padding.
fn is_nonce(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key[..22].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Whether a header's comma-separated lists name `token`, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|listed| listed.trim().eq_ignore_ascii_case(token))
}

/// What the client wants to be sent.
fn subscription(request: &Request) -> Result<Subscription, Problem> {
    if request.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        return Err(malformed("None of these subprotocols is spoken here; without one the stream is plain text.")
            .with("subprotocols", SUBPROTOCOLS));
    }
    let parameters = Parameters::parse(request.uri().query(), PARAMETERS)?;
    let filter = Filter::parse(parameters.get("where").unwrap_or_default())?;
    match parameters.get("from") {
        None | Some("now") => {}
        Some(_) => {
            let detail = "Of the parameter from only the value now is served yet.";
            return Err(Problem::new(ProblemKind::Cursor, detail));
        }
    }
    let kinds = parameters.get("kinds").map_or(Ok(Kinds::All), str::parse);
    let kinds = kinds.map_err(|error| malformed(format!("{error}.")))?;
    let close_on = match parameters.get("close_on") {
        None => None,
        Some("save") => Some(Operation::Save),
        Some("delete") => Some(Operation::Delete),
        Some(_) => return Err(malformed("close_on is one of save, delete.")),
    };
    Ok(Subscription { view: View { kinds, filter }, dress: Dress::Text, close_on })
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Malformed, detail)
}
