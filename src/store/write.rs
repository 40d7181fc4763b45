//! One write: what it saves, what it expects, and its outcome.

use crate::domain::{FieldsJson, LogPosition, PersonId, Position, Timestamp, TraceContext};

/// One write of one person.
#[derive(Clone, Debug)]
pub struct Write {
    /// The person.
    pub id: PersonId,
    /// The fields to save; none deletes the person.
    pub save: Option<FieldsJson>,
    /// What must hold of the person before the write.
    pub expect: Expectation,
    /// How the store recognises a repeat. The record lies in the person's partition.
    pub idempotency: Option<RequestKey>,
    /// The time by the gateway's clock.
    pub time: Timestamp,
    /// The span of the write; the published frame carries it.
    pub trace: Option<TraceContext>,
}

/// What must hold of a person before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Nothing.
    Anything,
    /// The person does not exist.
    Absent,
    /// The person exists.
    Present,
    /// The person exists and has this revision.
    Revision(Position),
    /// The person exists and has a revision that no person ever has: the request names an entity
    /// tag that this gateway never issued.
    Impossible,
}

/// An idempotency key, and the request that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// SHA-256 over method, path and the client's key: the name of the record.
    pub name: [u8; 32],
    /// SHA-256 over method, path, preconditions and body. Two requests with one name and different
    /// fingerprints clash.
    pub fingerprint: [u8; 32],
}

/// The outcome of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The write happened.
    Done {
        /// The position of the change.
        at: LogPosition,
        /// The time of the person's first save.
        created_at: Timestamp,
    },
    /// The write had happened before, under the same idempotency key.
    Replayed(IdempotencyRecord),
    /// The idempotency key belongs to another request.
    KeyReused,
    /// The expectation did not hold.
    Conflict {
        /// The person's revision; none if the person does not exist.
        current: Option<Position>,
    },
    /// The person to delete does not exist.
    NotFound,
}

/// A success that is recorded under an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// The position of the change.
    pub at: LogPosition,
    /// The person.
    pub id: PersonId,
    /// The time of the person's first save.
    pub created_at: Timestamp,
    /// The time of the write.
    pub time: Timestamp,
    /// The fields that were saved; none for a delete.
    pub save: Option<FieldsJson>,
    /// Whether the request that asks has the recorded fingerprint.
    pub same_request: bool,
}

impl Write {
    /// Saves a person, new or not.
    pub const fn save(id: PersonId, fields: FieldsJson, time: Timestamp) -> Self {
        Self::new(id, Some(fields), time)
    }

    /// Deletes a person of any revision.
    pub const fn delete(id: PersonId, time: Timestamp) -> Self {
        Self::new(id, None, time)
    }

    /// Saves a person, or deletes it where there are no fields; expects nothing, and has neither an
    /// idempotency key nor a span.
    pub const fn new(id: PersonId, save: Option<FieldsJson>, time: Timestamp) -> Self {
        Self {
            id,
            save,
            expect: Expectation::Anything,
            idempotency: None,
            time,
            trace: None,
        }
    }

    /// The same write, if the expectation holds.
    #[must_use]
    pub fn expecting(self, expect: Expectation) -> Self {
        Self { expect, ..self }
    }

    /// The same write, once under this key.
    #[must_use]
    pub fn keyed(self, key: Option<RequestKey>) -> Self {
        Self {
            idempotency: key,
            ..self
        }
    }

    /// The same write, as a part of this span.
    #[must_use]
    pub fn traced(self, trace: Option<TraceContext>) -> Self {
        Self { trace, ..self }
    }
}
