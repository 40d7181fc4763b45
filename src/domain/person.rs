//! A person as the world sees it: one JSON object, the same in REST, lists, frames and events.

use std::fmt::Write as _;

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
