//! The problems among the examples are the answers of the gateway, word for word.

use people_gateway::http::{Exposure, Options};
use people_gateway::protocol::problem::Problem;
use people_gateway::store::StoreError;

use super::description::Description;
use crate::{ADA, UNUSED_ID};
use people_testing::http::{Answer, Gateway, Setup, StoreAccess};

const JSON: (&str, &str) = ("content-type", "application/json");
const TEXT: (&str, &str) = ("content-type", "text/plain");
const KEYED: (&str, &str) = ("idempotency-key", "k");
const BAD_KEY: (&str, &str) = ("idempotency-key", "a b");
const BAD_TAG: (&str, &str) = ("if-match", "x");
const OTHER_HOST: (&str, &str) = ("host", "other.example");
const EVENTS: (&str, &str) = ("accept", "text/event-stream");
/// A handshake of another version than 13.
const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "12"),
];
const FILTERED: &str = "GET /people?where=age%20%3E%3D%20%22old%22";
const CREATE: &str = "POST /people";
const PATCH: &str = "PATCH /people/{id}";

/// The problem of an answer, without its instance.
fn problem(answer: &Answer) -> serde_json::Value {
    let mut problem = answer.json();
    let members = problem.as_object_mut().expect("an object");
    members.shift_remove("instance").expect("an instance");
    problem
}

#[tokio::test]
async fn examples_of_problems_are_answers_of_the_gateway() {
    let gateway = Gateway::start().await;
    let description = Description::of(&gateway).await;
    let keyed = gateway.call("POST", "/people", &[JSON, KEYED], ADA).await;
    assert_eq!(keyed.status, 201, "{keyed:?}");
    let unread = r#"{"firstName": Ada}"#;
    let wrong = r#"{"firstName":"","lastName":"L","age":200,"job":""}"#;
    let (long, other) = (" ".repeat(70_000), ADA.replace("36", "37"));
    for (name, status, call, part, headers, body) in [
        ("parameter", 400, "GET /people?wher=x", "", &[][..], ""),
        ("parameter", 400, "GET /rights?wher=x", "", &[], ""),
        ("filter", 400, FILTERED, "", &[], ""),
        ("path", 400, "GET /people/{id}", "x", &[], ""),
        ("header", 400, "GET /people/{id}", UNUSED_ID, &[BAD_TAG], ""),
        ("key", 400, CREATE, "", &[JSON, BAD_KEY], ADA),
        ("json", 400, CREATE, "", &[JSON], unread),
        ("no-person", 404, "GET /people/{id}", UNUSED_ID, &[], ""),
        ("no-page", 404, "GET /docs/{file}", "x", &[], ""),
        ("too-large", 413, CREATE, "", &[JSON], &long),
        ("media-type", 415, CREATE, "", &[TEXT], ADA),
        ("media-type", 415, PATCH, UNUSED_ID, &[TEXT], ADA),
        ("media-type", 415, "POST /people/import", "", &[TEXT], ADA),
        ("host", 421, "GET /people", "", &[OTHER_HOST], ""),
        ("values", 422, CREATE, "", &[JSON], wrong),
        ("key-reused", 422, CREATE, "", &[JSON, KEYED], &other),
        ("version", 426, "GET /updates", "", &HANDSHAKE, ""),
    ] {
        let (method, path) = call.split_once(' ').expect("a method and a path");
        let filled = path.replace("{id}", part).replace("{file}", part);
        let answer = gateway.call(method, &filled, headers, body).await;
        assert_eq!(answer.status, status, "{call}: {answer:?}");
        let template = path.split_once('?').map_or(path, |(path, _)| path);
        let described = description.problem(method, template, status, name);
        assert_eq!(problem(&answer), described, "{call}");
    }
}

#[tokio::test]
async fn examples_of_origin_and_outage_problems_are_answers_of_the_gateway() {
    let network = Gateway::start_with(Setup {
        options: Options {
            exposure: Exposure::Network,
            ..Options::default()
        },
        ..Setup::default()
    })
    .await;
    let description = Description::of(&network).await;
    let page = [
        ("host", "people.example"),
        ("origin", "https://other.example"),
        EVENTS,
    ];
    let answer = network.call("GET", "/updates", &page, "").await;
    assert_eq!(
        problem(&answer),
        description.problem("GET", "/updates", 403, "origin")
    );
    let outage = Gateway::start_with(Setup {
        store_access: StoreAccess::Unavailable,
        ..Setup::default()
    })
    .await;
    let answer = outage.get("/people").await;
    assert_eq!(
        problem(&answer),
        description.problem("GET", "/people", 503, "unavailable")
    );
}

#[tokio::test]
async fn examples_of_store_problems_are_answers_of_a_faulty_store() {
    let description = Description::of(&Gateway::start().await).await;
    for (name, status, error) in [
        ("overloaded", 503, StoreError::Overloaded),
        ("unknown", 503, StoreError::OutcomeUnknown("".into())),
        ("full", 507, StoreError::Full("".into())),
    ] {
        let mut problem = Problem::from(error);
        if name == "unknown" {
            problem = problem.with("id", UNUSED_ID);
        }
        assert_eq!(
            problem.to_json(None),
            description.problem("POST", "/people", status, name)
        );
    }
}
