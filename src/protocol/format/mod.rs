//! The forms in which the same stream is sent.
//!
//! [`WireFormat`] turns a change, a message or a page of people into bytes. `json` knows the
//! members of people.v1.json; `cloudevents` and `sse` put envelopes around them; `text` is
//! sentences.

mod cloudevents;
mod json;
mod page;
mod piece;
pub mod sse;
pub mod text;
mod wire_format;

pub use page::PAGE_BYTES;
pub use wire_format::{ClientInput, FrameKey, WireFormat};
