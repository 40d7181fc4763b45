//! What calls refuse: by status, each with a problem document as callers get it. Wherever it is possible, the problem is
//! made by the code that refuses.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Content, Ref};

use super::call::shape;
use super::examples;
use crate::domain::{Draft, IdRule};
use crate::filter::Filter;
use crate::http::access;
use crate::http::media;
use crate::http::query::Parameters;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::store::StoreError;

const INSTANCE: &str = "urn:uuid:0190f3e2-8a00-7b11-9c22-33445566aabb";

/// A reason to refuse a call.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    PathId,
    Query,
    Header,
    Key,
    Json,
    Filter,
    Cursor,
    Origin,
    Host,
    NoPerson,
    NoPage,
    Late,
    Conflict,
    Gone,
    Precondition,
    TooLarge,
    /// With the types that are taken.
    MediaType(&'static [&'static str]),
    Values,
    KeyReused,
    Version,
    Internal,
    Draining,
    Overloaded,
    Unavailable,
    Unknown,
    Full,
}

/// What every call on people may meet.
pub(super) const STORE: [Refusal; 3] = [Refusal::Internal, Refusal::Overloaded, Refusal::Unavailable];
/// What every call with a body may meet.
pub(super) const BODY: [Refusal; 3] = [Refusal::Json, Refusal::Late, Refusal::TooLarge];

/// The answers that refuse, by status.
pub(super) fn responses(refusals: &[Refusal]) -> BTreeMap<String, Response> {
    let mut by_status: BTreeMap<String, Vec<(&'static str, Problem)>> = BTreeMap::new();
    for refusal in refusals {
        let (name, problem) = (refusal.name(), refusal.problem());
        by_status.entry(problem.status().as_str().to_owned()).or_default().push((name, problem));
    }
    by_status.into_iter().map(|(status, problems)| (status, response(&problems))).collect()
}

fn response(problems: &[(&'static str, Problem)]) -> Response {
    let documents: Vec<Value> = problems.iter().map(|(_, problem)| problem.to_json(Some(INSTANCE))).collect();
    let mut titles: Vec<&str> = Vec::new();
    for title in documents.iter().filter_map(|document| document["title"].as_str()) {
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    // Titles and examples say which problems a status stands for. A schema that narrowed `type` would have to be an
    // `allOf`, which generators of clients drop together with the answer.
    let answer = ResponseBuilder::new().description(titles.join(", or: "));
    let examples = problems
        .iter()
        .zip(&documents)
        .map(|((name, _), document)| (*name, ExampleBuilder::new().value(Some(document.clone())).build()));
    let content: Content = ContentBuilder::new().schema(Some(shape("Problem"))).examples_from_iter(examples).build();
    let answer = answer.content("application/problem+json", content);
    let mut names: Vec<&str> =
        problems.iter().flat_map(|(_, problem)| problem.headers().keys()).map(canonical).collect();
    names.sort_unstable();
    names.dedup();
    let refer =
        |answer: ResponseBuilder, name: &str| answer.header_ref(name, Ref::new(format!("#/components/headers/{name}")));
    names.into_iter().filter(|name| !name.is_empty()).fold(answer, refer).build()
}

/// A problem's header as it is written in descriptions; empty for those of the connection, which are nobody's business.
fn canonical(name: &axum::http::HeaderName) -> &'static str {
    match name.as_str() {
        "retry-after" => "Retry-After",
        "accept-post" => "Accept-Post",
        "accept-patch" => "Accept-Patch",
        _ => "",
    }
}

impl Refusal {
    /// Its name among examples.
    fn name(self) -> &'static str {
        match self {
            Self::PathId => "path",
            Self::Query => "parameter",
            Self::Key => "key",
            Self::Json => "json",
            Self::Filter => "filter",
            Self::Origin => "origin",
            Self::Host => "host",
            Self::NoPerson => "nobody",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::Precondition => "precondition",
            Self::TooLarge => "long",
            Self::MediaType(_) => "type",
            Self::Values => "values",
            Self::Version => "version",
            Self::Draining => "draining",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Full => "full",
            Self::Header => "header",
            Self::Cursor => "cursor",
            Self::NoPage => "nothing",
            Self::Late => "late",
            Self::KeyReused => "reused",
            Self::Internal => "fault",
            Self::Unknown => "unknown",
        }
    }

    /// As a caller gets it.
    fn problem(self) -> Problem {
        use ProblemKind::{Conflict, Cursor, Idempotency, Internal, Malformed, Overloaded, Precondition, TooLarge};
        let new = |kind: ProblemKind, detail: &str| Problem::new(kind, detail);
        match self {
            Self::PathId => {
                new(Malformed, "The id in the path must be a UUID such as 0190f3e2-7c1b-7d9a-8f00-1234567890ab.")
            }
            Self::Query => refused(Parameters::parse(Some("wher=x"), &["where", "limit", "after"])),
            Self::Header => new(Malformed, "If-Match takes one entity tag in quotes, as ETag gave it, or *."),
            Self::Key => new(Idempotency, "Idempotency-Key is one value of 1 to 255 visible ASCII characters.")
                .with_status(StatusCode::BAD_REQUEST),
            Self::Json => refused(Draft::parse("{\"firstName\": Ada}", IdRule::Ignored)),
            Self::Filter => refused(Filter::parse("age >= \"old\"")),
            Self::Cursor => {
                new(Cursor, "from is now, snapshot or a cursor as you were given it: it lacks partition 1.")
            }
            Self::Origin => access::refused_page(),
            Self::Host => access::refused_host(),
            Self::NoPerson => Problem::no_person(examples::id()),
            Self::NoPage => new(ProblemKind::NotFound, "There is no /docs/x. People are at /people and /people/ID."),
            Self::Late => new(Malformed, "The body did not arrive in time.").with_status(StatusCode::REQUEST_TIMEOUT),
            Self::Conflict => {
                new(Conflict, "Others changed the person each of the 8 times that the patch was merged. Try again.")
            }
            Self::Gone => {
                new(Cursor, "What came after this cursor is no longer known (trimmed): start with from=snapshot.")
                    .with_status(StatusCode::GONE)
                    .with("reason", "trimmed")
            }
            Self::Precondition => new(
                Precondition,
                &format!("The person's revision is {}: read it again and decide anew.", examples::REVISION),
            ),
            Self::TooLarge => new(TooLarge, "The body must not be longer than 65536 bytes."),
            Self::MediaType(taken) => media_type(taken),
            Self::Values => {
                refused(Draft::parse(r#"{"firstName":"","lastName":"L","age":200,"job":""}"#, IdRule::Ignored))
            }
            Self::KeyReused => new(Idempotency, "This Idempotency-Key was used for another request: take a new one."),
            Self::Version => new(Malformed, "Only version 13 of WebSocket (RFC 6455) is spoken here.")
                .with_status(StatusCode::UPGRADE_REQUIRED),
            Self::Internal => {
                new(Internal, "The gateway failed at this request; its log says more under this instance.")
            }
            Self::Draining => new(Overloaded, "This gateway is going down: connect again, to another."),
            Self::Overloaded => StoreError::Overloaded.into(),
            Self::Unavailable => StoreError::Unavailable(String::new()).into(),
            Self::Unknown => Problem::from(StoreError::OutcomeUnknown(String::new())).with("id", examples::ID),
            Self::Full => StoreError::Full(String::new()).into(),
        }
    }
}

/// The 415 of a call that takes these types, with the header that lists them.
fn media_type(taken: &'static [&'static str]) -> Problem {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    let name = if taken.contains(&media::MERGE_PATCH) { "accept-patch" } else { "accept-post" };
    let (name, value) = media::accept_header(name, taken);
    refused(media::check_body(&headers, taken)).with_header(name, value)
}

/// The refusal of something that is refused.
fn refused<T, E: Into<Problem>>(result: Result<T, E>) -> Problem {
    result.err().expect("the examples are what is refused").into()
}

/// All kinds of problem, as `type` says them.
pub(super) fn types() -> Vec<Value> {
    ProblemKind::ALL.map(|kind| Problem::new(kind, "").to_json(None)["type"].clone()).to_vec()
}
