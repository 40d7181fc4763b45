//! Server-sent events (WHATWG HTML, section 9.2): the lines around people.v1.json's messages.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::domain::CursorText;

/// The first line of every stream: how many milliseconds a client waits before it connects again.
/// It opens the block of the first event: some clients take a block of its own for an event without
/// data.
pub const fn prelude() -> Bytes {
    Bytes::from_static(b"retry: 3000\n")
}

/// A line that clients skip: it keeps proxies from closing a quiet stream. It comes before
/// the next event, in its block, for the same reason.
pub(super) const COMMENT: Bytes = Bytes::from_static(b":\n");

/// How much an event adds to its data, at most, without a cursor.
pub(super) const AROUND_DATA: usize = 28;

/// Appends an event up to its data. With a cursor, a client that is cut off after it resumes there.
pub(super) fn open(out: &mut String, event: &str, cursor: Option<CursorText<'_>>) {
    out.push_str("event: ");
    out.push_str(event);
    if let Some(cursor) = cursor {
        write!(out, "\nid: {cursor}").expect("a String takes all that is written to it");
    }
    out.push_str("\ndata: ");
}

/// Ends an event whose data, JSON, begins at `start`. A line end in JSON is blank space between
/// tokens (inside strings it is escaped), so a space is as good; it would end the data's line here.
pub(super) fn finish(out: String, start: usize) -> Bytes {
    let mut event = out.into_bytes();
    for byte in &mut event[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    event.extend_from_slice(b"\n\n");
    event.into()
}
