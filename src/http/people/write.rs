//! The writes of one person: POST, PUT, PATCH, DELETE.

use axum::body::Bytes;
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;

use super::PathId;
use super::answer::{Location, Origin, Success};
use super::idempotency::{self, Key};
use super::preconditions::{Precondition, damaged};
use crate::domain::{
    Draft, FieldsJson, IdRule, MergePatch, Partitions, Person, PersonId, Position, TraceContext,
};
use crate::http::query::Parameters;
use crate::http::{Shared, State, body, media};
use crate::protocol::problem::{Problem, ProblemKind};
use crate::store::{Applied, Expect, IdempotencyKey, Store, StoreError, Write};
use crate::telemetry::clock::fresh_uuid;

/// How often a PATCH is merged again because others changed the person meanwhile.
const PATCH_TRIES: usize = 8;

/// A write's request, read within its limits.
struct Call {
    headers: HeaderMap,
    method: Method,
    path: String,
    body: Bytes,
    /// The request's own span.
    trace: Option<TraceContext>,
}

/// What became of a write whose expectation may not have held.
enum Outcome {
    Success(Success),
    /// It did not; the person's revision, if there is one.
    Conflict(Option<Position>),
}

impl Call {
    /// Checks query, type and size, and reads the body. `path` is the canonical one, so that an id
    /// in another case is the same request.
    async fn read(
        state: &State,
        request: Request,
        path: String,
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
        // Checked before the body is read: a call that is refused anyway need not be uploaded.
        Key::of(&parts.headers)?;
        let body = body::read(&parts.headers, content, &state.options).await?;
        let trace = parts.extensions.get().copied();
        Ok(Self {
            headers: parts.headers,
            method: parts.method,
            path,
            body,
            trace,
        })
    }

    fn text(&self) -> Result<&str, Problem> {
        body::text(&self.body)
    }

    fn key(&self) -> Result<Option<Key<'_>>, Problem> {
        Key::of(&self.headers)
    }

    fn idempotency(&self) -> Result<Option<IdempotencyKey>, Problem> {
        let covers =
            |key: Key<'_>| key.covers(self.method.as_str(), &self.path, &self.headers, &self.body);
        Ok(self.key()?.map(covers))
    }
}

/// `POST /people`.
pub(in crate::http) async fn create(
    Extract(state): Extract<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    Precondition::none(request.headers())?;
    let call = Call::read(&state, request, "/people".to_owned(), &[media::JSON]).await?;
    let fields = Draft::parse(call.text()?, IdRule::Ignored)?
        .fields
        .to_json();
    let store = state.store.get()?;
    let write = Write {
        id: new_id(store.partitions(), call.key()?),
        save: Some(fields),
        expect: Expect::Absent,
        idempotency: call.idempotency()?,
        time: (state.clock)(),
        trace: call.trace,
    };
    match carry_out(store.as_ref(), &write).await? {
        Outcome::Success(success) => Ok(success.answer(StatusCode::CREATED, Location::Below)),
        Outcome::Conflict(_) => Err(Problem::new(
            ProblemKind::Conflict,
            "The new id was taken. Try again.",
        )),
    }
}

/// `PUT /people/{id}`.
pub(in crate::http) async fn replace(
    Extract(state): Extract<Shared>,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    let precondition = Precondition::of(request.headers())?;
    let call = Call::read(&state, request, format!("/people/{id}"), &[media::JSON]).await?;
    let fields = Draft::parse(call.text()?, IdRule::MustBe(id))?
        .fields
        .to_json();
    let status = if precondition == Precondition::Absent {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let write = Write {
        id,
        save: Some(fields),
        expect: precondition.expect(Expect::Present),
        idempotency: call.idempotency()?,
        time: (state.clock)(),
        trace: call.trace,
    };
    finish(
        carry_out(state.store.get()?.as_ref(), &write).await?,
        precondition,
        &call.method,
        id,
        status,
    )
}

/// `DELETE /people/{id}`.
pub(in crate::http) async fn delete(
    Extract(state): Extract<Shared>,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    let precondition = Precondition::of_existing(request.headers())?;
    let call = Call::read(&state, request, format!("/people/{id}"), &[]).await?;
    let write = Write {
        id,
        save: None,
        expect: precondition.expect(Expect::Anything),
        idempotency: call.idempotency()?,
        time: (state.clock)(),
        trace: call.trace,
    };
    let outcome = carry_out(state.store.get()?.as_ref(), &write).await?;
    finish(
        outcome,
        precondition,
        &call.method,
        id,
        StatusCode::NO_CONTENT,
    )
}

/// `PATCH /people/{id}`: JSON Merge Patch (RFC 7396), saved only if the person is still what it was
/// merged into.
pub(in crate::http) async fn patch(
    Extract(state): Extract<Shared>,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    let precondition = Precondition::of_existing(request.headers())?;
    let call = Call::read(
        &state,
        request,
        format!("/people/{id}"),
        &[media::MERGE_PATCH, media::JSON],
    )
    .await?;
    let patch = MergePatch::parse(call.text()?, id)?;
    let key = call.idempotency()?;
    let store = state.store.get()?;
    if let Some(key) = &key
        && let Some(recorded) = store.recorded(store.partitions().of(id), key).await?
    {
        // The person may be gone by now, or the patch no longer fit: the success counts.
        if !recorded.same_request {
            return Err(idempotency::reused());
        }
        return Ok(
            Success::recorded(recorded, Origin::Replayed).answer(StatusCode::OK, Location::Here)
        );
    }
    for _ in 0..PATCH_TRIES {
        let current = store.get(id).await?.ok_or_else(|| Problem::no_person(id))?;
        if !precondition.holds(current.revision) {
            return Err(precondition.failed(current.revision));
        }
        let write = Write {
            id,
            save: Some(patch.apply(&current.fields)?.to_json()),
            expect: Expect::Revision(current.revision),
            idempotency: key.clone(),
            time: (state.clock)(),
            trace: call.trace,
        };
        match carry_out(store.as_ref(), &write).await? {
            Outcome::Conflict(Some(_)) => {}
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

/// A fresh id. With a key it falls into the key's partition, where the record is looked for.
fn new_id(partitions: Partitions, key: Option<Key<'_>>) -> PersonId {
    let wanted = key.map(|key| partitions.of_text(key.as_str()));
    loop {
        let id = PersonId::new(fresh_uuid());
        if wanted.is_none_or(|wanted| partitions.of(id) == wanted) {
            return id;
        }
    }
}

/// Applies a write. With a key, an unknown outcome is settled by one repeat: the record tells
/// whether it happened.
async fn carry_out(store: &dyn Store, write: &Write) -> Result<Outcome, Problem> {
    let (mut applied, mut origin) = (store.apply(write.clone()).await, Origin::Replayed);
    if write.idempotency.is_some() && matches!(applied, Err(StoreError::OutcomeUnknown(_))) {
        // Only an answer settles it: a repeat that was refused says nothing of the first attempt.
        if let Ok(settled) = store.apply(write.clone()).await {
            // Time and id tell our own first attempt from an earlier request of the caller.
            if matches!(
                &settled,
                Applied::Replayed(first) if (first.id, first.time) == (write.id, write.time)
            ) {
                origin = Origin::First;
            }
            applied = Ok(settled);
        }
    }
    let applied = applied.map_err(|error| match error {
        StoreError::OutcomeUnknown(_) => Problem::from(error).with("id", write.id.to_string()),
        // A write mends a damaged record, unless it demands what cannot be compared.
        StoreError::Damaged { id, .. } => damaged(id),
        error => error.into(),
    })?;
    Ok(match applied {
        Applied::Done { at, created_at } => {
            let saved = |fields: FieldsJson| Person {
                id: write.id,
                fields,
                revision: at.position,
                created_at,
                updated_at: write.time,
            };
            Outcome::Success(Success {
                at,
                person: write.save.clone().map(saved),
                origin: Origin::First,
            })
        }
        Applied::Replayed(recorded) if recorded.same_request => {
            Outcome::Success(Success::recorded(recorded, origin))
        }
        Applied::Replayed(_) | Applied::KeyReused => return Err(idempotency::reused()),
        Applied::Conflict { current } => Outcome::Conflict(current),
        Applied::NotFound => Outcome::Conflict(None),
    })
}

/// The answer where a conflict is final: 404 comes before 412.
fn finish(
    outcome: Outcome,
    precondition: Precondition,
    method: &Method,
    id: PersonId,
    status: StatusCode,
) -> Result<Response, Problem> {
    match outcome {
        Outcome::Success(success) => Ok(success.answer(status, Location::Here)),
        Outcome::Conflict(None) => Err(precondition.nobody(method, id)),
        Outcome::Conflict(Some(current)) => Err(precondition.failed(current)),
    }
}

#[cfg(test)]
mod tests {
    use super::PATCH_TRIES;
    use crate::http::openapi;

    #[test]
    fn the_description_says_how_often_a_patch_is_merged() {
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
