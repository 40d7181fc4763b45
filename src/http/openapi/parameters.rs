//! The parameters of calls: in paths, queries and headers.

use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{RefOr, Required, Schema};

use super::call::shape;
use super::examples;
use super::schemas::{formatted, integer, string};

/// By their names among the components.
pub(super) fn all() -> Vec<(&'static str, Parameter)> {
    queries().into_iter().chain(of_headers()).chain(of_paths()).collect()
}

fn queries() -> [(&'static str, Parameter); 7] {
    let query = |name: &str, text: &str, schema: ObjectBuilder, example: Value| {
        one(ParameterIn::Query, name, text, schema.into(), example)
    };
    let word = |words: &[&str]| string("", None).enum_values(Some(words.iter().copied())).description(None::<String>);
    let filter = "A filter, in a subset of CEL: conditions on `id`, `firstName`, `lastName`, `age`, `job` and \
                  `attributes.NAME`, joined by `&&`, `||`, `!`. Empty: everyone.";
    let from = "`now`, `snapshot` (who matches, then what happens), or a cursor, to go on where you were.";
    [
        (
            "Where",
            query(
                "where",
                filter,
                formatted(plain(), "people-filter"),
                json!("age >= 18 && attributes.city == \"London\""),
            ),
        ),
        (
            "Limit",
            query(
                "limit",
                "At most so many; `Link` leads on.",
                integer("", 1, Some(1000)).description(None::<String>),
                json!(100),
            ),
        ),
        (
            "After",
            one(ParameterIn::Query, "after", "Only people after this id.", shape("Id").into(), json!(examples::ID)),
        ),
        (
            "Kinds",
            query(
                "kinds",
                "Which kinds of change are sent.",
                word(&["all", "saves", "deletes"]).default(Some(json!("all"))),
                json!("all"),
            ),
        ),
        ("From", query("from", from, formatted(plain(), "people-from").default(Some(json!("now"))), json!("snapshot"))),
        (
            "CloseOn",
            query(
                "close_on",
                "WebSocket only: sends the first such change that is shown, then closes.",
                word(&["save", "delete"]),
                json!("save"),
            ),
        ),
        (
            "LastEvent",
            query(
                "lastEventId",
                "Event sources only: the last `id` that one had, where a library cannot send `Last-Event-ID`. It wins over `from`.",
                plain(),
                json!(examples::AT),
            ),
        ),
    ]
}

fn of_headers() -> [(&'static str, Parameter); 7] {
    let header = |name: &str, text: &str, schema: ObjectBuilder, example: &str| {
        one(ParameterIn::Header, name, text, schema.into(), json!(example))
    };
    let tag = format!("\"{}\"", examples::REVISION);
    let tag_or_star = formatted(plain().pattern(Some("^((W/)?\"[^\"]*\"|\\*)$")), "entity-tag");
    let if_match = "One entity tag, or `*`: otherwise nothing is done (412). A weak one never matches.";
    let if_none_match = "Entity tags that you hold already, or `*`: then 304.";
    let absent = "`*`: there must be no such person, and it is created.";
    let key = "Your own name for this write, remembered for 24 hours: a repeat answers with the first success.";
    let last = "The last `id` that an event source had. It wins over `lastEventId` and `from`; what is no cursor begins the \
                stream with `reset`.";
    let subprotocol = "`people.v1.json` or `cloudevents.json`; without one, the stream is plain text.";
    let upgrade = "`websocket`, with the other headers of a handshake (RFC 6455).";
    [
        ("IfMatch", header("If-Match", if_match, tag_or_star, &tag)),
        ("IfNoneMatch", header("If-None-Match", if_none_match, plain(), &tag)),
        ("IfNone", header("If-None-Match", absent, plain().enum_values(Some(["*"])), "*")),
        ("IdempotencyKey", header("Idempotency-Key", key, plain().pattern(Some("^[!-~]{1,255}$")), "order-7")),
        ("LastEventId", header("Last-Event-ID", last, plain(), examples::AT)),
        ("Subprotocol", header("Sec-WebSocket-Protocol", subprotocol, plain(), "people.v1.json")),
        ("Upgrade", header("Upgrade", upgrade, plain(), "websocket")),
    ]
}

fn of_paths() -> [(&'static str, Parameter); 3] {
    let name =
        |name: &str, example: &str| one(ParameterIn::Path, name, "As pages name it.", plain().into(), json!(example));
    [
        ("Id", one(ParameterIn::Path, "id", "Whom it is about, in any case.", shape("Id").into(), json!(examples::ID))),
        ("File", name("file", "main.js")),
        ("Folder", name("folder", "vendor")),
    ]
}

fn plain() -> ObjectBuilder {
    string("", None).description(None::<String>)
}

fn one(place: ParameterIn, name: &str, text: &str, schema: RefOr<Schema>, example: Value) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(text))
        .schema(Some(schema))
        .example(Some(example))
        .build()
}
