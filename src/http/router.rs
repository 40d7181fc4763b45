//! The table of contents: each path and method with its handler.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State as Extract};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

use super::access::Access;
use super::{Console, HttpState, SharedState, envelope, live, pages, people, trace};

/// A path's template, and the handlers of its methods.
type Route = (&'static str, MethodRouter<SharedState>);

/// The route label of a request that fits no template.
const UNKNOWN: &str = "unknown";

/// The state of the layer around all handlers.
#[derive(Clone)]
struct LayerState {
    state: SharedState,
    access: Arc<Access>,
    /// The templates of all routes: the only route labels besides [`UNKNOWN`].
    templates: Arc<[&'static str]>,
}

fn routes(console: Console) -> Vec<Route> {
    let mut routes: Vec<Route> = vec![
        ("/people", get(people::list).post(people::create)),
        ("/people/import", post(people::import)),
        (
            "/people/{id}",
            get(people::read)
                .put(people::replace)
                .patch(people::patch)
                .delete(people::delete),
        ),
        ("/updates", get(live::updates)),
        ("/docs", get(pages::page)),
        ("/docs/{file}", get(pages::page)),
        ("/docs/{folder}/{file}", get(pages::page)),
        ("/openapi.json", get(pages::page)),
        ("/asyncapi.yaml", get(pages::page)),
    ];
    if console == Console::On {
        for template in ["/", "/console/{file}", "/console/{folder}/{file}"] {
            routes.push((template, get(pages::page)));
        }
    }
    routes
}

/// The templates of all paths.
pub fn templates(console: Console) -> Vec<&'static str> {
    routes(console)
        .into_iter()
        .map(|(template, _)| template)
        .collect()
}

/// The public listener's paths.
pub fn router(state: HttpState) -> Router {
    let state = Arc::new(state);
    let templates = templates(state.options.console).into();
    let options = &state.options;
    let access = Access::public(
        options.exposure,
        options.hosts.clone(),
        options.origins.clone(),
    );
    let layer_state = LayerState {
        state: Arc::clone(&state),
        access: Arc::new(access),
        templates,
    };
    routes(state.options.console)
        .into_iter()
        .fold(Router::new(), |router, (template, methods)| {
            router.route(template, methods)
        })
        .fallback(pages::unknown_path)
        .method_not_allowed_fallback(envelope::wrong_method)
        .with_state(state)
        .layer(from_fn_with_state(layer_state, wrap))
}

/// The layer around every handler: span, count, envelope, access, panics, from the outside in. One
/// layer does it all, because each further layer would cost a request several allocations.
async fn wrap(
    Extract(layer_state): Extract<LayerState>,
    mut request: Request,
    next: Next,
) -> Response {
    let LayerState {
        state,
        access,
        templates,
    } = &layer_state;
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.and_then(|path| {
        templates
            .iter()
            .copied()
            .find(|template| *template == path.as_str())
    });
    let span = trace::begin(&state.traces, route, &mut request);
    let handle = |request| envelope::catch_panic(next.run(request));
    let guard = |request| access.guard(request, handle);
    let render = |request| envelope::render(request, guard);
    let mut answer =
        envelope::count(&state.metrics, route.unwrap_or(UNKNOWN), request, render).await;
    if state.readiness.is_leaving() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        // A client with a connection pool learns in time not to reuse this connection.
        answer
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    trace::end(span, &answer);
    answer
}
