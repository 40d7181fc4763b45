//! `GET /people/{id}`.

use axum::body::Body;
use axum::extract::{RawQuery, State as Extract};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::found::Found;
use super::preconditions::{Precondition, entity_tag, opaque_tag};
use super::{PathId, answer};
use crate::http::SharedState;
use crate::http::caller::Caller;
use crate::http::request::entity_tag::is_known;
use crate::http::request::media;
use crate::http::request::projection::projection;
use crate::http::request::query::Parameters;
use crate::protocol::problem::Problem;
use crate::rights::Verb;

/// One person, or 304 where the caller has this revision already.
pub(in crate::http) async fn read(
    Extract(state): Extract<SharedState>,
    caller: Caller,
    PathId(id): PathId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.may(Verb::Read)?;
    let parameters = Parameters::parse(query.as_deref(), &["fields"])?;
    let shown = caller.scope().showing(projection(&parameters)?)?;
    let precondition = Precondition::of_read(&headers)?;
    let found = Found::look_up(&state, caller.rights(), id).await?;
    let person = found.visible().ok_or_else(|| Problem::no_person(id))?;
    if !precondition.holds(person.revision) {
        return Err(precondition.failed(person.revision));
    }
    let known = is_known(&headers, &opaque_tag(person.revision, caller.scope()));
    let mut response = Response::new(Body::empty());
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = answer::body(&person, &shown);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(media::JSON));
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, entity_tag(person.revision, caller.scope()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}
