//! The table of contents: which path and method goes where.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as Extract};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};

use super::{Console, Shared, State, envelope, live, origin, pages, people, trace};

/// The public listener's paths.
pub fn router(state: State) -> Router {
    let state = Arc::new(state);
    let console = match state.options.console {
        Console::On => Router::new()
            .route("/", get(pages::page))
            .route("/console/{file}", get(pages::page))
            .route("/console/{folder}/{file}", get(pages::page)),
        Console::Off => Router::new(),
    };
    Router::new()
        .route("/people", get(people::list).post(people::create))
        .route("/people/import", post(people::import))
        .route("/people/{id}", get(people::read).put(people::replace).patch(people::patch).delete(people::delete))
        .route("/updates", get(live::updates))
        .route("/docs", get(pages::page))
        .route("/docs/{file}", get(pages::page))
        .route("/docs/{folder}/{file}", get(pages::page))
        .route("/openapi.json", get(pages::page))
        .route("/asyncapi.yaml", get(pages::page))
        .merge(console)
        .fallback(envelope::unknown_path)
        .method_not_allowed_fallback(envelope::wrong_method)
        .with_state(Arc::clone(&state))
        .layer(from_fn_with_state(state, surround))
}

/// What stands around every handler, from the outside in. One layer for all of it: each layer of its own would cost a
/// request several allocations.
async fn surround(Extract(state): Extract<Shared>, mut request: Request, next: Next) -> Response {
    let span = trace::begin(&state.traces, &mut request);
    let handle = |request| envelope::survive(next.run(request));
    let share = |request| origin::share(&state.options.origins, request, handle);
    let render = |request| envelope::render(request, share);
    let answer = envelope::count(&state.metrics, request, render).await;
    trace::end(span, &answer);
    answer
}
