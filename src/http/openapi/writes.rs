//! The writes of one person: POST, PUT, PATCH, DELETE.

use serde_json::json;
use utoipa::openapi::path::Operation;

use super::call::{Answer, Call, PEOPLE, content, shape};
use super::examples;
use super::refusals::{BODY, Refusal, STORE};
use crate::http::media;

/// What every write may meet.
const WRITE: [Refusal; 5] = [Refusal::Query, Refusal::Header, Refusal::Key, Refusal::KeyReused, Refusal::Unknown];
/// What every save may meet.
const SAVE: [Refusal; 2] = [Refusal::Values, Refusal::Full];
/// What every write of a person by id may meet.
const BY_ID: [Refusal; 3] = [Refusal::PathId, Refusal::NoPerson, Refusal::Precondition];

pub(super) fn create() -> Operation {
    let draft = content(shape("NewPerson"), examples::draft());
    Call::new(PEOPLE, "createPerson", "Save a new person")
        .takes(&["IdempotencyKey"])
        .body("The person; the id is the gateway's to give.", [(media::JSON, draft)])
        .answers("201", saved("Saved.").headers(&["Location"]).leads_to_the_person())
        .refuses(&WRITE)
        .refuses(&BODY)
        .refuses(&SAVE)
        .refuses(&STORE)
        .refuses(&[Refusal::MediaType(&[media::JSON]), Refusal::Conflict])
        .build()
}

pub(super) fn replace() -> Operation {
    let draft = content(shape("PersonDraft"), examples::draft());
    Call::new(PEOPLE, "replacePerson", "Replace a person, or create one under this id")
        .text("Replaces who is there. With `If-None-Match: *` it creates a person where there is none.")
        .takes(&["Id", "IfMatch", "IfNone", "IdempotencyKey"])
        .body("The whole person.", [(media::JSON, draft)])
        .answers("200", saved("Saved."))
        .answers("201", saved("Created.").headers(&["Location"]))
        .refuses(&BY_ID)
        .refuses(&WRITE)
        .refuses(&BODY)
        .refuses(&SAVE)
        .refuses(&STORE)
        .refuses(&[Refusal::MediaType(&[media::JSON])])
        .build()
}

pub(super) fn patch() -> Operation {
    let patch = || content(shape("PersonPatch"), json!({"age": 37, "attributes": {"city": null}}));
    Call::new(PEOPLE, "patchPerson", "Change some of a person's fields")
        .text(
            "A JSON Merge Patch (RFC 7396). It is saved only if the person is still what it was merged into; otherwise it \
             is merged again, up to 8 times.",
        )
        .takes(&["Id", "IfMatch", "IdempotencyKey"])
        .body("What changes.", [(media::MERGE_PATCH, patch()), (media::JSON, patch())])
        .answers("200", saved("Saved."))
        .refuses(&BY_ID)
        .refuses(&WRITE)
        .refuses(&BODY)
        .refuses(&SAVE)
        .refuses(&STORE)
        .refuses(&[Refusal::MediaType(&[media::MERGE_PATCH, media::JSON]), Refusal::Conflict])
        .build()
}

pub(super) fn delete() -> Operation {
    let gone = Answer::new("Deleted.").headers(&["Change-Position", "Idempotency-Replayed"]);
    Call::new(PEOPLE, "deletePerson", "Delete a person")
        .takes(&["Id", "IfMatch", "IdempotencyKey"])
        .answers("204", gone)
        .refuses(&BY_ID)
        .refuses(&WRITE)
        .refuses(&STORE)
        .refuses(&[Refusal::Late, Refusal::TooLarge])
        .build()
}

/// The person as it was saved.
fn saved(text: &str) -> Answer {
    Answer::new(text)
        .headers(&["ETag", "Change-Position", "Idempotency-Replayed"])
        .content(media::JSON, content(shape("Person"), examples::person()))
}
