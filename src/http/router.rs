//! The table of contents: which path and method goes where.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as Extract};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};

use super::{Shared, State, envelope, live, origin, people};

/// The public listener's paths.
pub fn router(state: State) -> Router {
    let state = Arc::new(state);
    Router::new()
        .route("/people", get(people::list).post(people::create))
        .route("/people/import", post(people::import))
        .route("/people/{id}", get(people::read).put(people::replace).patch(people::patch).delete(people::delete))
        .route("/updates", get(live::updates))
        .fallback(envelope::unknown_path)
        .method_not_allowed_fallback(envelope::wrong_method)
        .with_state(Arc::clone(&state))
        .layer(from_fn_with_state(state, surround))
}

/// What stands around every handler, from the outside in. One layer for all of it: each layer of its own would cost a
/// request several allocations.
async fn surround(Extract(state): Extract<Shared>, request: Request, next: Next) -> Response {
    let handle = |request| envelope::survive(next.run(request));
    let share = |request| origin::share(&state.options.origins, request, handle);
    let render = |request| envelope::render(request, share);
    envelope::count(&state.metrics, request, render).await
}
