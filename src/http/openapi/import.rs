//! `POST /people/import`.

use serde_json::json;
use utoipa::openapi::path::Operation;

use super::call::{Answer, Call, PEOPLE, content};
use super::examples;
use super::refusals::{Refusal, STORE};
use super::schemas::lines;
use crate::http::media;

pub(super) fn import() -> Operation {
    let body = format!("{}\n{{\"firstName\":\"Alan\"}}\n", examples::DRAFT);
    let report = concat!(
        r#"{"line":2,"problem":{"type":"/problems/validation","title":"Some values are wrong","status":422,"#,
        r#""detail":"Correct /lastName, /age, /job; errors says how.","errors":[{"pointer":"/lastName","detail":"is required"},"#,
        r#"{"pointer":"/age","detail":"is required"},{"pointer":"/job","detail":"is required"}]}}"#,
        "\n",
        r#"{"saved":1,"refused":1,"lines":2}"#,
        "\n"
    );
    let answer = Answer::new(
        "The body was read: a line for each refused line (`ImportRefusal`), then the numbers (`ImportTotal`).",
    );
    Call::new(PEOPLE, "importPeople", "Save many people")
        .text(
            "A person a line (`PersonDraft`), at most 64 KiB each, any number of them. A line with an id saves that person, \
             new or not; one without gets an id. Lines are saved while they arrive. After 1,000 refused lines it stops; 10 \
             seconds without a byte end it.",
        )
        .body("Newline-delimited JSON.", [(media::NDJSON, content(lines("A `PersonDraft` a line.", &body), json!(body)))])
        .answers("200", answer.content(media::NDJSON, content(lines("The report.", report), json!(report))))
        .refuses(&[Refusal::Query, Refusal::Header, Refusal::Key, Refusal::Late])
        .refuses(&[Refusal::MediaType(media::LINES)])
        .refuses(&STORE)
        .build()
}
