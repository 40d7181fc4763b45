//! The nouns of the product: people, their changes, and the position of a change in its log.
//!
//! Pure values: no runtime, store, HTTP, clock or randomness. What is built here is valid; the
//! constructors are the only doors.

mod age;
mod change;
mod draft;
mod fields;
mod members;
mod person;
pub(crate) mod strict;
mod timestamp;
mod trace_context;

pub(crate) use age::age;
pub use change::{Change, Operation, Succession};
pub use draft::{Draft, Fault, IdRule, MAX_ATTRIBUTES_DEPTH, MergePatch, PersonMembers, Rejection};
pub use fields::{CorruptFields, Fields, FieldsJson, MAX_ATTRIBUTES_BYTES, Values};
pub use members::Members;
pub use people_core::{
    Comparison, Cursor, CursorText, Epoch, Fingerprint, InvalidCursor, InvalidId, InvalidPosition,
    Kinds, LogPosition, Partition, Partitions, PersonId, Position, Seq, Tag, UnknownKinds,
};
pub use person::Person;
pub use timestamp::Timestamp;
pub use trace_context::{InvalidTraceContext, TraceContext};
