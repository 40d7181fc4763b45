//! The table of contents: each path and method with its handler.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State as Extract};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

use super::access::Access;
use super::caller::record::CallRecord;
use super::envelope::RequestId;
use super::{
    Console, HttpState, SharedState, caller, envelope, live, pages, people, rights, trace,
};

/// A path.
struct Route {
    template: &'static str,
    methods: MethodRouter<SharedState>,
    content: Content,
}

/// What a path answers with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// People: its handlers take a [`Caller`](super::caller::Caller).
    Data,
    /// Files of the program, which are the same for everybody.
    Files,
}

/// The route label of a request that fits no template.
const UNKNOWN: &str = "unknown";

/// The state of the layer around all handlers.
#[derive(Clone)]
struct LayerState {
    state: SharedState,
    access: Arc<Access>,
    /// The templates of all routes: the only route labels besides [`UNKNOWN`].
    templates: Arc<[(&'static str, Content)]>,
}

fn routes(console: Console) -> Vec<Route> {
    let data = |template, methods| Route {
        template,
        methods,
        content: Content::Data,
    };
    let files = |template| Route {
        template,
        methods: get(pages::page),
        content: Content::Files,
    };
    let mut routes = vec![
        data("/people", get(people::list).post(people::create)),
        data("/people/import", post(people::import)),
        data(
            "/people/{id}",
            get(people::read)
                .put(people::replace)
                .patch(people::patch)
                .delete(people::delete),
        ),
        data("/updates", get(live::updates)),
        data("/rights", get(rights::rights)),
        files("/docs"),
        files("/docs/{file}"),
        files("/docs/{folder}/{file}"),
        files("/openapi.json"),
        files("/asyncapi.yaml"),
    ];
    if console == Console::On {
        routes.extend(["/", "/console/{file}", "/console/{folder}/{file}"].map(files));
    }
    routes
}

/// The templates of all paths.
pub fn templates(console: Console) -> Vec<&'static str> {
    routes(console)
        .into_iter()
        .map(|route| route.template)
        .collect()
}

/// The public listener's paths.
pub fn router(state: HttpState) -> Router {
    let state = Arc::new(state);
    let routes = routes(state.options.console);
    let templates = routes
        .iter()
        .map(|route| (route.template, route.content))
        .collect();
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
    routes
        .into_iter()
        .fold(Router::new(), |router, route| {
            router.route(route.template, route.methods)
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
    let known = matched.and_then(|path| {
        let mut routes = templates.iter().copied();
        routes.find(|(template, _)| *template == path.as_str())
    });
    let route = known.map(|(template, _)| template);
    let span = trace::begin(&state.traces, route, &mut request);
    let has_tokens = state.authentication.is_some();
    let handle = async |mut request: Request| {
        let id = request.extensions().get::<RequestId>().copied();
        let record = has_tokens.then(|| CallRecord::begin(&mut request));
        let answer = envelope::catch_panic(next.run(request)).await;
        if let (Some(record), Some(id)) = (record, id) {
            record.end(state, route.unwrap_or(UNKNOWN), &id, &answer);
        }
        answer
    };
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
    if has_tokens && known.is_some_and(|(_, content)| content == Content::Data) {
        caller::keep_private(answer.headers_mut());
    }
    trace::end(span, &answer);
    answer
}
