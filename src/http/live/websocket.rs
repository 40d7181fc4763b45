//! The WebSocket handshake (RFC 6455, section 4.2). The session then owns the socket.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Wanted, malformed};
use crate::http::server::limit_stalls;
use crate::http::{ConnectionPermit, State, server};
use crate::protocol::format::WireFormat;
use crate::protocol::problem::Problem;

const VERSION: HeaderValue = HeaderValue::from_static("13");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADE: HeaderValue = HeaderValue::from_static("Upgrade");
/// For the answer to the handshake to be written, and the socket to be handed over.
const HANDOVER_LIMIT: Duration = Duration::from_secs(10);

/// Whether a request asks for a WebSocket.
pub(in crate::http) fn is_upgrade(request: &Request) -> bool {
    request.method() == Method::GET && lists(request.headers(), &header::UPGRADE, "websocket")
}

/// Answers a handshake, and lets the session begin once the answer was sent.
pub(super) async fn open(state: &State, mut request: Request) -> Result<Response, Problem> {
    let accept = handshake(&request)?;
    super::admit(state, &request)?;
    let format = format(request.headers())?;
    let started = Wanted::of(state, request.uri(), format)?
        .start(state)
        .await?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let upgrade =
        upgrade.ok_or_else(|| malformed("This connection cannot be upgraded: use HTTP/1.1."))?;
    let permit = request.extensions_mut().remove::<ConnectionPermit>();
    let sessions = state.sessions.clone();
    state.sessions.spawn(async move {
        // Where nothing comes of it, the client went before it had the answer.
        if let Ok(Some((socket, early))) = timeout(HANDOVER_LIMIT, take_over(upgrade)).await {
            sessions.serve(socket, early, started, permit).await;
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

/// The first of the client's subprotocols that we know; text where it names none.
fn format(headers: &HeaderMap) -> Result<WireFormat, Problem> {
    if !headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        return Ok(WireFormat::Text);
    }
    listed(headers, &header::SEC_WEBSOCKET_PROTOCOL)
        .find_map(WireFormat::named)
        .ok_or_else(|| {
            let known = WireFormat::NAMED.map(WireFormat::subprotocol);
            malformed(
                "None of these subprotocols is spoken here; without one the stream is plain text.",
            )
            .with("subprotocols", known)
        })
}

/// The socket itself, and what the peer sent right behind its request.
async fn take_over(upgrade: OnUpgrade) -> Option<(TcpStream, Bytes)> {
    let (socket, early) = server::take_over(upgrade.await.ok()?)?;
    // A session has its own rule for peers that take nothing.
    if let Err(error) = limit_stalls(&socket2::SockRef::from(&socket), None) {
        tracing::debug!(%error, "a socket is gone already");
    }
    Some((socket, early))
}

/// Checks the handshake's own headers; returns the `Sec-WebSocket-Accept` that answers it.
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

/// Whether a header's lists name `token`, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    listed(headers, name).any(|listed| listed.eq_ignore_ascii_case(token))
}

/// What a header's comma-separated lists name.
fn listed<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}
