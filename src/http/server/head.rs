//! The head of a request, judged before the HTTP library sees it: what that would refuse without a
//! word is refused with a problem document, and what a URL must not hold raw is encoded.
//!
//! Whatever is passed on here, the library takes: it reads the same bytes by the same rules, and a
//! property holds the two together. So nothing here decides what a request means; only where it
//! ends, and where its body does.

use axum::http::{Method, StatusCode, Uri};
use httparse::{EMPTY_HEADER, Error, Header, Request, Status};

use super::chunks::Chunks;
use super::target;
use crate::protocol::problem::{Problem, ProblemKind};

/// Headers that the HTTP library takes.
const HEADERS_MAX: usize = 100;
/// Bytes of a target, and of a header's name, that the HTTP library takes.
const TEXT_MAX: usize = u16::MAX as usize - 1;
/// The longest body that the HTTP library counts.
const LENGTH_MAX: u64 = u64::MAX - 2;

/// What stands behind a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunks(Chunks),
}

/// A head that is whole.
#[derive(Debug)]
pub(super) struct Head {
    /// How many bytes of the input it took.
    pub(super) length: usize,
    /// What it must be replaced by, where it holds what a URL must not.
    pub(super) rewritten: Option<Vec<u8>>,
    pub(super) content: Content,
    /// The answer decides what stands behind the body: another protocol, or the next request.
    pub(super) upgrade: bool,
}

/// Reads the head at the front of `bytes`; none where its end has not arrived. It may be `max`
/// bytes long, as it is passed on.
pub(super) fn read(bytes: &[u8], max: usize) -> Result<Option<Head>, Problem> {
    let begin = bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let line_end = bytes[begin..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map(|at| begin + at);
    let rewritten = line_end.and_then(|end| rewritten(&bytes[begin..end], &bytes[end..]));
    let passed_on = rewritten.as_deref().unwrap_or(&bytes[begin..]);
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut request = Request::new(&mut headers);
    let parsed = request
        .parse(passed_on)
        .map_err(|error| malformed(error, &bytes[begin..], line_end.is_some()))?;
    let length = match parsed {
        Status::Complete(length) => length,
        Status::Partial if bytes.len() > max => return Err(too_long(line_end.is_some())),
        Status::Partial => return Ok(None),
    };
    if length > max {
        return Err(too_long(true));
    }
    let (content, upgrade) = content(&request)?;
    let behind = passed_on.len() - length;
    let rewritten = rewritten.map(|mut head| {
        head.truncate(length);
        head
    });
    Ok(Some(Head {
        length: bytes.len() - behind,
        rewritten,
        content,
        upgrade,
    }))
}

/// The input with its target encoded; none where it is as it must be.
fn rewritten(line: &[u8], rest: &[u8]) -> Option<Vec<u8>> {
    let place = target::of_line(line)?;
    let encoded = target::encoded(&line[place.clone()])?;
    Some([&line[..place.start], &encoded, &line[place.end..], rest].concat())
}

/// What stands behind the head, and whether it asks for another protocol; or why it is refused
/// though it is well written.
fn content(request: &Request<'_, '_>) -> Result<(Content, bool), Problem> {
    let (method, target) = (
        request.method.unwrap_or_default(),
        request.path.unwrap_or_default(),
    );
    if target.len() > TEXT_MAX {
        return Err(too_long(false));
    }
    if !is_target(method, target) {
        return Err(refused(
            "The target of the request is neither a path, nor a URL, nor *.",
        ));
    }
    if Method::from_bytes(method.as_bytes()).is_err() {
        return Err(refused("The request begins with what is no method."));
    }
    let is_http_11 = request.version == Some(1);
    let (mut length, mut chunked, mut upgrade) = (None, None, method == "CONNECT");
    for Header { name, value } in request.headers.iter() {
        if name.len() > TEXT_MAX {
            return Err(too_long(true));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            if !is_http_11 {
                return Err(refused(
                    "HTTP/1.0 has no Transfer-Encoding: send Content-Length, or HTTP/1.1.",
                ));
            }
            chunked = Some(is_chunked(value));
        } else if name.eq_ignore_ascii_case("content-length") && chunked.is_none() {
            let given = decimal(value)
                .ok_or_else(|| refused("Content-Length must be a number, in digits alone."))?;
            if length.is_some_and(|length| length != given) {
                return Err(refused("Content-Length is given twice, and differs."));
            }
            length = Some(given);
        } else if name.eq_ignore_ascii_case("upgrade") {
            upgrade |= is_http_11;
        }
    }
    match (chunked, length) {
        (Some(false), _) => Err(refused(
            "The last Transfer-Encoding must be chunked: no other is known here.",
        )),
        (Some(true), _) => Ok((Content::Chunks(Chunks::START), upgrade)),
        (None, length) => Ok((Content::Length(length.unwrap_or(0)), upgrade)),
    }
}

/// Whether a target is in one of the forms that there are (RFC 9112, section 3.2); a bare host is
/// for CONNECT only.
fn is_target(method: &str, target: &str) -> bool {
    let parsed = || target.parse::<Uri>().is_ok();
    target.starts_with('/')
        || target == "*"
        || ((target.contains("://") || method == "CONNECT") && parsed())
}

/// Whether the last coding of a list is `chunked`.
fn is_chunked(value: &[u8]) -> bool {
    let last = value
        .rsplit(|byte| *byte == b',')
        .next()
        .unwrap_or_default();
    std::str::from_utf8(value).is_ok() && last.trim_ascii().eq_ignore_ascii_case(b"chunked")
}

fn decimal(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|length| *length <= LENGTH_MAX)
}

/// Why bytes that cannot be read as a head are refused. `has_line`: the first line is there as a
/// whole.
fn malformed(error: Error, bytes: &[u8], has_line: bool) -> Problem {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default()
        .trim_ascii_end();
    let words = line.split(|byte| *byte == b' ').count();
    match error {
        Error::Version if has_line && words > 3 => {
            refused("The target of the request holds a blank: write it as %20, or in a query as +.")
        }
        Error::Version
            if line
                .rsplit(|byte| *byte == b' ')
                .next()
                .is_some_and(|last| last.starts_with(b"HTTP/")) =>
        {
            refused(
                "HTTP/1.1 and HTTP/1.0 are spoken here; for other versions, a proxy stands in \
                 front.",
            )
            .with_status(StatusCode::HTTP_VERSION_NOT_SUPPORTED)
        }
        Error::TooManyHeaders => too_long(true),
        Error::HeaderName | Error::HeaderValue => refused(
            "A header of the request is malformed: a name of letters, digits and hyphens, a colon, \
             a value.",
        ),
        Error::NewLine | Error::Status | Error::Token | Error::Version => refused(
            "This is no request of HTTP/1.1: it begins with METHOD TARGET HTTP/1.1. TLS is not \
             spoken here; a proxy does.",
        ),
    }
}

/// The head, or its target, is longer than heads may be.
fn too_long(has_line: bool) -> Problem {
    let (what, status) = if has_line {
        (
            "head of the request is too long: send fewer or shorter headers.",
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        )
    } else {
        (
            "target of the request is too long.",
            StatusCode::URI_TOO_LONG,
        )
    };
    Problem::new(ProblemKind::TooLarge, format!("The {what}")).with_status(status)
}

/// A head that did not arrive in time.
pub(super) fn late() -> Problem {
    refused("The head of the request did not arrive in time.")
        .with_status(StatusCode::REQUEST_TIMEOUT)
}

fn refused(detail: &str) -> Problem {
    Problem::new(ProblemKind::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 8192;

    fn status(head: &str) -> u16 {
        read(head.as_bytes(), MAX)
            .expect_err(head)
            .status()
            .as_u16()
    }

    fn content_of(headers: &str) -> Content {
        let head = format!("POST /people HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        let read = read(head.as_bytes(), MAX).expect("a head").expect("whole");
        assert_eq!((read.length, read.rewritten), (head.len(), None));
        assert_eq!(read.upgrade, headers.contains("Upgrade"));
        read.content
    }

    #[test]
    fn a_head_ends_where_it_ends_and_says_how_its_body_does() {
        assert_eq!(content_of(""), Content::Length(0));
        assert_eq!(
            content_of("Content-Length: 7\r\ncontent-length: 7\r\n"),
            Content::Length(7)
        );
        assert_eq!(
            content_of("Transfer-Encoding: gzip, Chunked\r\nContent-Length: 7\r\n"),
            Content::Chunks(Chunks::START)
        );
        assert_eq!(content_of("Upgrade: websocket\r\n"), Content::Length(0));
        assert_eq!(
            content_of("Upgrade: websocket\r\nContent-Length: 2\r\n"),
            Content::Length(2)
        );
    }

    #[test]
    fn only_the_target_is_rewritten() {
        let head =
            "\r\nGET /people?where=age>3 HTTP/1.1\r\nHost: <a>\r\n\r\nGET /b>c HTTP/1.1\r\n\r\n";
        let read = read(head.as_bytes(), MAX).expect("a head").expect("whole");
        assert_eq!(&head[read.length..], "GET /b>c HTTP/1.1\r\n\r\n");
        let rewritten = String::from_utf8(read.rewritten.expect("rewritten")).expect("ASCII");
        assert_eq!(
            rewritten,
            "GET /people?where=age%3E3 HTTP/1.1\r\nHost: <a>\r\n\r\n"
        );
    }

    #[test]
    fn every_refusal_says_why() {
        for (head, expected) in [
            ("\x16\x03\x01\x02", 400),
            ("GET\r\n\r\n", 400),
            ("GET /a b HTTP/1.1\r\n\r\n", 400),
            ("GET /\x01 HTTP/1.1\r\n\r\n", 400),
            ("GET people HTTP/1.1\r\n\r\n", 400),
            ("GET http:// HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\na b: c\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\na: \x01\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n", 400),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            ("GET / HTTP/1.2\r\n\r\n", 505),
            ("GET / HTTPS/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nContent-Length: \r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 400),
            (
                "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                400,
            ),
            (
                "GET / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n",
                400,
            ),
            ("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
            ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            (&format!("GET /{}", "a".repeat(MAX)), 414),
            (&format!("GET /{} HTTP/1.1\r\n", "a".repeat(MAX)), 431),
            (
                &format!(
                    "GET / HTTP/1.1\r\n{}\r\n",
                    "a: b\r\n".repeat(HEADERS_MAX + 1)
                ),
                431,
            ),
            // Too long as it would be passed on.
            (
                &format!("GET /?{} HTTP/1.1\r\n\r\n", ">".repeat(MAX / 2)),
                431,
            ),
        ] {
            assert_eq!(status(head), expected, "{head:.80}");
        }
    }

    #[test]
    fn the_end_of_a_head_is_waited_for() {
        let head = "GET /people?where=a>b HTTP/1.1\r\nHost: a\r\n\r\n";
        for end in 0..head.len() {
            assert!(
                read(&head.as_bytes()[..end], MAX)
                    .expect("not refused")
                    .is_none(),
                "{}",
                &head[..end]
            );
        }
    }
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod library;
