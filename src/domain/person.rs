//! A person as the world sees it: one JSON object, the same in REST, lists, frames and events.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use uuid::Uuid;

use super::{FieldsJson, Position, Timestamp};

/// A person's id: a UUID, written in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(Uuid);

/// A text that is not a UUID in its hyphenated form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a UUID such as 0190f3e2-7c1b-7d9a-8f00-1234567890ab")]
pub struct InvalidId;

/// A person with what the store knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who it is.
    pub id: PersonId,
    /// The user's own fields.
    pub fields: FieldsJson,
    /// The position of its last change.
    pub revision: Position,
    /// When it was saved first (after its last deletion).
    pub created_at: Timestamp,
    /// When it was saved last.
    pub updated_at: Timestamp,
}

impl PersonId {
    /// The id with this UUID.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The id before this one in the order of ids.
    pub fn previous(self) -> Option<Self> {
        self.0.as_u128().checked_sub(1).map(|number| Self(Uuid::from_u128(number)))
    }

    /// A buffer that holds any id's text.
    pub const fn buffer() -> [u8; 36] {
        [0; 36]
    }

    /// The id's text, written into `buffer`.
    pub fn encode(self, buffer: &mut [u8; 36]) -> &str {
        self.0.hyphenated().encode_lower(buffer)
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut Self::buffer()))
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PersonId {
    type Err = InvalidId;

    /// Reads the hyphenated form in any case, and no other form that `uuid` would take (braces, URN, bare digits).
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() != 36 {
            return Err(InvalidId);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
    }
}

impl Person {
    /// Appends the person's JSON object: the id, the user's fields, then what the store knows.
    pub fn write_json(&self, out: &mut String) {
        out.push_str("{\"id\":\"");
        out.push_str(self.id.encode(&mut PersonId::buffer()));
        out.push_str("\",");
        out.push_str(self.fields.members());
        write!(
            out,
            ",\"revision\":\"{}\",\"createdAt\":\"{}\",\"updatedAt\":\"{}\"}}",
            self.revision, self.created_at, self.updated_at
        )
        .expect("a String takes all that is written to it");
    }

    /// The person's JSON object.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.fields.as_str().len() + 200);
        self.write_json(&mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_any_case_and_written_in_lower_case() {
        let id: PersonId = "0190F3E2-7c1b-7D9A-8f00-1234567890AB".parse().expect("an id");
        assert_eq!(id.to_string(), "0190f3e2-7c1b-7d9a-8f00-1234567890ab");
    }

    #[test]
    fn other_forms_of_a_uuid_are_refused() {
        for text in [
            "",
            "1",
            "0190f3e27c1b7d9a8f001234567890ab",
            "{0190f3e2-7c1b-7d9a-8f00-1234567890ab}",
            "urn:uuid:0190f3e2-7c1b-7d9a-8f00-1234567890ab",
        ] {
            assert_eq!(text.parse::<PersonId>(), Err(InvalidId), "{text}");
        }
    }
}
