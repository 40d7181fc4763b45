//! What goes over the wire: the dresses of the stream, WebSocket frames, close codes, cursors and problems.

pub mod close;
pub mod cursor;
pub mod dress;
pub mod frame;
pub mod text;
