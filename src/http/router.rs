//! The table of contents: which path and method goes where.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::{State, envelope, origin, people, updates};

/// The public listener's paths.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/people", get(people::list).post(people::create))
        .route("/people/import", post(people::import))
        .route("/people/{id}", get(people::read).put(people::replace).patch(people::patch).delete(people::delete))
        .route("/updates", get(updates::updates))
        .fallback(envelope::unknown_path)
        .method_not_allowed_fallback(envelope::wrong_method)
        .with_state(state.clone())
        .layer(CatchPanicLayer::custom(envelope::panicked))
        .layer(from_fn_with_state(state.clone(), origin::share))
        .layer(from_fn(envelope::render))
        .layer(from_fn_with_state(state, envelope::count))
}
