//! The console, the API page, and the two descriptions of the API. All files are part of the
//! program; none is read while it runs.

mod asset;
mod files;
pub mod openapi;

use std::net::SocketAddr;

use axum::extract::State as Extract;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::SharedState;
use crate::protocol::problem::{Problem, ProblemKind};

/// Paths that belong to the admin listener, and the names that other programs give them.
const ADMIN: [(&str, &str); 7] = [
    ("/livez", "/livez"),
    ("/readyz", "/readyz"),
    ("/metrics", "/metrics"),
    ("/health", "/readyz"),
    ("/healthz", "/readyz"),
    ("/ready", "/readyz"),
    ("/live", "/livez"),
];

/// The page or file at the request's path.
pub(super) async fn page(
    Extract(state): Extract<SharedState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match files::at(uri.path()) {
        Some(asset) => Ok(asset.answer(&headers)),
        None => Err(missing(uri.path(), state.options.admin)),
    }
}

/// The answer to a path that fits no route.
pub(super) async fn unknown_path(Extract(state): Extract<SharedState>, uri: Uri) -> Problem {
    missing(uri.path(), state.options.admin)
}

/// The 404 of a path. `admin` is the address of the admin listener, if the caller may learn it.
fn missing(path: &str, admin: Option<SocketAddr>) -> Problem {
    let elsewhere = ADMIN.iter().find(|(asked, _)| *asked == path);
    let detail = match (elsewhere, admin) {
        (None, _) => format!("There is no {path}. People are at /people and /people/ID."),
        (Some((_, path)), Some(admin)) => {
            format!("{path} is on the admin listener: http://{admin}{path}")
        }
        (Some((_, path)), None) => {
            format!(
                "{path} is on the admin listener, another port (setting admin.listen), which is \
                 not for the public."
            )
        }
    };
    Problem::new(ProblemKind::NotFound, detail)
}
