//! Requests for numbered people, ready to be sent.

use std::fmt::Write as _;
use std::net::SocketAddr;

use people_bench::person::{PERSON, SEQUENCE_DIGITS};

/// The digits of an id that are the person's number.
const ID_DIGITS: usize = 12;

/// A request for a numbered person, ready to be sent.
pub(crate) struct PersonRequest {
    bytes: Vec<u8>,
    /// The offset of the id's digits.
    id: usize,
    /// The offset of the sequence number's digits, if the request has a body.
    sequence: Option<usize>,
}

/// The kind of a request, which determines the status of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// `PUT` of a new person.
    Create,
    /// `PUT` of an existing person.
    Replace,
    /// `DELETE` of an existing person.
    Delete,
}

impl RequestKind {
    /// The status of a successful answer.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Create => 201,
            Self::Replace => 200,
            Self::Delete => 204,
        }
    }
}

/// The person of a topic: [`PERSON`] with the attributes that the topic's filter matches.
pub(crate) fn body(topic: Option<u32>) -> String {
    topic.map_or_else(
        || PERSON.to_owned(),
        |topic| {
            let attributes = format!(r#""score":{},"key":"k{topic}""#, u64::from(topic) * 10 + 5);
            PERSON.replace(r#""score":98.5"#, &attributes)
        },
    )
}

/// The header line that carries a token; empty without one.
pub(crate) fn authorization(token: Option<&str>) -> String {
    token.map_or_else(String::new, |token| {
        format!("authorization: Bearer {token}\r\n")
    })
}

impl PersonRequest {
    /// A request for people whose ids are `prefix` and their number. The header `x-group` has the
    /// topic, for a server that does not read bodies.
    pub(crate) fn new(
        kind: RequestKind,
        address: SocketAddr,
        prefix: &str,
        topic: Option<u32>,
        token: Option<&str>,
    ) -> Self {
        let (method, precondition) = match kind {
            RequestKind::Create => ("PUT", "if-none-match: *\r\n"),
            RequestKind::Replace => ("PUT", ""),
            RequestKind::Delete => ("DELETE", ""),
        };
        let path = format!("{method} /people/{prefix}{:0ID_DIGITS$}", 0);
        let mut text = format!("{path} HTTP/1.1\r\nhost: {address}\r\n{precondition}");
        text += &authorization(token);
        if let Some(topic) = topic {
            write!(text, "x-group: {topic}\r\n").expect("a String takes all that is written to it");
        }
        let body = if kind == RequestKind::Delete {
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
        let sequence = text.rfind('#').map(|hash| hash + 1);
        Self {
            bytes: text.into_bytes(),
            id: path.len() - ID_DIGITS,
            sequence,
        }
    }

    /// The request for the person with this number, which is also the change's sequence number.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        write_digits(&mut self.bytes[self.id..][..ID_DIGITS], number);
        if let Some(sequence) = self.sequence {
            write_digits(&mut self.bytes[sequence..][..SEQUENCE_DIGITS], number);
        }
        &self.bytes
    }
}

fn write_digits(digits: &mut [u8], number: u64) {
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_number_for_person_and_change_and_a_constant_length() {
        let address = ([127, 0, 0, 1], 8080).into();
        let prefix = "00000000-0000-7000-8000-";
        let mut request = PersonRequest::new(RequestKind::Create, address, prefix, Some(17), None);
        let length = request.numbered(3).len();
        let text = String::from_utf8(request.numbered(1234).to_vec()).unwrap();
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
            PersonRequest::new(RequestKind::Delete, address, "a-", None, None)
                .numbered(7)
                .to_vec(),
        )
        .unwrap();
        assert_eq!(
            text,
            "DELETE /people/a-000000000007 HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n"
        );
    }
}
