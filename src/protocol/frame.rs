//! WebSocket frames from the server (RFC 6455, section 5): never masked, never fragmented.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::close::{Close, CloseCode};

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
    encode(OpCode::Control(Control::Close), code.as_ref().map_or(&[], |bytes| &bytes[..]))
}

fn encode(opcode: OpCode, payload: &[u8]) -> Bytes {
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    let mut frame = Vec::with_capacity(header.len(payload.len() as u64) + payload.len());
    header.format(payload.len() as u64, &mut frame).expect("a Vec takes all that is written to it");
    frame.extend_from_slice(payload);
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_carry_the_header_that_their_length_needs() {
        assert_eq!(&text("hi")[..], b"\x81\x02hi");
        assert_eq!(&text(&"x".repeat(126))[..4], b"\x81\x7e\x00\x7e");
        assert_eq!(&text(&"x".repeat(65_536))[..10], b"\x81\x7f\0\0\0\0\0\x01\0\0");
        assert_eq!(&pong(b"p")[..], b"\x8a\x01p");
        assert_eq!(&ping()[..], b"\x89\x00");
    }
}
