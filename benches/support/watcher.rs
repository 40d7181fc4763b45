//! A WebSocket client that costs little: it counts frames by their headers and throws the payload away.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The answer to a ping: an empty pong, masked with zeros.
const PONG: &[u8] = &[0x8a, 0x80, 0, 0, 0, 0];
/// For a handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// One client and what it has received.
pub(crate) struct Watcher {
    pub(crate) stream: TcpStream,
    /// Text frames that have begun to arrive.
    pub(crate) frames: u64,
    /// Bytes of their payloads.
    pub(crate) bytes: u64,
    header: [u8; 10],
    header_length: usize,
    /// Bytes of the current payload that are still to come.
    payload_left: u64,
}

impl Watcher {
    /// Connects and shakes hands; from then on nothing blocks.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = format!(
            "GET /people HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        let mut buffer = [0; 1024];
        let end = loop {
            match stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => answer.extend_from_slice(&buffer[..count]),
            }
            if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        if !answer.starts_with(b"HTTP/1.1 101 ") {
            return Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned()));
        }
        stream.set_nonblocking(true)?;
        let mut watcher = Self { stream, frames: 0, bytes: 0, header: [0; 10], header_length: 0, payload_left: 0 };
        watcher.take(&answer[end..])?;
        Ok(watcher)
    }

    /// Takes what there is, as much as the buffer holds; returns how many frames began in it.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<u64> {
        let before = self.frames;
        match self.stream.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => self.take(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(self.frames - before)
    }

    /// Whether the last frame that began has arrived in full.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.payload_left == 0 && self.header_length == 0
    }

    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        loop {
            let skipped = usize::try_from(self.payload_left).unwrap_or(usize::MAX).min(bytes.len());
            bytes = &bytes[skipped..];
            self.payload_left -= skipped as u64;
            let Some((first, rest)) = bytes.split_first() else { return Ok(()) };
            bytes = rest;
            self.header[self.header_length] = *first;
            self.header_length += 1;
            if let Some(length) = payload_length(&self.header[..self.header_length]) {
                self.header_length = 0;
                self.payload_left = length;
                self.begun(self.header[0] & 0x0f, length)?;
            }
        }
    }

    fn begun(&mut self, opcode: u8, length: u64) -> io::Result<()> {
        match opcode {
            0x1 => {
                self.frames += 1;
                self.bytes += length;
            }
            0x9 => self.stream.write_all(PONG)?,
            other => return Err(io::Error::other(format!("a frame of kind {other:#x} was not expected"))),
        }
        Ok(())
    }
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
