//! A WebSocket client that costs little: a non-blocking socket and a counter of frames.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::frames::{FrameCounts, FrameStream};

/// The answer to a ping: an empty pong, masked with zeros.
const PONG: &[u8] = &[0x8a, 0x80, 0, 0, 0, 0];
/// The longest answer to a handshake, in bytes.
const ANSWER_BYTES: usize = 4096;

/// One client.
pub(super) struct Watcher {
    pub(super) stream: TcpStream,
    state: HandshakeState,
    frames: FrameStream,
    /// Changes whose frame has begun to arrive.
    pub(super) changes: u64,
}

/// The state of the handshake.
enum HandshakeState {
    /// The kernel connects.
    Connecting,
    /// The request is sent; this is the answer so far.
    Requested(Vec<u8>),
    Open,
}

/// What a client did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WatcherStep {
    /// Sent the request. The socket has only to be read from now on.
    Requested,
    /// Finished the handshake.
    Opened,
    /// Read what had arrived.
    Received,
}

/// The size of the kernel's receive buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReceiveBuffer {
    /// The kernel's default.
    Default,
    /// A small one, so that a slow client burdens its server.
    Bytes(usize),
}

impl Watcher {
    /// Begins to connect. No call blocks.
    pub(super) fn connect(
        address: SocketAddr,
        buffer: ReceiveBuffer,
        frames: FrameStream,
    ) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM.nonblocking(),
            Some(Protocol::TCP),
        )?;
        socket.set_tcp_nodelay(true)?;
        // Closes with a reset: otherwise thousands of closed connections keep their ports for a
        // minute.
        socket.set_linger(Some(Duration::ZERO))?;
        if let ReceiveBuffer::Bytes(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        match socket.connect(&address.into()) {
            Err(error) if Errno::from_io_error(&error) != Some(Errno::INPROGRESS) => {
                return Err(error);
            }
            _ => {}
        }
        Ok(Self {
            stream: socket.into(),
            state: HandshakeState::Connecting,
            frames,
            changes: 0,
        })
    }

    /// Takes the next step on a ready socket: sends the request, or reads into `buffer`.
    pub(super) fn step(
        &mut self,
        request: impl FnOnce() -> String,
        buffer: &mut [u8],
        counts: &mut FrameCounts,
    ) -> io::Result<WatcherStep> {
        match &mut self.state {
            HandshakeState::Connecting => {
                if let Some(error) = self.stream.take_error()? {
                    return Err(error);
                }
                // The request fits into the empty buffer of a new socket.
                self.stream.write_all(request().as_bytes())?;
                self.state = HandshakeState::Requested(Vec::new());
                Ok(WatcherStep::Requested)
            }
            HandshakeState::Requested(answer) => {
                answer.extend_from_slice(read(&mut self.stream, buffer)?);
                let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
                    return if answer.len() < ANSWER_BYTES {
                        Ok(WatcherStep::Received)
                    } else {
                        Err(refused(answer))
                    };
                };
                if !answer.starts_with(b"HTTP/1.1 101 ") {
                    return Err(refused(answer));
                }
                let early = answer.split_off(end + 4);
                self.state = HandshakeState::Open;
                self.take(&early, counts)?;
                Ok(WatcherStep::Opened)
            }
            HandshakeState::Open => {
                let count = read(&mut self.stream, buffer)?.len();
                self.take(&buffer[..count], counts)?;
                Ok(WatcherStep::Received)
            }
        }
    }

    /// Whether the last frame is complete.
    pub(super) fn is_between_frames(&self) -> bool {
        self.frames.is_between_frames()
    }

    fn take(&mut self, bytes: &[u8], counts: &mut FrameCounts) -> io::Result<()> {
        let (changes, pings) = (counts.changes, counts.pings);
        self.frames.take(bytes, counts)?;
        self.changes += counts.changes - changes;
        for _ in pings..counts.pings {
            self.stream.write_all(PONG)?;
        }
        Ok(())
    }
}

/// Reads what has arrived; empty if nothing has.
fn read<'b>(stream: &mut TcpStream, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    match stream.read(buffer) {
        Ok(0) => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the server closed the connection",
        )),
        Ok(count) => Ok(&buffer[..count]),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(&[]),
        Err(error) => Err(error),
    }
}

fn refused(answer: &[u8]) -> io::Error {
    let text = String::from_utf8_lossy(answer);
    let detail = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    io::Error::other(format!(
        "the handshake was answered {} {detail}",
        text.lines().next().unwrap_or_default()
    ))
}
