//! The receiving half of a session: a small task that sleeps until the peer sends something.

mod allowance;
mod frames;
mod reader;

pub use frames::{FrameReader, Incoming};
pub(super) use reader::Reader;
