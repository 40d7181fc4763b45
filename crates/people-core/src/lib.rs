//! The nouns that the gateway and its clients share: where a change stands in the log, cursors,
//! ids, kinds of change, and how to come back after a failure.
//!
//! Pure values: no runtime, no I/O. What is built here is valid; the constructors are the only
//! doors.

mod backoff;
mod cursor;
mod kinds;
mod person_id;
mod position;

pub use backoff::{Backoff, jitter};
pub use cursor::{Cursor, InvalidCursor};
pub use kinds::{Kinds, UnknownKinds};
pub use person_id::{InvalidId, PersonId};
pub use position::{
    Comparison, Epoch, InvalidPosition, LogPosition, Partition, Partitions, Position, Seq, Tag,
};
