//! A WebSocket client that costs little: a socket that never blocks, and a counter of frames.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::frames::{Frames, Heard};

/// The answer to a ping: an empty pong, masked with zeros.
const PONG: &[u8] = &[0x8a, 0x80, 0, 0, 0, 0];
/// What the answer to a handshake has at most.
const ANSWER_BYTES: usize = 4096;

/// One client and what it has received.
pub(crate) struct Watcher {
    pub(crate) stream: TcpStream,
    progress: Progress,
    frames: Frames,
    /// Changes that have begun to arrive.
    pub(crate) changes: u64,
}

/// How far the connection is.
enum Progress {
    /// The kernel connects.
    Connecting,
    /// The request is sent; this is the answer so far.
    Asked(Vec<u8>),
    Open,
}

/// What a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The request was sent: from now on there is something to read.
    Asked,
    /// The handshake was answered.
    Opened,
    /// What came was taken.
    Received,
}

/// What the kernel keeps for a client that reads late.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Buffer {
    /// As usual.
    Usual,
    /// Little: the client is to be a burden on its server.
    Bytes(usize),
}

impl Watcher {
    /// Begins to connect. Nothing ever blocks.
    pub(crate) fn connect(address: SocketAddr, buffer: Buffer, frames: Frames) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM.nonblocking(),
            Some(Protocol::TCP),
        )?;
        socket.set_tcp_nodelay(true)?;
        // Closed by a reset: thousands of closed connections would hold their ports for a minute.
        socket.set_linger(Some(Duration::ZERO))?;
        if let Buffer::Bytes(bytes) = buffer {
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
            progress: Progress::Connecting,
            frames,
            changes: 0,
        })
    }

    /// Does what can be done now that the socket is ready: sends the request that `request` writes,
    /// or takes as much of what there is as `buffer` holds.
    pub(crate) fn go_on(
        &mut self,
        request: impl FnOnce() -> String,
        buffer: &mut [u8],
        heard: &mut Heard,
    ) -> io::Result<Step> {
        match &mut self.progress {
            Progress::Connecting => {
                if let Some(error) = self.stream.take_error()? {
                    return Err(error);
                }
                // It fits into the empty buffer of a new socket.
                self.stream.write_all(request().as_bytes())?;
                self.progress = Progress::Asked(Vec::new());
                Ok(Step::Asked)
            }
            Progress::Asked(answer) => {
                answer.extend_from_slice(read(&mut self.stream, buffer)?);
                let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
                    return if answer.len() < ANSWER_BYTES {
                        Ok(Step::Received)
                    } else {
                        Err(refused(answer))
                    };
                };
                if !answer.starts_with(b"HTTP/1.1 101 ") {
                    return Err(refused(answer));
                }
                let early = answer.split_off(end + 4);
                self.progress = Progress::Open;
                self.take(&early, heard)?;
                Ok(Step::Opened)
            }
            Progress::Open => {
                let count = read(&mut self.stream, buffer)?.len();
                self.take(&buffer[..count], heard)?;
                Ok(Step::Received)
            }
        }
    }

    /// Whether the last frame that began has arrived in full.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.frames.is_between_frames()
    }

    fn take(&mut self, bytes: &[u8], heard: &mut Heard) -> io::Result<()> {
        let (changes, pings) = (heard.changes, heard.pings);
        self.frames.take(bytes, heard)?;
        self.changes += heard.changes - changes;
        for _ in pings..heard.pings {
            self.stream.write_all(PONG)?;
        }
        Ok(())
    }
}

/// What there is; nothing where there is nothing yet.
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
