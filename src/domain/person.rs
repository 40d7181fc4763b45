//! A person with what the store knows of it. What a caller is shown of it, `rights` decides.

use super::{FieldsJson, PersonId, Position, Timestamp};

/// A person with what the store knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The id.
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
