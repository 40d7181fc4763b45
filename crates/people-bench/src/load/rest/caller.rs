//! A connection for REST requests. It reads of an answer only what it needs.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// A keep-alive connection with at most one request in flight.
pub(crate) struct RestCaller {
    pub(crate) stream: TcpStream,
    answer: Vec<u8>,
}

impl RestCaller {
    /// Connects. Later calls never block.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            answer: Vec::with_capacity(2048),
        })
    }

    /// Sends a request. The socket has room for it, because it is small and the only one in flight.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// Reads a part of the answer. Returns its status once it is complete.
    pub(crate) fn receive(&mut self) -> io::Result<Option<u16>> {
        let mut buffer = [0; 2048];
        match self.stream.read(&mut buffer)? {
            0 => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the server closed the connection",
                ));
            }
            count => self.answer.extend_from_slice(&buffer[..count]),
        }
        let status = complete_status(&self.answer)?;
        if status.is_some() {
            self.answer.clear();
        }
        Ok(status)
    }
}

/// The status of a complete answer; `None` if it is incomplete.
fn complete_status(answer: &[u8]) -> io::Result<Option<u16>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end]).map_err(|_| invalid())?;
    let status = head
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .ok_or_else(invalid)?;
    if status == 204 {
        return Ok(Some(status));
    }
    let length = head
        .split_once("content-length: ")
        .and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok());
    let length: usize = length.ok_or_else(invalid)?;
    Ok((answer.len() - end - 4 >= length).then_some(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_answer_has_a_status() {
        let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\nabc";
        for short in 0..answer.len() {
            assert_eq!(complete_status(&answer[..short]).unwrap(), None, "{short}");
        }
        assert_eq!(complete_status(answer).unwrap(), Some(201));
        assert_eq!(
            complete_status(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(),
            Some(204)
        );
        assert!(complete_status(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
