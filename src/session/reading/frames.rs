//! Frames from the peer (RFC 6455, section 5), checked and put together to messages.
//!
//! What arrived whole is read where it lies; only an incomplete frame or message is kept, so that
//! an idle session holds no buffer.

use std::io::Cursor;
use std::ops::ControlFlow;

use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::protocol::close::{Close, CloseCode};

/// The longest payload of a control frame.
const MAX_CONTROL: usize = 125;

/// Something that the peer sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A message of text.
    Text(&'a str),
    /// A message of bytes; no format reads them.
    Binary,
    /// A ping, with what its pong repeats.
    Ping(&'a [u8]),
    /// A pong.
    Pong,
    /// A piece of a message, but for its last: the message is handed over with that.
    Fragment,
    /// The close frame, with its code where it has one.
    Close(Option<CloseCode>),
}

/// Reads frames out of a stream of bytes.
#[derive(Debug, Default)]
pub struct FrameReader {
    partial: Option<Box<Partial>>,
}

#[derive(Debug, Default)]
struct Partial {
    /// The beginning of a frame.
    frame: Vec<u8>,
    /// The fragments of a message so far.
    message: Option<(Kind, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

impl FrameReader {
    /// Reads what arrived and hands over each message, fragment and control frame, up to the peer's
    /// close frame: then it breaks. A message may have `max` bytes. An error, also one of `handle`,
    /// is how the session must be closed; nothing can be read after it.
    pub fn read(
        &mut self,
        input: &mut [u8],
        max: usize,
        mut handle: impl FnMut(Incoming<'_>) -> Result<(), Close>,
    ) -> Result<ControlFlow<()>, Close> {
        let mut partial = self.partial.take().unwrap_or_default();
        let Partial { frame, message } = &mut *partial;
        let read = if frame.is_empty() {
            let read = read_frames(input, message, max, &mut handle)?;
            if let Some(consumed) = read {
                frame.extend_from_slice(&input[consumed..]);
            }
            read
        } else {
            frame.extend_from_slice(input);
            let read = read_frames(frame, message, max, &mut handle)?;
            frame.drain(..read.unwrap_or(0));
            read
        };
        if read.is_none() {
            return Ok(ControlFlow::Break(()));
        }
        if !partial.frame.is_empty() || partial.message.is_some() {
            self.partial = Some(partial);
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Reads all whole frames; returns how many bytes they had, or none behind the peer's close frame.
fn read_frames(
    input: &mut [u8],
    message: &mut Option<(Kind, Vec<u8>)>,
    max: usize,
    handle: &mut impl FnMut(Incoming<'_>) -> Result<(), Close>,
) -> Result<Option<usize>, Close> {
    let mut consumed = 0;
    loop {
        let mut cursor = Cursor::new(&input[consumed..]);
        let header = FrameHeader::parse(&mut cursor).map_err(|_| violation("unknown opcode"))?;
        let Some((header, length)) = header else {
            return Ok(Some(consumed));
        };
        let start = consumed + usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        if !is_shortest(input[consumed + 1] & 0x7f, length) {
            return Err(violation("lengths are written in their shortest form"));
        }
        let length = check(&header, length, message.as_ref(), max)?;
        let Some(payload) = input
            .get_mut(start..)
            .and_then(|rest| rest.get_mut(..length))
        else {
            return Ok(Some(consumed));
        };
        unmask(payload, header.mask.unwrap_or_default());
        match header.opcode {
            OpCode::Control(control) => handle(read_control(control, payload)?)?,
            OpCode::Data(data) => read_data(data, header.is_final, payload, message, handle)?,
        }
        if header.opcode == OpCode::Control(Control::Close) {
            return Ok(None);
        }
        consumed = start + length;
    }
}

/// Whether a length is written in the fewest bytes that hold it, and in 63 bits (RFC 6455, section
/// 5.2). `form` is the header's own length field.
const fn is_shortest(form: u8, length: u64) -> bool {
    match form {
        126 => length > 125,
        127 => length > 0xffff && length >> 63 == 0,
        _ => true,
    }
}

/// Everything that can be judged by the header alone; returns the payload's length.
fn check(
    header: &FrameHeader,
    length: u64,
    message: Option<&(Kind, Vec<u8>)>,
    max: usize,
) -> Result<usize, Close> {
    if header.rsv1 || header.rsv2 || header.rsv3 {
        return Err(violation("reserved bits are set"));
    }
    if header.mask.is_none() {
        return Err(violation("a client's frames are masked"));
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match (header.opcode, message) {
        (OpCode::Control(_), _) if length > MAX_CONTROL || !header.is_final => {
            Err(violation("a control frame is short and in one piece"))
        }
        (OpCode::Control(_), _) => Ok(length),
        (OpCode::Data(Data::Continue), None) => Err(violation("nothing to continue")),
        (OpCode::Data(Data::Text | Data::Binary), Some(_)) => {
            Err(violation("a message within a message"))
        }
        (OpCode::Data(_), message) => {
            let before = message.map_or(0, |(_, bytes)| bytes.len());
            if length > max.saturating_sub(before) {
                return Err(Close::new(CloseCode::TOO_LONG, "the message is too long"));
            }
            Ok(length)
        }
    }
}

fn read_control(control: Control, payload: &[u8]) -> Result<Incoming<'_>, Close> {
    match control {
        Control::Ping => Ok(Incoming::Ping(payload)),
        Control::Pong => Ok(Incoming::Pong),
        Control::Close => read_close(payload).map(Incoming::Close),
        Control::Reserved(_) => Err(violation("unknown opcode")),
    }
}

fn read_close(payload: &[u8]) -> Result<Option<CloseCode>, Close> {
    match payload {
        [] => Ok(None),
        [high, low, reason @ ..] => {
            let code = CloseCode::received(u16::from_be_bytes([*high, *low]));
            let code = code.ok_or_else(|| violation("not a close code"))?;
            std::str::from_utf8(reason).map_err(|_| not_text())?;
            Ok(Some(code))
        }
        [_] => Err(violation("half a close code")),
    }
}

fn read_data(
    data: Data,
    is_final: bool,
    payload: &[u8],
    message: &mut Option<(Kind, Vec<u8>)>,
    handle: &mut impl FnMut(Incoming<'_>) -> Result<(), Close>,
) -> Result<(), Close> {
    let (kind, whole) = match message.take() {
        Some((kind, mut bytes)) => {
            bytes.extend_from_slice(payload);
            (kind, std::borrow::Cow::Owned(bytes))
        }
        None => (
            if data == Data::Text {
                Kind::Text
            } else {
                Kind::Binary
            },
            payload.into(),
        ),
    };
    if !is_final {
        *message = Some((kind, whole.into_owned()));
        return handle(Incoming::Fragment);
    }
    match kind {
        Kind::Text => handle(Incoming::Text(
            std::str::from_utf8(&whole).map_err(|_| not_text())?,
        )),
        Kind::Binary => handle(Incoming::Binary),
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

fn violation(reason: &'static str) -> Close {
    Close::new(CloseCode::PROTOCOL, reason)
}

fn not_text() -> Close {
    Close::new(CloseCode::NOT_TEXT, "text is UTF-8")
}
