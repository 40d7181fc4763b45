//! A person's record, `REVISION CREATED UPDATED JSON`: the times in milliseconds, the JSON with the
//! user's fields only.

use crate::domain::{CorruptFields, FieldsJson, Person, PersonId, Position, Timestamp};

/// The record that a store keeps under a person's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPerson {
    /// The position of the person's last change.
    pub revision: Position,
    /// The time of the first save.
    pub created_at: Timestamp,
    /// The time of the last save.
    pub updated_at: Timestamp,
    /// The user's fields.
    pub fields: FieldsJson,
}

/// Why a record cannot be read. The text contains nothing of the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorruptRecord {
    /// One of the four parts is missing or malformed.
    #[error("it does not read REVISION CREATED UPDATED JSON")]
    Header,
    /// The bytes are not UTF-8.
    #[error("it is not UTF-8")]
    NotText,
    /// The JSON is not that of a person.
    #[error(transparent)]
    Fields(#[from] CorruptFields),
    /// The id is listed, but has no record.
    #[error("its id is listed, and there is no record")]
    Missing,
}

impl StoredPerson {
    /// Reads the bytes of a record.
    pub fn read(bytes: &[u8]) -> Result<Self, CorruptRecord> {
        Self::decode(std::str::from_utf8(bytes).map_err(|_| CorruptRecord::NotText)?)
    }

    /// The revision of a record whose rest may be damaged.
    pub fn revision_of(text: &str) -> Option<Position> {
        text.split_once(' ')?.0.parse().ok()
    }

    /// Reads the text of a record.
    pub fn decode(text: &str) -> Result<Self, CorruptRecord> {
        let mut parts = text.splitn(4, ' ');
        let mut next = || parts.next().ok_or(CorruptRecord::Header);
        let revision = next()?.parse().map_err(|_| CorruptRecord::Header)?;
        let created_at = next()?.parse().map_err(|_| CorruptRecord::Header)?;
        let updated_at = next()?.parse().map_err(|_| CorruptRecord::Header)?;
        Ok(Self {
            revision,
            created_at,
            updated_at,
            fields: FieldsJson::from_stored(next()?)?,
        })
    }

    /// Writes a record.
    pub fn encode(&self) -> String {
        let Self {
            revision,
            created_at,
            updated_at,
            fields,
        } = self;
        format!(
            "{revision} {} {} {}",
            created_at.as_millis(),
            updated_at.as_millis(),
            fields.as_str()
        )
    }

    /// The record as the person with this id.
    pub fn into_person(self, id: PersonId) -> Person {
        let Self {
            revision,
            created_at,
            updated_at,
            fields,
        } = self;
        Person {
            id,
            fields,
            revision,
            created_at,
            updated_at,
        }
    }
}
