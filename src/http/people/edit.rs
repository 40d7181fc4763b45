//! From a judged write to its answer. Where the outcome depends on the person as it is, the person
//! is read, judged, and written at the revision that was judged; others may come between, so that
//! is tried a few times.

use axum::http::StatusCode;
use axum::response::Response;
use people_core::sabotage::{Sabotage, planted};

use super::answer::{AnswerSource, RelativeLocation, Success};
use super::found::Found;
use super::idempotency;
use super::preconditions::{Precondition, damaged};
use super::write_request::WriteRequest;
use crate::domain::{FieldsJson, MergePatch, Partition, Person, PersonId, Position};
use crate::http::HttpState;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::{Rights, SaveBody, Verb, WriteRefusal};
use crate::store::{Expectation, StoreError, Write, WriteOutcome};

/// How often a write that depends on the person is tried, when others change it meanwhile.
pub(super) const TRIES: usize = 8;

/// What a call makes of a person.
pub(super) enum PersonEdit {
    /// Another person with the same id.
    Replace(SaveBody),
    /// The same with some values changed.
    Merge(MergePatch),
    /// Nobody.
    Delete,
}

/// The outcome of a write for its caller.
pub(super) enum CallOutcome {
    Success(Success),
    /// The store's expectation did not hold; the person's revision, if there is a person.
    Conflict(Option<Position>),
}

impl PersonEdit {
    /// Whether the outcome depends on the person.
    fn needs_person(&self, rights: &Rights) -> bool {
        matches!(self, Self::Merge(_)) || !rights.writes_all()
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Replace(_) | Self::Merge(_) => StatusCode::OK,
            Self::Delete => StatusCode::NO_CONTENT,
        }
    }

    /// Whether the rights allow to touch a person at all.
    fn check(
        &self,
        rights: &Rights,
        id: PersonId,
        before: &FieldsJson,
    ) -> Result<(), WriteRefusal> {
        match self {
            Self::Replace(_) | Self::Merge(_) => rights.check_update(id, before),
            Self::Delete => rights.check_delete(id, before),
        }
    }

    /// What it makes of a person; none after a delete.
    fn apply(
        &self,
        rights: &Rights,
        id: PersonId,
        before: &FieldsJson,
    ) -> Result<Option<FieldsJson>, WriteRefusal> {
        match self {
            Self::Replace(body) => rights.replace(id, before, body).map(Some),
            Self::Merge(patch) => rights.merge(id, before, patch).map(Some),
            Self::Delete => Ok(None),
        }
    }
}

/// Changes or deletes a person.
pub(super) async fn edit(
    state: &HttpState,
    call: &WriteRequest,
    id: PersonId,
    precondition: Precondition,
    edit: &PersonEdit,
) -> Result<Response, Problem> {
    let (rights, status) = (call.caller.rights(), edit.status());
    let answer = |success: Success| success.answer(&call.caller, status, RelativeLocation::Here);
    let not_found = || precondition.not_found(&call.method, id);
    if !edit.needs_person(rights) {
        let (save, otherwise) = match edit {
            PersonEdit::Replace(SaveBody::Whole(draft)) => {
                (Some(draft.fields.to_json()), Expectation::Present)
            }
            _ => (None, Expectation::Anything),
        };
        let expect = precondition.expect(otherwise);
        let write = call.write(state, id, save).expecting(expect);
        return match carry_out(state, &write).await? {
            CallOutcome::Success(success) => Ok(answer(success)),
            // 404 comes before 412.
            CallOutcome::Conflict(None) => Err(not_found()),
            CallOutcome::Conflict(Some(current)) => Err(precondition.failed(current)),
        };
    }
    let store = state.store.get()?;
    // The success counts, also where the person is gone by now or the patch no longer fits.
    if let Some(replay) = replay(state, call, store.partitions().of(id)).await? {
        return Ok(answer(replay));
    }
    for _ in 0..TRIES {
        let found = Found::look_up(state, rights, id).await?;
        let current = found.visible().ok_or_else(not_found)?;
        edit.check(rights, id, &current.fields)?;
        if !precondition.holds(current.revision) {
            return Err(precondition.failed(current.revision));
        }
        let save = edit.apply(rights, id, &current.fields)?;
        let expect = Expectation::Revision(current.revision);
        let write = call.write(state, id, save).expecting(expect);
        if let CallOutcome::Success(success) = carry_out(state, &write).await? {
            return Ok(answer(success));
        }
    }
    Err(contended())
}

/// Creates a person with an id of the caller's choice.
pub(super) async fn create(
    state: &HttpState,
    call: &WriteRequest,
    id: PersonId,
    body: &SaveBody,
) -> Result<Response, Problem> {
    let rights = call.caller.rights();
    let answer = |success: Success| {
        success.answer(&call.caller, StatusCode::CREATED, RelativeLocation::Here)
    };
    let store = state.store.get()?;
    if rights.writes_all() {
        let write = call.write(state, id, Some(rights.create(id, body)?));
        return match carry_out(state, &write.expecting(Expectation::Absent)).await? {
            CallOutcome::Success(success) => Ok(answer(success)),
            CallOutcome::Conflict(None) => Err(contended()),
            CallOutcome::Conflict(Some(current)) => Err(Precondition::Absent.failed(current)),
        };
    }
    if let Some(replay) = replay(state, call, store.partitions().of(id)).await? {
        return Ok(answer(replay));
    }
    for _ in 0..TRIES {
        match Found::look_up(state, rights, id).await? {
            Found::Nobody => {}
            Found::Hidden => return Err(WriteRefusal::outside(Verb::Create).into()),
            Found::Visible(person) => return Err(Precondition::Absent.failed(person.revision)),
        }
        let fields = rights.create(id, body)?;
        let write = call
            .write(state, id, Some(fields))
            .expecting(Expectation::Absent);
        if let CallOutcome::Success(success) = carry_out(state, &write).await? {
            return Ok(answer(success));
        }
    }
    Err(contended())
}

/// The success that the caller's key has, if it has one. Looked up first only where the write is
/// judged: the store finds it anyway.
pub(super) async fn replay(
    state: &HttpState,
    call: &WriteRequest,
    partition: Partition,
) -> Result<Option<Success>, Problem> {
    let Some(key) = call.key() else {
        return Ok(None);
    };
    let Some(recorded) = state.store.get()?.recorded(partition, key).await? else {
        return Ok(None);
    };
    if !recorded.same_request {
        return Err(idempotency::reused());
    }
    Ok(Some(Success::recorded(recorded, AnswerSource::Replay)))
}

/// Applies a write. With a key, one repeat settles an unknown outcome: the key's record tells
/// whether the first attempt happened.
pub(super) async fn carry_out(state: &HttpState, write: &Write) -> Result<CallOutcome, Problem> {
    let (mut applied, mut source) = (state.apply(write.clone()).await, AnswerSource::Replay);
    if write.idempotency.is_some() && matches!(applied, Err(StoreError::OutcomeUnknown(_))) {
        let mut repeat = write.clone();
        if planted(Sabotage::KeyLostInRepeat) {
            repeat.idempotency = None;
        }
        // Only an answer settles it: a refused repeat says nothing about the first attempt.
        if let Ok(settled) = state.apply(repeat).await {
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

/// The 409 of a person that others change all the time.
pub(super) fn contended() -> Problem {
    Problem::new(
        ProblemKind::Conflict,
        format!(
            "Others changed the person each of the {TRIES} times that it was to be written. Try \
             again."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::TRIES;
    use crate::http::openapi;

    #[test]
    fn the_description_states_how_often_a_write_is_tried() {
        let document = openapi::document();
        let conflict = "/components/responses/Conflict/content/application~1problem+json";
        for place in [
            "/paths/~1people~1{id}/patch/description".to_owned(),
            format!("{conflict}/examples/conflict/value/detail"),
        ] {
            let text = document.pointer(&place).and_then(|text| text.as_str());
            let said = format!(" {TRIES} times");
            assert!(text.is_some_and(|text| text.contains(&said)), "{text:?}");
        }
    }
}
