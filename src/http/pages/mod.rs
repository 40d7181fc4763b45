//! What a browser or a tool asks for: the console, the API page, and the two descriptions of the API. All of it is part
//! of the program; no file is read while it runs.

mod asset;
mod files;

use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::envelope;
use crate::protocol::problem::Problem;

/// A page, or a file that one loads: whatever stands at the request's path.
pub(super) async fn page(uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    match files::at(uri.path()) {
        Some(asset) => Ok(asset.answer(&headers)),
        None => Err(envelope::unknown_path(uri).await),
    }
}
