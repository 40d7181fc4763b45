//! Ids for people whose file gives them none: always the same for the same line of the same file,
//! so that a second import saves the same people again.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid, Variant, Version, uuid};

use crate::domain::PersonId;
use crate::telemetry::clock::fresh_uuid;

/// Our own; docs/cli.md names it.
const NAMESPACE: Uuid = uuid!("3880a685-9e25-4454-b9f9-7f0473c0b595");

/// How people without an id get one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    /// From this name and the number of the line.
    Derived(String),
    /// At random: what comes through a pipe has no name, and would replace what came through the
    /// last one.
    Fresh,
}

impl Ids {
    /// The id of a line's person.
    pub(super) fn of(&self, line: u64) -> PersonId {
        match self {
            Self::Derived(name) => derived(name, line),
            Self::Fresh => PersonId::new(fresh_uuid()),
        }
    }

    /// The line of JSON with an id in it. What is no JSON object stays as it is: the gateway says
    /// what is wrong with it.
    pub(super) fn name(&self, json: &str, line: u64) -> String {
        let id = || self.of(line);
        // To serde a list would be as good as an object.
        if !json.trim_start().starts_with('{') {
            return json.to_owned();
        }
        match serde_json::from_str::<Named<'_>>(json) {
            Ok(Named { id: None }) => {
                let (blank, members) = json.split_once('{').unwrap_or(("", json));
                let comma = if members.trim_start().starts_with('}') {
                    ""
                } else {
                    ","
                };
                format!("{blank}{{\"id\":\"{}\"{comma}{members}", id())
            }
            Ok(Named { id: Some(given) }) if given.get() == "null" => {
                // The value is a part of the line; what stands around it stays.
                let start = given.get().as_ptr().addr() - json.as_ptr().addr();
                format!(
                    "{}\"{}\"{}",
                    &json[..start],
                    id(),
                    &json[start + given.get().len()..]
                )
            }
            Ok(Named { id: Some(_) }) | Err(_) => json.to_owned(),
        }
    }
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
}

/// Also a null is there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// A version 8 UUID from a name, as RFC 9562 shows in its appendix B.2: SHA-256 over the namespace
/// and `NAME:LINE`.
fn derived(name: &str, line: u64) -> PersonId {
    let digest = Sha256::new()
        .chain_update(NAMESPACE)
        .chain_update(format!("{name}:{line}"))
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    let builder = Builder::from_bytes(bytes)
        .with_variant(Variant::RFC4122)
        .with_version(Version::Custom);
    PersonId::new(builder.into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_depends_on_the_file_and_the_line_and_on_nothing_else() {
        let ids = |name: &str| Ids::Derived(name.to_owned());
        // Computed with Python's hashlib; the console's tests (tests/console/files.test.mjs) have
        // the same.
        assert_eq!(
            ids("people.csv").of(2).to_string(),
            "3113c110-26ef-8987-b143-d431eb42ae97"
        );
        assert_eq!(
            ids("Müller & Söhne 東京.ndjson").of(123_456).to_string(),
            "330fad5f-6d6b-837d-bcc8-22fede1f020b"
        );
        assert_eq!(ids("people.csv").of(2).uuid().get_version_num(), 8);
        assert_ne!(ids("people.csv").of(2), ids("people.csv").of(3));
        assert_ne!(ids("people.csv").of(2), ids("people2.csv").of(2));
        assert_ne!(Ids::Fresh.of(2), Ids::Fresh.of(2));
    }

    #[test]
    fn a_line_gets_an_id_where_it_has_none_and_is_otherwise_left_alone() {
        let ids = Ids::Derived("f".to_owned());
        let id = ids.of(7);
        for (line, named) in [
            ("{}", format!("{{\"id\":\"{id}\"}}")),
            (
                " { \"age\" : 99999999999999999999 }",
                format!(" {{\"id\":\"{id}\", \"age\" : 99999999999999999999 }}"),
            ),
            (
                "{\"a\":{\"id\":1}}",
                format!("{{\"id\":\"{id}\",\"a\":{{\"id\":1}}}}"),
            ),
            (
                "{\"id\": null ,\"age\":1}",
                format!("{{\"id\": \"{id}\" ,\"age\":1}}"),
            ),
        ] {
            assert_eq!(ids.name(line, 7), named);
        }
        for line in [
            "{\"id\":\"x\"}",
            "{\"id\":7}",
            "{\"\\u0069d\":7}",
            "[1]",
            "[]",
            "{",
            "",
            "nonsense",
            "{\"id\":1,\"id\":2}",
        ] {
            assert_eq!(ids.name(line, 7), line);
        }
    }
}
