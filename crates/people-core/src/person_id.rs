//! A person's id and its text.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A person's id: a UUID, written in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(Uuid);

/// The text is not a UUID in hyphenated form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a UUID such as 0190f3e2-7c1b-7d9a-8f00-1234567890ab")]
pub struct InvalidId;

impl PersonId {
    /// The id with this UUID.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The id before this one in id order; `None` before the first.
    pub fn previous(self) -> Option<Self> {
        self.0
            .as_u128()
            .checked_sub(1)
            .map(|number| Self(Uuid::from_u128(number)))
    }

    /// A buffer that holds any id's text.
    pub const fn buffer() -> [u8; 36] {
        [0; 36]
    }

    /// Writes the id's text into `buffer`.
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

    /// Reads the hyphenated form in any case. `uuid` would also take braces, URNs and bare digits.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() != 36 {
            return Err(InvalidId);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_any_case_and_written_in_lower_case() {
        let id: PersonId = "0190F3E2-7c1b-7D9A-8f00-1234567890AB"
            .parse()
            .expect("an id");
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
