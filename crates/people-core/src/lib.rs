//! Types that the gateway and its clients share: log positions, cursors, ids, kinds of change, and
//! the backoff between attempts.
//!
//! Pure values, without a runtime and I/O. Every value is valid: the constructors check.

mod backoff;
mod cursor;
mod kinds;
mod person_id;
mod position;
pub mod sabotage;

pub use backoff::{Backoff, jitter};
pub use cursor::{Cursor, CursorText, Fingerprint, InvalidCursor};
pub use kinds::{Kinds, UnknownKinds};
pub use person_id::{InvalidId, PersonId};
pub use position::{
    Comparison, Epoch, InvalidPosition, LogPosition, Partition, Partitions, Position, Seq, Tag,
};
