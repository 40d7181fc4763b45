//! `GET /rights`: what the caller may do.

use axum::body::Body;
use axum::extract::{RawQuery, State as Extract};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::SharedState;
use super::caller::Caller;
use super::request::media;
use super::request::query::Parameters;
use crate::protocol::problem::Problem;

/// Subject, role, verbs, what is hidden (or all that is shown), and the seconds until the token
/// expires. Without authentication: all verbs.
pub(super) async fn rights(
    Extract(state): Extract<SharedState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Parameters::none(query.as_deref())?;
    let mut document = Map::new();
    if let Some(lease) = caller.lease() {
        document.insert("subject".into(), json!(lease.subject));
    }
    if state.authentication.is_some() {
        document.insert("role".into(), json!(caller.rights().role()));
    }
    document.extend(caller.rights().describe());
    if let Some(lease) = caller.lease() {
        document.insert("seconds".into(), json!(lease.seconds_left()));
    }
    let mut response = Response::new(Body::from(format!("{}\n", Value::Object(document))));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media::JSON));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
