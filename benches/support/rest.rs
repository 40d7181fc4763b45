//! A REST caller that costs little: one write and one read a request, answers read just as far as needed.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::person::{PERSON, id};

/// A keep-alive connection with at most one request under way.
pub(crate) struct Caller {
    pub(crate) stream: TcpStream,
    answer: Vec<u8>,
}

/// A request that saves [`PERSON`], ready to be sent.
pub(crate) struct Request {
    bytes: Vec<u8>,
    /// Where the twelve digits of the id stand.
    digits: usize,
}

impl Request {
    /// `PUT /people/{id}` of a person who is there.
    pub(crate) fn replace(address: SocketAddr) -> Self {
        Self::put(address, "")
    }

    /// The same for a person who is not there yet.
    pub(crate) fn create(address: SocketAddr) -> Self {
        Self::put(address, "if-none-match: *\r\n")
    }

    fn put(address: SocketAddr, precondition: &str) -> Self {
        let path = format!("PUT /people/{}", id(0));
        let length = PERSON.len();
        let text = format!(
            "{path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{precondition}content-length: \
             {length}\r\n\r\n{PERSON}"
        );
        Self { bytes: text.into_bytes(), digits: path.len() - 12 }
    }

    /// Points it at one of the numbered people.
    pub(crate) fn of(&mut self, number: u64) -> &[u8] {
        let mut rest = number;
        for digit in self.bytes[self.digits..self.digits + 12].iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        &self.bytes
    }
}

impl Caller {
    /// Connects; from then on nothing blocks.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(2048) })
    }

    /// Sends a request; it is small and nothing else is under way, so the socket has room for it.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// Takes what there is of the answer; its status, once it is whole.
    pub(crate) fn receive(&mut self) -> io::Result<Option<u16>> {
        let mut buffer = [0; 2048];
        match self.stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => self.answer.extend_from_slice(&buffer[..count]),
        }
        let status = whole(&self.answer)?;
        if status.is_some() {
            self.answer.clear();
        }
        Ok(status)
    }
}

/// The status of an answer that is there in full.
fn whole(answer: &[u8]) -> io::Result<Option<u16>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let text = std::str::from_utf8(answer).map_err(|_| invalid())?;
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Ok(None) };
    let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok());
    let length: usize = length.ok_or_else(invalid)?;
    if body.len() < length {
        return Ok(None);
    }
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    status.map(Some).ok_or_else(invalid)
}
