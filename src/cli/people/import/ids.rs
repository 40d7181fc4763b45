//! Ids for people without one: the same for the same line of the same file, so that a second import
//! saves the same people again.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid, Variant, Version, uuid};

use crate::domain::PersonId;
use crate::telemetry::clock::fresh_uuid;

/// The namespace of our ids (docs/cli.md).
const NAMESPACE: Uuid = uuid!("3880a685-9e25-4454-b9f9-7f0473c0b595");

/// The source of ids for people without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IdSource {
    /// Derives ids from this name and the line's number.
    Derived(String),
    /// Makes random ids. A pipe has no name, and its people must not replace those of another pipe.
    Fresh,
}

impl IdSource {
    /// The id of the person on a line.
    pub(super) fn id(&self, line: u64) -> PersonId {
        match self {
            Self::Derived(name) => derived(name, line),
            Self::Fresh => PersonId::new(fresh_uuid()),
        }
    }

    /// The line of JSON with an id. Text that is not a JSON object stays unchanged: the gateway
    /// reports its fault.
    pub(super) fn with_id(&self, json: &str, line: u64) -> String {
        let id = || self.id(line);
        // serde would accept a list.
        if !json.trim_start().starts_with('{') {
            return json.to_owned();
        }
        match serde_json::from_str::<RawId<'_>>(json) {
            Ok(RawId { id: None }) => {
                let (blank, members) = json.split_once('{').unwrap_or(("", json));
                let comma = if members.trim_start().starts_with('}') {
                    ""
                } else {
                    ","
                };
                format!("{blank}{{\"id\":\"{}\"{comma}{members}", id())
            }
            Ok(RawId { id: Some(given) }) if given.get() == "null" => {
                // The value is a slice of the line; the text around it stays.
                let start = given.get().as_ptr().addr() - json.as_ptr().addr();
                format!(
                    "{}\"{}\"{}",
                    &json[..start],
                    id(),
                    &json[start + given.get().len()..]
                )
            }
            Ok(RawId { id: Some(_) }) | Err(_) => json.to_owned(),
        }
    }
}

#[derive(Deserialize)]
struct RawId<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
}

/// Distinguishes a null from a missing member.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// A version 8 UUID from SHA-256 over the namespace and `NAME:LINE` (RFC 9562, appendix B.2).
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
    fn an_id_depends_on_file_name_and_line_only() {
        let ids = |name: &str| IdSource::Derived(name.to_owned());
        // Computed with Python's hashlib. tests/console/files.test.mjs has the same ids.
        assert_eq!(
            ids("people.csv").id(2).to_string(),
            "3113c110-26ef-8987-b143-d431eb42ae97"
        );
        assert_eq!(
            ids("Müller & Söhne 東京.ndjson").id(123_456).to_string(),
            "330fad5f-6d6b-837d-bcc8-22fede1f020b"
        );
        assert_eq!(ids("people.csv").id(2).uuid().get_version_num(), 8);
        assert_ne!(ids("people.csv").id(2), ids("people.csv").id(3));
        assert_ne!(ids("people.csv").id(2), ids("people2.csv").id(2));
        assert_ne!(IdSource::Fresh.id(2), IdSource::Fresh.id(2));
    }

    #[test]
    fn only_a_line_without_an_id_gets_one() {
        let ids = IdSource::Derived("f".to_owned());
        let id = ids.id(7);
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
            assert_eq!(ids.with_id(line, 7), named);
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
            assert_eq!(ids.with_id(line, 7), line);
        }
    }
}
