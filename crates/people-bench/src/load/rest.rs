//! A REST caller that costs little: one write and one read a request, answers read just as far as
//! needed.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use people_bench::person::PERSON;

/// Digits of an id that are the person's number.
const ID_DIGITS: usize = 12;
/// Digits that number the change in the person's job.
pub(crate) const MARK_DIGITS: usize = 10;

/// A keep-alive connection with at most one request under way.
pub(crate) struct Caller {
    pub(crate) stream: TcpStream,
    answer: Vec<u8>,
}

/// A request about a numbered person, ready to be sent.
pub(crate) struct Request {
    bytes: Vec<u8>,
    /// Where the digits of the id begin, and those of the mark, if it has one.
    id: usize,
    mark: Option<usize>,
}

/// Which request, and so which status answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// `PUT` of somebody who is not there yet.
    Create,
    /// `PUT` of somebody who is there.
    Replace,
    /// `DELETE` of somebody who is there.
    Delete,
}

impl Call {
    /// The status that answers it.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Create => 201,
            Self::Replace => 200,
            Self::Delete => 204,
        }
    }
}

/// The person of a topic: [`PERSON`], and what filters look for.
pub(crate) fn body(topic: Option<u32>) -> String {
    topic.map_or_else(
        || PERSON.to_owned(),
        |topic| {
            let attributes = format!(r#""score":{},"key":"k{topic}""#, u64::from(topic) * 10 + 5);
            PERSON.replace(r#""score":98.5"#, &attributes)
        },
    )
}

impl Request {
    /// About people whose ids are `prefix` and their number. A server that does not read bodies is
    /// told the topic in the header `x-group`.
    pub(crate) fn new(call: Call, address: SocketAddr, prefix: &str, topic: Option<u32>) -> Self {
        let (method, precondition) = match call {
            Call::Create => ("PUT", "if-none-match: *\r\n"),
            Call::Replace => ("PUT", ""),
            Call::Delete => ("DELETE", ""),
        };
        let path = format!("{method} /people/{prefix}{:0ID_DIGITS$}", 0);
        let mut text = format!("{path} HTTP/1.1\r\nhost: {address}\r\n{precondition}");
        if let Some(topic) = topic {
            write!(text, "x-group: {topic}\r\n").expect("a String takes all that is written to it");
        }
        let body = if call == Call::Delete {
            String::new()
        } else {
            body(topic)
        };
        if !body.is_empty() {
            write!(
                text,
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            )
            .expect("a String takes all that is written to it");
        }
        text += "\r\n";
        text += &body;
        let mark = text.rfind('#').map(|hash| hash + 1);
        Self {
            bytes: text.into_bytes(),
            id: path.len() - ID_DIGITS,
            mark,
        }
    }

    /// Points it at one of the numbered people, and marks the change with the same number.
    pub(crate) fn of(&mut self, number: u64) -> &[u8] {
        write_digits(&mut self.bytes[self.id..][..ID_DIGITS], number);
        if let Some(mark) = self.mark {
            write_digits(&mut self.bytes[mark..][..MARK_DIGITS], number);
        }
        &self.bytes
    }
}

fn write_digits(place: &mut [u8], number: u64) {
    let mut rest = number;
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
}

impl Caller {
    /// Connects; from then on nothing blocks.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            answer: Vec::with_capacity(2048),
        })
    }

    /// Sends a request; it is small and nothing else is under way, so the socket has room for it.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// Takes what there is of the answer; its status, once it is whole.
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
    fn a_request_names_person_and_change_by_the_same_number_and_tells_its_length() {
        let address = ([127, 0, 0, 1], 8080).into();
        let mut request = Request::new(Call::Create, address, "00000000-0000-7000-8000-", Some(17));
        let length = request.of(3).len();
        let text = String::from_utf8(request.of(1234).to_vec()).unwrap();
        assert_eq!(text.len(), length);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("PUT /people/00000000-0000-7000-8000-000000001234 HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(
            head.contains(&format!("content-length: {}", body.len()))
                && head.contains("x-group: 17\r\n"),
            "{head}"
        );
        assert!(
            body.contains("#0000001234") && body.contains(r#""score":175,"key":"k17""#),
            "{body}"
        );
        let text = String::from_utf8(
            Request::new(Call::Delete, address, "a-", None)
                .of(7)
                .to_vec(),
        )
        .unwrap();
        assert_eq!(
            text,
            "DELETE /people/a-000000000007 HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n"
        );
    }

    #[test]
    fn an_answer_counts_when_it_is_whole() {
        let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\nabc";
        for short in 0..answer.len() {
            assert_eq!(whole(&answer[..short]).unwrap(), None, "{short}");
        }
        assert_eq!(whole(answer).unwrap(), Some(201));
        assert_eq!(
            whole(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(),
            Some(204)
        );
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
