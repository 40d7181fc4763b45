//! The admin listener: liveness, readiness and metrics.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use super::access::Access;
use super::request::media;
use super::{AdminOptions, envelope};
use crate::protocol::problem::{Problem, ProblemKind};
use crate::store::KnownDamage;
use crate::telemetry::{self, Readiness};

/// The media types of `OpenMetrics` 1.0 and of the text format before it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The admin listener's paths: `/livez`, `/readyz` and `/metrics`.
pub fn admin_router(
    options: AdminOptions,
    readiness: Readiness,
    damage: KnownDamage,
    registry: Arc<Registry>,
) -> Router {
    let access = Arc::new(Access::admin(options.exposure, options.hosts));
    Router::new()
        .route("/livez", get("live\n"))
        .route("/readyz", get(ready).with_state((readiness, damage)))
        .route("/metrics", get(metrics).with_state(registry))
        .fallback(unknown_path)
        .method_not_allowed_fallback(envelope::wrong_method)
        .layer(from_fn_with_state(access, wrap))
}

/// The answer to a path that fits no route.
async fn unknown_path(uri: Uri) -> Problem {
    Problem::new(
        ProblemKind::NotFound,
        format!(
            "There is no {} here. The paths are /livez, /readyz and /metrics.",
            uri.path()
        ),
    )
}

/// The layer around every handler of this listener.
async fn wrap(Extract(access): Extract<Arc<Access>>, request: Request, next: Next) -> Response {
    let handle = async |request| match access.check_host(&request) {
        Ok(()) => envelope::catch_panic(next.run(request)).await,
        Err(problem) => problem.into_response(),
    };
    envelope::render(request, handle).await
}

/// A damaged record makes a gateway degraded, not unready: it serves all other people, and another
/// gateway would read the same store.
async fn ready(Extract((readiness, damage)): Extract<(Readiness, KnownDamage)>) -> Response {
    match readiness.check(Instant::now()) {
        Ok(()) if damage.is_empty() => "ready\n".into_response(),
        Ok(()) => format!("degraded: {damage}\n").into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

/// `OpenMetrics`, unless the scraper prefers the older text format.
async fn metrics(Extract(registry): Extract<Arc<Registry>>, headers: HeaderMap) -> Response {
    let mut text = String::new();
    let older =
        media::preferred(&headers, &["application/openmetrics-text", "text/plain"]) == Some(1);
    match encode(&mut text, &registry) {
        Ok(()) if older => (
            [(header::CONTENT_TYPE, TEXT_FORMAT)],
            telemetry::text_format(&text),
        )
            .into_response(),
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => Problem::new(ProblemKind::Internal, "The metrics could not be written.")
            .caused_by(error)
            .into_response(),
    }
}
