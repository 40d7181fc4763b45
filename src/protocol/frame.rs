//! WebSocket frames from the server (RFC 6455, section 5): never masked, never fragmented.

use bytes::{Buf as _, Bytes};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::close::{Close, CloseCode};

/// The longest header of a frame from the server: two bytes and a length of eight.
const HEADER_ROOM: &str = "\0\0\0\0\0\0\0\0\0\0";

/// A text message that is written in place. The length of its header is known only at the end, so
/// room for the longest one comes before the text.
#[derive(Debug)]
pub(super) struct TextFrame(String);

impl TextFrame {
    /// Where the text begins.
    pub(super) const START: usize = HEADER_ROOM.len();

    /// An empty message with room for so many bytes of text.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut room = String::with_capacity(Self::START + bytes);
        room.push_str(HEADER_ROOM);
        Self(room)
    }

    /// For appending text; from [`TextFrame::START`] on it holds the text so far.
    pub(super) fn buffer(&mut self) -> &mut String {
        &mut self.0
    }

    /// The whole frame.
    pub(super) fn finish(self) -> Bytes {
        let mut frame = self.0.into_bytes();
        let length = (frame.len() - Self::START) as u64;
        let header = FrameHeader {
            opcode: OpCode::Data(Data::Text),
            ..FrameHeader::default()
        };
        let unused = Self::START - header.len(length);
        header
            .format(length, &mut &mut frame[unused..Self::START])
            .expect("the room holds the longest header");
        let mut frame = Bytes::from(frame);
        frame.advance(unused);
        frame
    }
}

/// A text message.
pub fn text(message: &str) -> Bytes {
    encode(OpCode::Data(Data::Text), message.as_bytes())
}

/// A ping without payload.
pub fn ping() -> Bytes {
    encode(OpCode::Control(Control::Ping), b"")
}

/// The answer to a ping with this payload, at most 125 bytes.
pub fn pong(payload: &[u8]) -> Bytes {
    encode(OpCode::Control(Control::Pong), payload)
}

/// A close frame with its code and reason.
pub fn close(close: &Close) -> Bytes {
    let mut payload = close.code.get().to_be_bytes().to_vec();
    payload.extend_from_slice(close.reason.as_bytes());
    encode(OpCode::Control(Control::Close), &payload)
}

/// The answer to a peer's close frame: its code, if it had one.
pub fn echo(code: Option<CloseCode>) -> Bytes {
    let code = code.map(|code| code.get().to_be_bytes());
    encode(
        OpCode::Control(Control::Close),
        code.as_ref().map_or(&[], |bytes| &bytes[..]),
    )
}

fn encode(opcode: OpCode, payload: &[u8]) -> Bytes {
    let header = FrameHeader {
        opcode,
        ..FrameHeader::default()
    };
    let mut frame = Vec::with_capacity(header.len(payload.len() as u64) + payload.len());
    header
        .format(payload.len() as u64, &mut frame)
        .expect("a Vec takes all that is written to it");
    frame.extend_from_slice(payload);
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_written_in_place_equals_one_written_at_once() {
        for length in [0, 1, 125, 126, 65_535, 65_536, 200_000] {
            let mut frame = TextFrame::with_capacity(8);
            frame.buffer().push_str(&"é".repeat(length / 2));
            frame.buffer().push_str(&"x".repeat(length % 2));
            let written = frame.finish();
            assert_eq!(
                written,
                text(&format!(
                    "{}{}",
                    "é".repeat(length / 2),
                    "x".repeat(length % 2)
                )),
                "{length}"
            );
        }
    }

    #[test]
    fn a_frame_has_the_header_for_its_length() {
        assert_eq!(&text("hi")[..], b"\x81\x02hi");
        assert_eq!(&text(&"x".repeat(126))[..4], b"\x81\x7e\x00\x7e");
        assert_eq!(
            &text(&"x".repeat(65_536))[..10],
            b"\x81\x7f\0\0\0\0\0\x01\0\0"
        );
        assert_eq!(&pong(b"p")[..], b"\x8a\x01p");
        assert_eq!(&ping()[..], b"\x89\x00");
    }
}
