//! The description repeats constants of the code: the version, numbers in its prose, lists of
//! words. `shapes` tests the limits in its schemas.

use std::time::Duration;

use people_gateway::auth::TokenFaultReason;
use people_gateway::domain::{MAX_ATTRIBUTES_BYTES, MAX_ATTRIBUTES_DEPTH};
use people_gateway::filter::Kinds;
use people_gateway::http::{Options, openapi};
use people_gateway::limits::{Limit, LimitExceeded};
use people_gateway::protocol::problem::{Problem, ProblemKind};
use people_gateway::rights::Verb;
use people_gateway::session::ResetCause;
use people_gateway::store::{Discontinuity, redis};
use people_gateway::telemetry::Label as _;
use serde_json::{Value, json};

use crate::ADA;
use people_testing::http::Gateway;

/// The part of the description at this JSON pointer.
#[track_caller]
fn at(pointer: &str) -> Value {
    let document = openapi::document();
    let part = document.pointer(pointer);
    part.unwrap_or_else(|| panic!("nothing is at {pointer}"))
        .clone()
}

#[test]
fn the_version_is_that_of_the_program() {
    assert_eq!(at("/info/version"), env!("CARGO_PKG_VERSION"));
}

#[test]
fn numbers_in_the_prose_are_those_of_the_code() {
    let options = Options::default();
    let remembered = redis::Options::default().retention.idempotency_ttl;
    let line_bytes = options.body_bytes_max;
    let attributes = "/components/schemas/Attributes/description";
    let import = "/paths/~1people~1import/post/description";
    let key = "/components/parameters/IdempotencyKey/description";
    for (pointer, phrase) in [
        (attributes, format!("{} KiB", MAX_ATTRIBUTES_BYTES / 1024)),
        (attributes, format!("{MAX_ATTRIBUTES_DEPTH} levels")),
        (import, format!("{} KiB each", line_bytes / 1024)),
        (import, format!("{} refused", options.import_refused_max)),
        (import, format!("{:?} without", options.body_idle_limit)),
        (key, format!("{} hours", remembered.as_secs() / 3600)),
    ] {
        let text = at(pointer).as_str().expect("prose").replace(',', "");
        let text = text.replace(" seconds", "s");
        let found = text.contains(&format!(" {phrase}"));
        assert!(found, "{pointer} does not have {phrase}: {text}");
    }
    let levels = at("/components/schemas/Attributes/x-levels-max");
    assert_eq!(levels, MAX_ATTRIBUTES_DEPTH);
}

#[test]
fn lists_of_words_are_those_of_the_code() {
    let kinds = ProblemKind::ALL.map(|kind| Problem::new(kind, "").to_json(None)["type"].clone());
    let properties = "/components/schemas/Problem/properties";
    assert_eq!(at(&format!("{properties}/type/enum")), json!(kinds));
    let reasons = [
        Discontinuity::Trimmed.into(),
        Discontinuity::Forked.into(),
        Discontinuity::Epoch.into(),
        ResetCause::Rights,
    ]
    .map(ResetCause::name);
    let reasons = [
        &reasons[..],
        &TokenFaultReason::ALL.map(TokenFaultReason::name),
    ]
    .concat();
    assert_eq!(at(&format!("{properties}/reason/enum")), json!(reasons));
    let limits: Vec<_> = Limit::ALL.iter().map(|limit| limit.name()).collect();
    assert_eq!(at(&format!("{properties}/limit/enum")), json!(limits));
    let verbs = Verb::ALL.map(Verb::name);
    assert_eq!(at("/components/schemas/Verb/enum"), json!(verbs));
    let schema = at("/components/parameters/Kinds/schema");
    let parse = |word: &Value| word.as_str().expect("a word").parse::<Kinds>();
    let words = schema["enum"].as_array().expect("words").iter();
    assert_eq!(
        words.map(parse).collect::<Vec<_>>(),
        [Kinds::All, Kinds::Saves, Kinds::Deletes].map(Ok)
    );
    assert_eq!(parse(&schema["default"]), Ok(Kinds::default()));
}

#[test]
fn refusals_of_limits_are_the_examples_word_for_word() {
    for (limit, most, response) in [
        (Limit::BadTokens, 60, "Limited"),
        (Limit::Requests, 50, "Limited"),
        (Limit::Connections, 100, "Limited"),
        (Limit::Writes, 10, "WriteLimited"),
        (Limit::Sessions, 256, "LiveLimited"),
        (Limit::Handshakes, 5, "LiveLimited"),
    ] {
        let retry = Duration::from_secs(1);
        let exceeded = LimitExceeded { limit, most, retry };
        let examples = "content/application~1problem+json/examples";
        let name = limit.name();
        let mut example = at(&format!(
            "/components/responses/{response}/{examples}/{name}/value"
        ));
        let members = example.as_object_mut().expect("an object");
        members.shift_remove("instance").expect("an instance");
        assert_eq!(Problem::from(exceeded).to_json(None), example);
    }
}

#[tokio::test]
async fn the_longest_key_is_the_one_in_the_description() {
    let gateway = Gateway::start().await;
    let pattern = at("/components/parameters/IdempotencyKey/schema/pattern");
    let most = pattern.as_str().and_then(|pattern| {
        let (_, rest) = pattern.split_once("{1,")?;
        rest.split_once('}')?.0.parse::<usize>().ok()
    });
    let most = most.expect("a limit");
    for (length, status) in [(most, 201), (most + 1, 400)] {
        let key = "k".repeat(length);
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", &key),
        ];
        let answer = gateway.call("POST", "/people", &headers, ADA).await;
        assert_eq!(answer.status, status, "{length}");
    }
}
