//! The people and the claims that filters, rules and masks are tried with.

use people_gateway::domain::{FieldsJson, Person, PersonId, Timestamp};
use serde_json::{Map, Value, json};

/// The fields of a person whose attributes have every type of value.
const FIELDS: &str = r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician",
"attributes":{"team":"red","level":2.5,"city":"Łódź","tags":["a","b",3,null],"salary":1,
"ok":true,"none":null,"nested":{"a":{"b":[1,{"c":"d"}]},"list":[]}}}"#;

pub(crate) fn id() -> PersonId {
    PersonId::new(uuid::Uuid::from_u128(
        0x0190_a1b2_c3d4_7e5f_8a9b_0c1d_2e3f_4a5b,
    ))
}

pub(crate) fn fields() -> FieldsJson {
    FieldsJson::from_stored(FIELDS).expect("fields")
}

pub(crate) fn person(fields: FieldsJson) -> Person {
    Person {
        id: id(),
        fields,
        revision: "1.2.3".parse().expect("a position"),
        created_at: Timestamp::from_millis(1_795_342_200_123),
        updated_at: Timestamp::from_millis(1_795_342_200_456),
    }
}

/// Claims of every type of value.
pub(crate) fn claims() -> Map<String, Value> {
    let claims = json!({
        "sub": "me", "team": "red", "teams": ["red", "blue"], "level": 2, "ok": true, "none": null,
        "nested": {"a": "b"}, "list": [1, 2.5], "mixed": [1, "a"], "empty": [],
    });
    match claims {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
