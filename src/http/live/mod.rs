//! Live updates: the handlers of streams, over WebSocket and as server-sent events.

mod events;
mod request;
mod websocket;

pub(super) use request::is_upgrade;

use axum::extract::{Request, State as Extract};
use axum::response::Response;

use super::{HttpState, SharedState};
use crate::protocol::problem::Problem;

/// `GET /updates`.
pub(super) async fn updates(
    Extract(state): Extract<SharedState>,
    request: Request,
) -> Result<Response, Problem> {
    open(&state, request).await
}

/// Opens a WebSocket, or a stream of events where the request asks for no upgrade.
pub(super) async fn open(state: &HttpState, request: Request) -> Result<Response, Problem> {
    if is_upgrade(&request) {
        websocket::open(state, request).await
    } else {
        events::open(state, request).await
    }
}
