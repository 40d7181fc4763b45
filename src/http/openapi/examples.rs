//! The people, positions and ids that examples are about. They are written by the types that write real answers.

use serde_json::{Value, json};

use crate::domain::{Draft, IdRule, Person, PersonId, Timestamp};

/// The whole path's last part in examples.
pub(super) const ID: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
/// The position of her last change.
pub(super) const REVISION: &str = "5f3a9c01b2d4e6f8.42.d1e5c0de9b1c3d5e";
/// The same with its partition.
pub(super) const AT: &str = "0:5f3a9c01b2d4e6f8.42.d1e5c0de9b1c3d5e";
/// What a caller says of her.
pub(super) const DRAFT: &str = r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician","attributes":{"city":"London","tags":["vip"]}}"#;
/// When she was saved, in milliseconds.
const SAVED: i64 = 1_795_342_200_123;

/// Her id.
pub(super) fn id() -> PersonId {
    ID.parse().expect("the example is an id")
}

/// What a caller says of her, as JSON.
pub(super) fn draft() -> Value {
    parse(DRAFT)
}

/// Her as she is answered.
pub(super) fn person() -> Value {
    parse(&line())
}

/// The same as the line of a list.
pub(super) fn line() -> String {
    let draft = Draft::parse(DRAFT, IdRule::Ignored).expect("the example is a person");
    let saved = Timestamp::from_millis(SAVED);
    let revision = REVISION.parse().expect("the example is a position");
    Person { id: id(), fields: draft.fields.to_json(), revision, created_at: saved, updated_at: saved }.to_json()
}

/// A message of live updates about her.
pub(super) fn event() -> String {
    let message = json!({"type": "enter", "at": AT, "person": person()});
    format!("event: enter\nid: {AT}\ndata: {message}\n\n")
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("examples are JSON")
}
