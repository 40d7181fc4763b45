//! What goes over the wire, apart from the wire: formats of the stream, the messages in them,
//! WebSocket frames, close codes, cursors and problems. Pure values, no sockets and no store.
//!
//! `format` is the front door: it turns a change, a message or a page of people into bytes. `json`
//! knows the members of people.v1.json; `cloudevents` and `sse` put envelopes around them.

pub mod close;
mod cloudevents;
pub mod format;
pub mod frame;
mod json;
pub mod message;
mod page;
mod piece;
pub mod problem;
pub mod request;
pub mod sse;
pub mod text;
