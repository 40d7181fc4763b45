//! The writes of one person: POST, PUT, PATCH, DELETE.

use axum::body::Bytes;
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;

use super::PathId;
use super::answer::{AnswerSource, RelativeLocation, Success};
use super::idempotency::{self, CallerKey};
use super::preconditions::{Precondition, damaged};
use crate::domain::{
    Draft, FieldsJson, IdRule, MergePatch, Partitions, Person, PersonId, Position, TraceContext,
};
use crate::http::caller::Caller;
use crate::http::request::query::Parameters;
use crate::http::request::{body, media};
use crate::http::{HttpState, SharedState};
use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::Verb;
use crate::store::{Expectation, RequestKey, StoreError, Write, WriteOutcome};
use crate::telemetry::clock::fresh_uuid;

/// How often a PATCH is merged when others change the person meanwhile.
const PATCH_TRIES: usize = 8;

/// The request of a write, read within its limits.
struct WriteRequest {
    method: Method,
    body: Bytes,
    /// The caller's key, and what the store records under it.
    key: Option<(CallerKey, RequestKey)>,
    /// The span of the request.
    trace: Option<TraceContext>,
}

/// The outcome of a write for its caller.
enum CallOutcome {
    Success(Success),
    /// The store's expectation did not hold; the person's revision, if there is a person.
    Conflict(Option<Position>),
}

impl WriteRequest {
    /// Checks query, media type and size, and reads the body. `path` is canonical, so that an id in
    /// another case gives the same request.
    async fn read(
        state: &HttpState,
        caller: &Caller,
        request: Request,
        path: &str,
        taken: &'static [&'static str],
    ) -> Result<Self, Problem> {
        let (parts, content) = request.into_parts();
        Parameters::none(parts.uri.query())?;
        if !taken.is_empty() {
            media::check_body(&parts.headers, taken).map_err(|problem| {
                let name = if parts.method == Method::PATCH {
                    "accept-patch"
                } else {
                    "accept-post"
                };
                let (name, value) = media::accept_header(name, taken);
                problem.with_header(name, value)
            })?;
        }
        // Checked before the body is read, so that a refused call is not uploaded first.
        let key = CallerKey::of(&parts.headers)?;
        let body = body::read(&parts.headers, content, &state.options).await?;
        let key = key.map(|key| {
            let method = parts.method.as_str();
            let request = key.request_key(caller.lease(), method, path, &parts.headers, &body);
            (key, request)
        });
        let trace = parts.extensions.get().copied();
        Ok(Self {
            method: parts.method,
            body,
            key,
            trace,
        })
    }

    fn text(&self) -> Result<&str, Problem> {
        body::text(&self.body)
    }

    fn key(&self) -> Option<&RequestKey> {
        self.key.as_ref().map(|(_, request)| request)
    }

    /// The write of this request.
    fn write(&self, state: &HttpState, id: PersonId, save: Option<FieldsJson>) -> Write {
        Write::new(id, save, (state.clock)())
            .keyed(self.key().cloned())
            .traced(self.trace)
    }
}

/// `POST /people`.
pub(in crate::http) async fn create(
    Extract(state): Extract<SharedState>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Verb::Create)?;
    Precondition::none(request.headers())?;
    let call = WriteRequest::read(&state, &caller, request, "/people", &[media::JSON]).await?;
    let fields = Draft::parse(call.text()?, IdRule::Ignored)?
        .fields
        .to_json();
    let id = new_id(state.store.get()?.partitions(), call.key.as_ref());
    let write = call
        .write(&state, id, Some(fields))
        .expecting(Expectation::Absent);
    match carry_out(&state, &write).await? {
        CallOutcome::Success(success) => {
            Ok(success.answer(StatusCode::CREATED, RelativeLocation::Below))
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
    let call = WriteRequest::read(
        &state,
        &caller,
        request,
        &format!("/people/{id}"),
        &[media::JSON],
    )
    .await?;
    let fields = Draft::parse(call.text()?, IdRule::MustBe(id))?
        .fields
        .to_json();
    let status = if precondition == Precondition::Absent {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let expect = precondition.expect(Expectation::Present);
    let write = call.write(&state, id, Some(fields)).expecting(expect);
    finish(
        carry_out(&state, &write).await?,
        precondition,
        &call.method,
        id,
        status,
    )
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
    let call = WriteRequest::read(&state, &caller, request, &format!("/people/{id}"), &[]).await?;
    let expect = precondition.expect(Expectation::Anything);
    let write = call.write(&state, id, None).expecting(expect);
    let outcome = carry_out(&state, &write).await?;
    finish(
        outcome,
        precondition,
        &call.method,
        id,
        StatusCode::NO_CONTENT,
    )
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
    let call = WriteRequest::read(
        &state,
        &caller,
        request,
        &format!("/people/{id}"),
        &[media::MERGE_PATCH, media::JSON],
    )
    .await?;
    let patch = MergePatch::parse(call.text()?, id)?;
    let store = state.store.get()?;
    if let Some(key) = call.key()
        && let Some(recorded) = store.recorded(store.partitions().of(id), key).await?
    {
        // The success counts, also where the person is gone by now or the patch no longer fits.
        if !recorded.same_request {
            return Err(idempotency::reused());
        }
        return Ok(Success::recorded(recorded, AnswerSource::Replay)
            .answer(StatusCode::OK, RelativeLocation::Here));
    }
    for _ in 0..PATCH_TRIES {
        let current = store.get(id).await?.ok_or_else(|| Problem::no_person(id))?;
        if !precondition.holds(current.revision) {
            return Err(precondition.failed(current.revision));
        }
        let fields = patch.apply(&current.fields)?.to_json();
        let expect = Expectation::Revision(current.revision);
        let write = call.write(&state, id, Some(fields)).expecting(expect);
        match carry_out(&state, &write).await? {
            CallOutcome::Conflict(Some(_)) => {}
            outcome => return finish(outcome, precondition, &call.method, id, StatusCode::OK),
        }
    }
    Err(Problem::new(
        ProblemKind::Conflict,
        format!(
            "Others changed the person each of the {PATCH_TRIES} times that the patch was merged. \
             Try again."
        ),
    ))
}

/// What a PUT needs: it creates with `If-None-Match: *`, and changes a person otherwise.
fn save_verb(headers: &HeaderMap) -> Verb {
    if headers.contains_key(header::IF_NONE_MATCH) {
        Verb::Create
    } else {
        Verb::Update
    }
}

/// A fresh id. With a key, the id is in the key's partition, where the store looks for its record.
fn new_id(partitions: Partitions, key: Option<&(CallerKey, RequestKey)>) -> PersonId {
    let wanted = key.map(|(key, _)| partitions.of_text(key.as_str()));
    loop {
        let id = PersonId::new(fresh_uuid());
        if wanted.is_none_or(|wanted| partitions.of(id) == wanted) {
            return id;
        }
    }
}

/// Applies a write. With a key, one repeat settles an unknown outcome: the key's record tells
/// whether the first attempt happened.
async fn carry_out(state: &HttpState, write: &Write) -> Result<CallOutcome, Problem> {
    let (mut applied, mut source) = (state.apply(write.clone()).await, AnswerSource::Replay);
    if write.idempotency.is_some() && matches!(applied, Err(StoreError::OutcomeUnknown(_))) {
        // Only an answer settles it: a refused repeat says nothing about the first attempt.
        if let Ok(settled) = state.apply(write.clone()).await {
            // Time and id distinguish the first attempt from an earlier request of the caller.
            if matches!(
                &settled,
                WriteOutcome::Replayed(first) if (first.id, first.time) == (write.id, write.time)
            ) {
                source = AnswerSource::FirstWrite;
            }
            applied = Ok(settled);
        }
    }
    let applied = applied.map_err(|error| match error {
        StoreError::OutcomeUnknown(_) => Problem::from(error).with("id", write.id.to_string()),
        // A write repairs a damaged record, unless its precondition needs the unreadable revision.
        StoreError::Damaged { id, .. } => damaged(id),
        error => error.into(),
    })?;
    Ok(match applied {
        WriteOutcome::Done { at, created_at } => {
            let saved = |fields: FieldsJson| Person {
                id: write.id,
                fields,
                revision: at.position,
                created_at,
                updated_at: write.time,
            };
            CallOutcome::Success(Success {
                at,
                person: write.save.clone().map(saved),
                source: AnswerSource::FirstWrite,
            })
        }
        WriteOutcome::Replayed(recorded) if recorded.same_request => {
            CallOutcome::Success(Success::recorded(recorded, source))
        }
        WriteOutcome::Replayed(_) | WriteOutcome::KeyReused => return Err(idempotency::reused()),
        WriteOutcome::Conflict { current } => CallOutcome::Conflict(current),
        WriteOutcome::NotFound => CallOutcome::Conflict(None),
    })
}

/// The answer to an outcome that is final; 404 comes before 412.
fn finish(
    outcome: CallOutcome,
    precondition: Precondition,
    method: &Method,
    id: PersonId,
    status: StatusCode,
) -> Result<Response, Problem> {
    match outcome {
        CallOutcome::Success(success) => Ok(success.answer(status, RelativeLocation::Here)),
        CallOutcome::Conflict(None) => Err(precondition.not_found(method, id)),
        CallOutcome::Conflict(Some(current)) => Err(precondition.failed(current)),
    }
}

#[cfg(test)]
mod tests {
    use super::PATCH_TRIES;
    use crate::http::openapi;

    #[test]
    fn the_description_states_how_often_a_patch_is_merged() {
        let document = openapi::document();
        let conflict = "/components/responses/Conflict/content/application~1problem+json";
        for place in [
            "/paths/~1people~1{id}/patch/description".to_owned(),
            format!("{conflict}/examples/conflict/value/detail"),
        ] {
            let text = document.pointer(&place).and_then(|text| text.as_str());
            let said = format!(" {PATCH_TRIES} times");
            assert!(text.is_some_and(|text| text.contains(&said)), "{text:?}");
        }
    }
}
