//! What a server sends, counted by frame headers; payloads are thrown away, but for what little has
//! to be read of them.
//!
//! A client of the text format is sent changes and nothing else. One of people.v1.json is told apart
//! by the first bytes of each message: a change, a batch of them, or something that is neither.

use std::io;

use super::mark::Scanner;
use super::plan::ClientFormat;

/// Bytes of a message of people.v1.json that tell what it is: `{"type":"` and two letters.
const TELLING: usize = 11;

/// What arrived, as long as its owner wants to add up.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Changes that have begun to arrive, and bytes of all text messages.
    pub(crate) changes: u64,
    pub(crate) bytes: u64,
    /// Pings that want an answer.
    pub(crate) pings: u32,
    /// How often the server said `live`.
    pub(crate) live: u64,
    /// The numbers of changes, if this client looks for them.
    pub(crate) marks: Vec<u64>,
}

/// Whether a client looks for the numbers of changes; most don't, because that costs time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    Never,
    Always,
}

/// One connection's stream of frames, cut anywhere.
#[derive(Debug)]
pub(crate) struct Frames {
    format: ClientFormat,
    looks: Looks,
    /// The header so far, then the first bytes of a payload of which they are needed.
    head: [u8; TELLING],
    head_length: usize,
    payload: Payload,
    /// Bytes of the payload that are still to come.
    left: u64,
    scanner: Scanner,
}

/// What the current frame's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Payload {
    /// No frame has begun, or its header has not ended.
    Header,
    /// A message that begins with what it is.
    Telling,
    Change,
    Batch,
    Close,
    Ignored,
}

impl Frames {
    /// From the beginning of a connection.
    pub(crate) fn new(format: ClientFormat, looks: Looks) -> Self {
        let scanner = Scanner::default();
        Self {
            format,
            looks,
            head: [0; TELLING],
            head_length: 0,
            payload: Payload::Header,
            left: 0,
            scanner,
        }
    }

    /// Whether the last frame that began has arrived in full.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.payload == Payload::Header && self.head_length == 0
    }

    /// Takes the next bytes. Fails on what no server should send to these clients, a close frame
    /// among it.
    pub(crate) fn take(&mut self, mut bytes: &[u8], heard: &mut Heard) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.payload == Payload::Header {
                self.head[self.head_length] = bytes[0];
                self.head_length += 1;
                bytes = &bytes[1..];
                if let Some(length) = payload_length(&self.head[..self.head_length]) {
                    self.begun(length, heard)?;
                }
            } else {
                let (part, rest) = bytes.split_at(
                    usize::try_from(self.left)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len()),
                );
                bytes = rest;
                self.left -= part.len() as u64;
                self.payload(part, heard)?;
            }
            if self.payload != Payload::Header && self.left == 0 {
                self.payload = Payload::Header;
                self.head_length = 0;
            }
        }
        Ok(())
    }

    fn begun(&mut self, length: u64, heard: &mut Heard) -> io::Result<()> {
        let first = self.head[0];
        self.head_length = 0;
        self.left = length;
        self.payload = match first {
            0x81 => {
                heard.bytes += length;
                match self.format {
                    ClientFormat::Text => {
                        heard.changes += 1;
                        Payload::Change
                    }
                    ClientFormat::Json if length >= TELLING as u64 => Payload::Telling,
                    ClientFormat::Json => return Err(unexpected("a message that is too short")),
                }
            }
            0x89 => {
                heard.pings += 1;
                Payload::Ignored
            }
            0x88 if length < 2 => return Err(unexpected("a close frame without a code")),
            0x88 => Payload::Close,
            other => return Err(unexpected(&format!("a frame that begins with {other:#x}"))),
        };
        Ok(())
    }

    fn payload(&mut self, mut part: &[u8], heard: &mut Heard) -> io::Result<()> {
        if matches!(self.payload, Payload::Telling | Payload::Close) {
            let wanted = if self.payload == Payload::Close {
                2
            } else {
                TELLING
            };
            let (first, rest) = part.split_at((wanted - self.head_length).min(part.len()));
            self.head[self.head_length..][..first.len()].copy_from_slice(first);
            self.head_length += first.len();
            if self.head_length < wanted {
                return Ok(());
            }
            part = rest;
            self.told(heard)?;
        }
        match self.payload {
            Payload::Batch => {
                let before = heard.marks.len();
                self.scanner.scan(part, &mut heard.marks);
                heard.changes += (heard.marks.len() - before) as u64;
                if self.looks == Looks::Never {
                    heard.marks.truncate(before);
                }
            }
            Payload::Change if self.looks == Looks::Always => {
                self.scanner.scan(part, &mut heard.marks);
            }
            _ => {}
        }
        Ok(())
    }

    /// The first bytes of a payload are there.
    fn told(&mut self, heard: &mut Heard) -> io::Result<()> {
        if self.payload == Payload::Close {
            let code = u16::from_be_bytes([self.head[0], self.head[1]]);
            return Err(unexpected(&format!("a close frame with code {code}")));
        }
        self.payload = match &self.head {
            br#"{"type":"cr"# | br#"{"type":"en"# | br#"{"type":"up"# | br#"{"type":"le"#
            | br#"{"type":"de"# => {
                heard.changes += 1;
                Payload::Change
            }
            br#"{"type":"ba"# => Payload::Batch,
            br#"{"type":"li"# => {
                heard.live += 1;
                Payload::Ignored
            }
            // Position, stale, fresh.
            br#"{"type":"po"# | br#"{"type":"st"# | br#"{"type":"fr"# => Payload::Ignored,
            other => {
                return Err(unexpected(&format!(
                    "a message that begins {}",
                    String::from_utf8_lossy(other)
                )));
            }
        };
        Ok(())
    }
}

fn unexpected(what: &str) -> io::Error {
    io::Error::other(format!("the server sent {what}"))
}

/// The length that a server's header announces, once the header is whole (RFC 6455, section 5.2).
fn payload_length(header: &[u8]) -> Option<u64> {
    match header {
        [_, length @ 0..=125] => Some(u64::from(*length)),
        [_, 126, high, low] => Some(u64::from(u16::from_be_bytes([*high, *low]))),
        [_, 127, length @ ..] => Some(u64::from_be_bytes(length.try_into().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use people_gateway::protocol::frame;

    use super::*;

    /// What is heard when the stream comes in pieces of this size.
    fn heard(stream: &[u8], size: usize, format: ClientFormat, looks: Looks) -> io::Result<Heard> {
        let (mut frames, mut heard) = (Frames::new(format, looks), Heard::default());
        for piece in stream.chunks(size) {
            frames.take(piece, &mut heard)?;
        }
        assert!(frames.is_between_frames());
        Ok(heard)
    }

    #[test]
    fn sentences_are_counted_and_their_numbers_found_however_the_stream_is_cut() {
        let long = format!("Saved #0000000002{}", "x".repeat(70_000));
        let frames = [
            frame::text("Saved #0000000001 x"),
            frame::ping(),
            frame::text(&long),
            frame::text("Left"),
        ];
        let stream = frames.concat();
        for size in [1, 2, 3, 7, 100, stream.len()] {
            let all = heard(&stream, size, ClientFormat::Text, Looks::Always).unwrap();
            assert_eq!(
                (all.changes, all.pings, &all.marks[..]),
                (3, 1, &[1, 2][..]),
                "{size}"
            );
            assert_eq!(all.bytes, 19 + long.len() as u64 + 4);
            assert!(
                heard(&stream, size, ClientFormat::Text, Looks::Never)
                    .unwrap()
                    .marks
                    .is_empty()
            );
        }
    }

    #[test]
    fn json_messages_are_told_apart_and_a_batch_counts_its_changes() {
        let batch = concat!(
            r#"{"type":"batch","cursor":"c","#,
            r##""changes":[{"job":"#0000000007"},{"job":"#0000000008"}]}"##
        );
        let messages = [
            r#"{"type":"live","cursor":"c"}"#,
            r##"{"type":"create","job":"#0000000003"}"##,
            r#"{"type":"leave","at":"a"}"#,
            r#"{"type":"position","cursor":"c"}"#,
            batch,
        ];
        let stream = messages.map(frame::text).concat();
        for size in [1, 5, stream.len()] {
            let all = heard(&stream, size, ClientFormat::Json, Looks::Always).unwrap();
            assert_eq!(
                (all.changes, all.live, &all.marks[..]),
                (4, 1, &[3, 7, 8][..]),
                "{size}"
            );
            let all = heard(&stream, size, ClientFormat::Json, Looks::Never).unwrap();
            assert_eq!((all.changes, all.marks.len()), (4, 0), "{size}");
        }
    }

    #[test]
    fn a_close_frame_and_a_reset_end_the_run_with_their_reason() {
        let close = heard(b"\x88\x04\x0f\xaahm", 1, ClientFormat::Text, Looks::Never).unwrap_err();
        assert_eq!(
            close.to_string(),
            "the server sent a close frame with code 4010"
        );
        let reset = frame::text(r#"{"type":"reset","reason":"trimmed"}"#);
        let reset = heard(&reset, 64, ClientFormat::Json, Looks::Never).unwrap_err();
        assert!(reset.to_string().contains(r#"{"type":"re"#), "{reset}");
    }
}
