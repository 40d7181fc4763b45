//! What goes over the wire, apart from the wire: formats of the stream, the messages in them,
//! WebSocket frames, close codes and problems. Pure values, no sockets and no store.

pub mod close;
pub mod format;
pub mod frame;
pub mod message;
pub mod problem;
pub mod request;

pub use format::{sse, text};
