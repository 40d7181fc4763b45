//! The calls that write one person: POST, PUT, PATCH, DELETE.

use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::PathId;
use super::answer::RelativeLocation;
use super::edit::{self, CallOutcome, PersonEdit, carry_out};
use super::preconditions::Precondition;
use super::write_request::WriteRequest;
use crate::domain::IdRule;
use crate::http::SharedState;
use crate::http::caller::Caller;
use crate::http::request::media;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::Verb;
use crate::store::Expectation;

/// `POST /people`.
pub(in crate::http) async fn create(
    Extract(state): Extract<SharedState>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Verb::Create)?;
    Precondition::none(request.headers())?;
    let call = WriteRequest::read(&state, caller, request, "/people", &[media::JSON]).await?;
    let rights = call.caller.rights();
    let body = rights.read_body(call.text()?, IdRule::Ignored)?;
    let partitions = state.store.get()?.partitions();
    let id = call.new_id(partitions);
    if !rights.writes_all()
        && let Some(replay) = edit::replay(&state, &call, partitions.of(id)).await?
    {
        return Ok(replay.answer(&call.caller, StatusCode::CREATED, RelativeLocation::Below));
    }
    let fields = rights.create(id, &body)?;
    let write = call
        .write(&state, id, Some(fields))
        .expecting(Expectation::Absent);
    match carry_out(&state, &write).await? {
        CallOutcome::Success(success) => {
            Ok(success.answer(&call.caller, StatusCode::CREATED, RelativeLocation::Below))
        }
        CallOutcome::Conflict(_) => Err(Problem::new(
            ProblemKind::Conflict,
            "The new id was taken. Try again.",
        )),
    }
}

/// `PUT /people/{id}`.
pub(in crate::http) async fn replace(
    Extract(state): Extract<SharedState>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(save_verb(request.headers()))?;
    let precondition = Precondition::of(request.headers())?;
    let path = format!("/people/{id}");
    let call = WriteRequest::read(&state, caller, request, &path, &[media::JSON]).await?;
    let body = call
        .caller
        .rights()
        .read_body(call.text()?, IdRule::MustBe(id))?;
    if precondition == Precondition::Absent {
        return edit::create(&state, &call, id, &body).await;
    }
    edit::edit(&state, &call, id, precondition, &PersonEdit::Replace(body)).await
}

/// `DELETE /people/{id}`.
pub(in crate::http) async fn delete(
    Extract(state): Extract<SharedState>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Verb::Delete)?;
    let precondition = Precondition::of_existing(request.headers())?;
    let path = format!("/people/{id}");
    let call = WriteRequest::read(&state, caller, request, &path, &[]).await?;
    edit::edit(&state, &call, id, precondition, &PersonEdit::Delete).await
}

/// `PATCH /people/{id}`: JSON Merge Patch (RFC 7396), saved only if the person still has the
/// revision that the patch was merged into.
pub(in crate::http) async fn patch(
    Extract(state): Extract<SharedState>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Verb::Update)?;
    let precondition = Precondition::of_existing(request.headers())?;
    let path = format!("/people/{id}");
    let taken = &[media::MERGE_PATCH, media::JSON];
    let call = WriteRequest::read(&state, caller, request, &path, taken).await?;
    let edit = PersonEdit::Merge(call.caller.rights().read_patch(call.text()?, id)?);
    edit::edit(&state, &call, id, precondition, &edit).await
}

/// What a PUT needs: it creates with `If-None-Match: *`, and changes a person otherwise.
fn save_verb(headers: &HeaderMap) -> Verb {
    if headers.contains_key(header::IF_NONE_MATCH) {
        Verb::Create
    } else {
        Verb::Update
    }
}
