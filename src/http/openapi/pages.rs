//! The console, this description, and the page that shows it.

use serde_json::json;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::call::{Answer, Call, PAGES, content};
use super::refusals::Refusal;
use super::schemas::string;

const HTML: &str = "text/html; charset=utf-8";
const HEADERS: [&str; 4] = ["ETag", "Cache-Control", "Vary", "Content-Security-Policy"];

pub(super) fn console() -> Operation {
    file("console", "The console", HTML, &[]).refuses(&[Refusal::NoPage]).build()
}

pub(super) fn console_file() -> Operation {
    part("consoleFile", &["File"])
}

pub(super) fn console_inner_file() -> Operation {
    part("consoleInnerFile", &["Folder", "File"])
}

pub(super) fn api_page() -> Operation {
    file("apiPage", "This description, to be read", HTML, &[]).build()
}

pub(super) fn api_page_file() -> Operation {
    part("apiPageFile", &["File"])
}

pub(super) fn api_page_inner_file() -> Operation {
    part("apiPageInnerFile", &["Folder", "File"])
}

pub(super) fn asyncapi() -> Operation {
    let answer = Answer::new("The description.").headers(&HEADERS);
    Call::new(PAGES, "asyncapi", "The messages of live updates, as AsyncAPI 3.0")
        .takes(&["IfNoneMatch"])
        .answers("200", answer.content("application/yaml", content(string("YAML.", None), json!("asyncapi: 3.0.0\n"))))
        .answers("304", known())
        .build()
}

pub(super) fn openapi() -> Operation {
    let kind = |kind: Type| ObjectBuilder::new().schema_type(kind);
    let object = kind(Type::Object).property("openapi", kind(Type::String)).property("paths", kind(Type::Object));
    let object = object.required("openapi").required("paths");
    let answer = Answer::new("The description.").headers(&HEADERS);
    Call::new(PAGES, "openapi", "This description, as OpenAPI 3.1")
        .takes(&["IfNoneMatch"])
        .answers("200", answer.content("application/json", content(object, json!({"openapi": "3.1.0", "paths": {}}))))
        .answers("304", known())
        .build()
}

/// A file that a page loads.
fn part(name: &str, path: &[&str]) -> Operation {
    file(name, "A part of a page", "text/javascript; charset=utf-8", path).refuses(&[Refusal::NoPage]).build()
}

fn file(name: &str, summary: &str, media: &str, path: &[&str]) -> Call {
    let mut answer = Answer::new("The file.").headers(&HEADERS);
    let text = || content(string("A text.", None), json!("…"));
    answer = answer.content(media, text());
    if !path.is_empty() {
        for other in
            ["text/css; charset=utf-8", "text/csv; charset=utf-8", "text/plain; charset=utf-8", "image/svg+xml"]
        {
            answer = answer.content(other, text());
        }
    }
    Call::new(PAGES, name, summary).takes(path).takes(&["IfNoneMatch"]).answers("200", answer).answers("304", known())
}

fn known() -> Answer {
    Answer::new("You hold this version.").headers(&HEADERS)
}
