//! Counts a server's frames by their headers, and skips most of their payloads.
//!
//! A client of the text format receives changes only. For people.v1.json the first bytes of a
//! message show its type: a change, a batch of changes, or another message.

use std::io;

use super::sequence::SequenceScanner;
use crate::load::plan::ClientFormat;

/// The bytes of a message that show its type: `{"type":"` and two letters.
const TYPE_BYTES: usize = 11;

/// The counts of received frames.
#[derive(Debug, Default)]
pub(crate) struct FrameCounts {
    /// Changes whose frame has begun to arrive.
    pub(crate) changes: u64,
    /// The bytes of all text messages.
    pub(crate) bytes: u64,
    /// Pings to answer.
    pub(crate) pings: u32,
    /// Messages of the type `live`.
    pub(crate) live: u64,
    /// The sequence numbers of changes, if this client scans for them.
    pub(crate) sequences: Vec<u64>,
}

/// Whether a client scans for sequence numbers. Most don't, because the scan costs time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SequenceScan {
    Off,
    On,
}

/// One connection's stream of frames, in any pieces.
#[derive(Debug)]
pub(super) struct FrameStream {
    format: ClientFormat,
    scan: SequenceScan,
    /// The header so far, then the first bytes of the payload.
    head: [u8; TYPE_BYTES],
    head_length: usize,
    payload: PayloadKind,
    /// The missing bytes of the payload.
    left: u64,
    scanner: SequenceScanner,
}

/// The kind of the current frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PayloadKind {
    /// No frame has begun, or its header is incomplete.
    Header,
    /// A message whose type is still unknown.
    Untyped,
    Change,
    Batch,
    Close,
    Ignored,
}

impl FrameStream {
    /// The stream of a new connection.
    pub(super) fn new(format: ClientFormat, scan: SequenceScan) -> Self {
        let scanner = SequenceScanner::default();
        Self {
            format,
            scan,
            head: [0; TYPE_BYTES],
            head_length: 0,
            payload: PayloadKind::Header,
            left: 0,
            scanner,
        }
    }

    /// Whether the last frame is complete.
    pub(super) fn is_between_frames(&self) -> bool {
        self.payload == PayloadKind::Header && self.head_length == 0
    }

    /// Takes the next bytes. Fails on frames that these clients must not get, such as a close
    /// frame.
    pub(super) fn take(&mut self, mut bytes: &[u8], counts: &mut FrameCounts) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.payload == PayloadKind::Header {
                self.head[self.head_length] = bytes[0];
                self.head_length += 1;
                bytes = &bytes[1..];
                if let Some(length) = payload_length(&self.head[..self.head_length]) {
                    self.begin_payload(length, counts)?;
                }
            } else {
                let (part, rest) = bytes.split_at(
                    usize::try_from(self.left)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len()),
                );
                bytes = rest;
                self.left -= part.len() as u64;
                self.take_payload(part, counts)?;
            }
            if self.payload != PayloadKind::Header && self.left == 0 {
                self.payload = PayloadKind::Header;
                self.head_length = 0;
            }
        }
        Ok(())
    }

    fn begin_payload(&mut self, length: u64, counts: &mut FrameCounts) -> io::Result<()> {
        let first = self.head[0];
        self.head_length = 0;
        self.left = length;
        self.payload = match first {
            0x81 => {
                counts.bytes += length;
                match self.format {
                    ClientFormat::Text => {
                        counts.changes += 1;
                        PayloadKind::Change
                    }
                    ClientFormat::Json if length >= TYPE_BYTES as u64 => PayloadKind::Untyped,
                    ClientFormat::Json => return Err(unexpected("a message that is too short")),
                }
            }
            0x89 => {
                counts.pings += 1;
                PayloadKind::Ignored
            }
            0x88 if length < 2 => return Err(unexpected("a close frame without a code")),
            0x88 => PayloadKind::Close,
            other => return Err(unexpected(&format!("a frame that begins with {other:#x}"))),
        };
        Ok(())
    }

    fn take_payload(&mut self, mut part: &[u8], counts: &mut FrameCounts) -> io::Result<()> {
        if matches!(self.payload, PayloadKind::Untyped | PayloadKind::Close) {
            let wanted = if self.payload == PayloadKind::Close {
                2
            } else {
                TYPE_BYTES
            };
            let (first, rest) = part.split_at((wanted - self.head_length).min(part.len()));
            self.head[self.head_length..][..first.len()].copy_from_slice(first);
            self.head_length += first.len();
            if self.head_length < wanted {
                return Ok(());
            }
            part = rest;
            self.classify(counts)?;
        }
        match self.payload {
            PayloadKind::Batch => {
                let before = counts.sequences.len();
                self.scanner.scan(part, &mut counts.sequences);
                counts.changes += (counts.sequences.len() - before) as u64;
                if self.scan == SequenceScan::Off {
                    counts.sequences.truncate(before);
                }
            }
            PayloadKind::Change if self.scan == SequenceScan::On => {
                self.scanner.scan(part, &mut counts.sequences);
            }
            _ => {}
        }
        Ok(())
    }

    /// Sets the kind of a payload by its first bytes.
    fn classify(&mut self, counts: &mut FrameCounts) -> io::Result<()> {
        if self.payload == PayloadKind::Close {
            let code = u16::from_be_bytes([self.head[0], self.head[1]]);
            return Err(unexpected(&format!("a close frame with code {code}")));
        }
        self.payload = match &self.head {
            br#"{"type":"cr"# | br#"{"type":"en"# | br#"{"type":"up"# | br#"{"type":"le"#
            | br#"{"type":"de"# => {
                counts.changes += 1;
                PayloadKind::Change
            }
            br#"{"type":"ba"# => PayloadKind::Batch,
            br#"{"type":"li"# => {
                counts.live += 1;
                PayloadKind::Ignored
            }
            // Position, stale, fresh.
            br#"{"type":"po"# | br#"{"type":"st"# | br#"{"type":"fr"# => PayloadKind::Ignored,
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

/// The payload length in a server's header, once the header is complete (RFC 6455, section 5.2).
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

    /// The counts of a stream in pieces of this size.
    fn counts(
        stream: &[u8],
        size: usize,
        format: ClientFormat,
        scan: SequenceScan,
    ) -> io::Result<FrameCounts> {
        let (mut frames, mut counts) = (FrameStream::new(format, scan), FrameCounts::default());
        for piece in stream.chunks(size) {
            frames.take(piece, &mut counts)?;
        }
        assert!(frames.is_between_frames());
        Ok(counts)
    }

    #[test]
    fn sentences_and_their_numbers_are_counted_across_any_pieces() {
        let long = format!("Saved #0000000002{}", "x".repeat(70_000));
        let frames = [
            frame::text("Saved #0000000001 x"),
            frame::ping(),
            frame::text(&long),
            frame::text("Left"),
        ];
        let stream = frames.concat();
        for size in [1, 2, 3, 7, 100, stream.len()] {
            let all = counts(&stream, size, ClientFormat::Text, SequenceScan::On).unwrap();
            assert_eq!(
                (all.changes, all.pings, &all.sequences[..]),
                (3, 1, &[1, 2][..]),
                "{size}"
            );
            assert_eq!(all.bytes, 19 + long.len() as u64 + 4);
            assert!(
                counts(&stream, size, ClientFormat::Text, SequenceScan::Off)
                    .unwrap()
                    .sequences
                    .is_empty()
            );
        }
    }

    #[test]
    fn json_messages_are_classified_and_a_batch_counts_its_changes() {
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
            let all = counts(&stream, size, ClientFormat::Json, SequenceScan::On).unwrap();
            assert_eq!(
                (all.changes, all.live, &all.sequences[..]),
                (4, 1, &[3, 7, 8][..]),
                "{size}"
            );
            let all = counts(&stream, size, ClientFormat::Json, SequenceScan::Off).unwrap();
            assert_eq!((all.changes, all.sequences.len()), (4, 0), "{size}");
        }
    }

    #[test]
    fn a_close_frame_and_a_reset_are_errors_with_their_reason() {
        let close = counts(
            b"\x88\x04\x0f\xaahm",
            1,
            ClientFormat::Text,
            SequenceScan::Off,
        )
        .unwrap_err();
        assert_eq!(
            close.to_string(),
            "the server sent a close frame with code 4010"
        );
        let reset = frame::text(r#"{"type":"reset","reason":"trimmed"}"#);
        let reset = counts(&reset, 64, ClientFormat::Json, SequenceScan::Off).unwrap_err();
        assert!(reset.to_string().contains(r#"{"type":"re"#), "{reset}");
    }
}
