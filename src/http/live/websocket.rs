//! The WebSocket handshake (RFC 6455, section 4.2). Afterwards the session owns the socket.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::request::{StreamRequest, check};
use crate::http::caller::Caller;
use crate::http::caller::head::CallHead;
use crate::http::refusal::malformed;
use crate::http::request::header_list::{listed, lists};
use crate::http::server::{limit_stalls, take_over};
use crate::http::{ConnectionPermit, HttpState};
use crate::protocol::format::WireFormat;
use crate::protocol::problem::Problem;
use crate::rights::Verb;

const VERSION: HeaderValue = HeaderValue::from_static("13");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADE: HeaderValue = HeaderValue::from_static("Upgrade");
/// The longest time until the handshake's answer is written and the socket handed over.
const HANDOVER_LIMIT: Duration = Duration::from_secs(10);

/// Answers a handshake; the session begins once the answer is written.
pub(super) async fn open(state: &HttpState, mut request: Request) -> Result<Response, Problem> {
    let accept = handshake(&request)?;
    check(state, &request)?;
    let caller = Caller::of(state, CallHead::of(&request)).await?;
    caller.may(Verb::Watch)?;
    let share = caller.open_session(state)?;
    let format = format(request.headers())?;
    let stream = StreamRequest::read(state, &caller, request.uri(), format, None)?;
    let opening = stream.start(state, &caller).await?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let upgrade =
        upgrade.ok_or_else(|| malformed("This connection cannot be upgraded: use HTTP/1.1."))?;
    let permit = (request.extensions_mut().remove::<ConnectionPermit>(), share);
    let sessions = state.sessions.clone();
    state.sessions.spawn(async move {
        // Otherwise the client left before the answer was written.
        if let Ok(Some((socket, early))) = timeout(HANDOVER_LIMIT, hand_over(upgrade)).await {
            sessions.serve(socket, early, opening, permit).await;
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, WEBSOCKET);
    headers.insert(header::CONNECTION, UPGRADE);
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(subprotocol) = format.subprotocol() {
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(subprotocol),
        );
    }
    Ok(response)
}

/// The first of the client's subprotocols that the gateway speaks; text where the client names
/// none.
fn format(headers: &HeaderMap) -> Result<WireFormat, Problem> {
    if !headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        return Ok(WireFormat::Text);
    }
    listed(headers, &header::SEC_WEBSOCKET_PROTOCOL)
        .find_map(WireFormat::named)
        .ok_or_else(|| {
            let known: Vec<_> = WireFormat::ALL
                .into_iter()
                .filter_map(WireFormat::subprotocol)
                .collect();
            malformed(
                "The gateway speaks none of these subprotocols; without one the stream is plain \
                 text.",
            )
            .with("subprotocols", known)
        })
}

/// The socket itself, and the bytes that the peer sent after its request.
async fn hand_over(upgrade: OnUpgrade) -> Option<(TcpStream, Bytes)> {
    let (socket, early) = take_over(upgrade.await.ok()?)?;
    // A session has its own limit for peers that read nothing.
    if let Err(error) = limit_stalls(&socket2::SockRef::from(&socket), None) {
        tracing::debug!(%error, "the peer has closed the socket already");
    }
    Some((socket, early))
}

/// Checks the headers of the handshake; returns the `Sec-WebSocket-Accept` of the answer.
fn handshake(request: &Request) -> Result<HeaderValue, Problem> {
    let headers = request.headers();
    if request.version() != Version::HTTP_11 || !lists(headers, &header::CONNECTION, "upgrade") {
        return Err(malformed(
            "A WebSocket handshake is HTTP/1.1 with Connection: Upgrade.",
        ));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        return Err(
            malformed("Only version 13 of WebSocket (RFC 6455) is spoken here.")
                .with_status(StatusCode::UPGRADE_REQUIRED)
                .with_header(header::SEC_WEBSOCKET_VERSION, VERSION)
                .with_header(header::UPGRADE, WEBSOCKET)
                .with_header(header::CONNECTION, UPGRADE),
        );
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .map(HeaderValue::as_bytes)
        .filter(|key| is_nonce(key));
    let key = key.ok_or_else(|| malformed("Sec-WebSocket-Key must be 16 bytes in base64."))?;
    Ok(HeaderValue::try_from(derive_accept_key(key)).expect("base64 is visible ASCII"))
}

/// 16 bytes in base64: 22 characters and the padding.
fn is_nonce(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key[..22]
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}
