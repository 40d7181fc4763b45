//! What goes over the wire, apart from the wire: dresses of the stream, WebSocket frames, close codes, cursors and
//! problems. Pure values, no sockets and no store.

pub mod close;
pub mod cursor;
pub mod dress;
pub mod frame;
pub mod problem;
pub mod text;
