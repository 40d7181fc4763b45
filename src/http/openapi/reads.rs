//! `GET /people` and `GET /people/{id}`.

use serde_json::json;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::ArrayBuilder;

use super::call::{Answer, Call, PEOPLE, content, shape, stream_content};
use super::refusals::{Refusal, STORE};
use super::schemas::{events, lines};
use super::{examples, live};
use crate::http::media;

pub(super) fn list() -> Operation {
    let line = format!("{}\n", examples::line());
    let everyone = Answer::new(
        "People in the order of their ids; the answer is written while they are read. If the store fails midway, the \
         connection is cut, so that half a list never parses.",
    )
    .headers(&["Link", "Vary", "Cache-Control"])
    .content(media::JSON, content(ArrayBuilder::new().items(shape("Person")), json!([examples::person()])))
    .content(media::NDJSON, content(lines("A person a line.", &line), json!(line)))
    .content(media::EVENT_STREAM, stream_content(events("Server-sent events: see `/updates`."), &examples::event()));
    Call::new(PEOPLE, "listPeople", "Everyone, or those who match")
        .text(
            "All people, or with `limit` a page of them. The list is not one instant: each person once, as it was at some \
             moment of the call.\n\nAn upgrade to WebSocket, and `Accept: text/event-stream`, ask for live updates instead: \
             then the parameters are those of `/updates`.",
        )
        .takes(&["Where", "Limit", "After"])
        .answers("101", live::upgraded())
        .answers("200", everyone)
        .refuses(&[Refusal::Query, Refusal::Filter, Refusal::Cursor])
        .refuses(&live::REFUSALS)
        .refuses(&STORE)
        .build()
}

pub(super) fn read() -> Operation {
    let found = Answer::new("The person.").headers(&["ETag", "Cache-Control", "Vary"]);
    Call::new(PEOPLE, "readPerson", "One person")
        .takes(&["Id", "IfNoneMatch", "IfMatch"])
        .answers("200", found.content(media::JSON, content(shape("Person"), examples::person())))
        .answers("304", Answer::new("You hold this revision.").headers(&["ETag", "Cache-Control", "Vary"]))
        .refuses(&[Refusal::PathId, Refusal::Query, Refusal::Header, Refusal::NoPerson, Refusal::Precondition])
        .refuses(&STORE)
        .build()
}
