//! A piece for the wire while it is written: JSON inside a WebSocket text frame, or inside a
//! server-sent event.

use bytes::Bytes;

use super::sse;
use crate::domain::CursorText;
use crate::protocol::frame::TextFrame;

/// JSON under construction, with what its transport puts around it.
pub(super) enum Piece {
    Frame(TextFrame),
    Event {
        out: String,
        /// Where the JSON begins.
        start: usize,
    },
}

impl Piece {
    /// For a WebSocket, with room for so many bytes of JSON.
    pub(super) fn frame(capacity: usize) -> Self {
        Self::Frame(TextFrame::with_capacity(capacity))
    }

    /// For a server-sent event of this name; `cursor` becomes its id.
    pub(super) fn event(name: &str, cursor: Option<CursorText<'_>>, capacity: usize) -> Self {
        let mut out = String::with_capacity(
            sse::AROUND_DATA + cursor.map_or(0, |cursor| cursor.longest()) + capacity,
        );
        sse::open(&mut out, name, cursor);
        let start = out.len();
        Self::Event { out, start }
    }

    /// For appending JSON.
    pub(super) fn buffer(&mut self) -> &mut String {
        match self {
            Self::Frame(frame) => frame.buffer(),
            Self::Event { out, .. } => out,
        }
    }

    /// Where the JSON begins in the buffer.
    pub(super) const fn start(&self) -> usize {
        match self {
            Self::Frame(_) => TextFrame::START,
            Self::Event { start, .. } => *start,
        }
    }

    /// The bytes for the wire.
    pub(super) fn finish(self) -> Bytes {
        match self {
            Self::Frame(frame) => frame.finish(),
            Self::Event { out, start } => sse::finish(out, start),
        }
    }
}
