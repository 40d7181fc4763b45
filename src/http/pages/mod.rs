//! What a browser or a tool asks for: the console, the API page, and the two descriptions of the
//! API. All of it is part of the program; no file is read while it runs.

mod asset;
mod files;
pub mod openapi;

use std::net::SocketAddr;

use axum::extract::State as Extract;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::Shared;
use crate::protocol::problem::{Problem, ProblemKind};

/// What is looked for here and stands on the admin listener, and what others call it.
const ADMIN: [(&str, &str); 7] = [
    ("/livez", "/livez"),
    ("/readyz", "/readyz"),
    ("/metrics", "/metrics"),
    ("/health", "/readyz"),
    ("/healthz", "/readyz"),
    ("/ready", "/readyz"),
    ("/live", "/livez"),
];

/// A page, or a file that one loads: whatever stands at the request's path.
pub(super) async fn page(
    Extract(state): Extract<Shared>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match files::at(uri.path()) {
        Some(asset) => Ok(asset.answer(&headers)),
        None => Err(missing(uri.path(), state.options.admin)),
    }
}

/// The answer where no path fits.
pub(super) async fn nothing(Extract(state): Extract<Shared>, uri: Uri) -> Problem {
    missing(uri.path(), state.options.admin)
}

/// There is nothing at `path`. `admin` is where the admin listener is, if the caller may know it.
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
