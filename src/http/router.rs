//! The table of contents: which path and method goes where.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State as Extract};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

use super::access::Access;
use super::{Console, Shared, State, envelope, live, pages, people, trace};

/// A path's template, and what is done there.
type Route = (&'static str, MethodRouter<Shared>);

/// As which route a request counts that fits none.
const UNKNOWN: &str = "unknown";

/// What the layer around all handlers needs.
#[derive(Clone)]
struct Surroundings {
    state: Shared,
    access: Arc<Access>,
    /// Of all routes: as one of them, and nothing else, a request is counted.
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
pub fn router(state: State) -> Router {
    let state = Arc::new(state);
    let templates = templates(state.options.console).into();
    let options = &state.options;
    let access = Access::public(
        options.exposure,
        options.hosts.clone(),
        options.origins.clone(),
    );
    let surroundings = Surroundings {
        state: Arc::clone(&state),
        access: Arc::new(access),
        templates,
    };
    routes(state.options.console)
        .into_iter()
        .fold(Router::new(), |router, (template, methods)| {
            router.route(template, methods)
        })
        .fallback(pages::nothing)
        .method_not_allowed_fallback(envelope::wrong_method)
        .with_state(state)
        .layer(from_fn_with_state(surroundings, surround))
}

/// What stands around every handler, from the outside in. One layer for all of it: each layer of
/// its own would cost a request several allocations.
async fn surround(
    Extract(surroundings): Extract<Surroundings>,
    mut request: Request,
    next: Next,
) -> Response {
    let Surroundings {
        state,
        access,
        templates,
    } = &surroundings;
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.and_then(|path| {
        templates
            .iter()
            .copied()
            .find(|template| *template == path.as_str())
    });
    let span = trace::begin(&state.traces, route, &mut request);
    let handle = |request| envelope::survive(next.run(request));
    let guard = |request| access.guard(request, handle);
    let render = |request| envelope::render(request, guard);
    let mut answer =
        envelope::count(&state.metrics, route.unwrap_or(UNKNOWN), request, render).await;
    if state.readiness.is_leaving() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        // Who keeps connections for later learns in time that this one is not for later.
        answer
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    trace::end(span, &answer);
    answer
}
