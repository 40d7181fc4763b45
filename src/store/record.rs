//! A person at rest: `REVISION CREATED UPDATED JSON`, the times in milliseconds, the JSON the user's fields only.

use crate::domain::{CorruptFields, FieldsJson, Person, PersonId, Position, Timestamp};

/// What a store keeps of a person under its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The position of the person's last change.
    pub revision: Position,
    /// When it was saved first.
    pub created_at: Timestamp,
    /// When it was saved last.
    pub updated_at: Timestamp,
    /// The user's fields.
    pub fields: FieldsJson,
}

/// A text that is not a record.
#[derive(Debug, thiserror::Error)]
pub enum CorruptRecord {
    /// One of the four parts is missing or malformed.
    #[error("expected REVISION CREATED UPDATED JSON")]
    Header,
    /// The JSON is not a person's.
    #[error(transparent)]
    Fields(#[from] CorruptFields),
}

impl Record {
    /// Reads a record.
    pub fn decode(text: &str) -> Result<Self, CorruptRecord> {
        let mut parts = text.splitn(4, ' ');
        let mut next = || parts.next().ok_or(CorruptRecord::Header);
        let revision = next()?.parse().map_err(|_| CorruptRecord::Header)?;
        let created_at = next()?.parse().map_err(|_| CorruptRecord::Header)?;
        let updated_at = next()?.parse().map_err(|_| CorruptRecord::Header)?;
        Ok(Self { revision, created_at, updated_at, fields: FieldsJson::from_stored(next()?)? })
    }

    /// Writes a record.
    pub fn encode(&self) -> String {
        let Self { revision, created_at, updated_at, fields } = self;
        format!("{revision} {} {} {}", created_at.as_millis(), updated_at.as_millis(), fields.as_str())
    }

    /// The record as the person with this id.
    pub fn into_person(self, id: PersonId) -> Person {
        let Self { revision, created_at, updated_at, fields } = self;
        Person { id, fields, revision, created_at, updated_at }
    }
}
