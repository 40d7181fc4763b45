//! Checks the head of a request before hyper sees it. hyper would refuse a head without a body;
//! here the refusal is a problem document. The target is encoded where a URL must be.
//!
//! hyper accepts every head that passes: both parse the same bytes by the same rules, and a
//! property test compares them. This file decides only where a head ends and how its body is
//! framed; the meaning of the request is left to hyper.

use axum::http::{Method, StatusCode, Uri};
use httparse::{EMPTY_HEADER, Error, Header, Request, Status};

use super::chunked::ChunkedBody;
use super::target;
use crate::http::refusal::malformed;
use crate::protocol::problem::{Problem, ProblemKind};

/// The most headers that hyper accepts.
const HEADERS_MAX: usize = 100;
/// The longest target, and the longest name of a header, that hyper accepts, in bytes.
const TEXT_MAX: usize = u16::MAX as usize - 1;
/// The longest body that hyper accepts, in bytes.
const LENGTH_MAX: u64 = u64::MAX - 2;

/// How the body after a head is framed (RFC 9112, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// By its length in bytes; 0 where there is no body.
    Length(u64),
    /// In chunks.
    Chunked(ChunkedBody),
}

/// A complete head.
#[derive(Debug)]
pub struct RequestHead {
    /// Its bytes in the input.
    pub length: usize,
    /// The head with its target encoded, where the target needed it.
    pub rewritten: Option<Vec<u8>>,
    /// How its body is framed.
    pub framing: BodyFraming,
    /// The answer decides what follows the body: another protocol, or the next request.
    pub upgrade: bool,
}

/// Reads the head at the front of `bytes`; none where its end has not arrived. `max` limits its
/// length in bytes after rewriting.
pub fn read(bytes: &[u8], max: usize) -> Result<Option<RequestHead>, Problem> {
    let begin = blank_lines(bytes);
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
        .map_err(|error| parse_problem(error, &bytes[begin..], line_end.is_some()))?;
    let length = match parsed {
        Status::Complete(length) => length,
        Status::Partial if bytes.len() - begin > max => return Err(too_long(line_end.is_some())),
        Status::Partial => return Ok(None),
    };
    if length > max {
        return Err(too_long(true));
    }
    let (framing, upgrade) = framing(&request)?;
    let after = passed_on.len() - length;
    let rewritten = rewritten.map(|mut head| {
        head.truncate(length);
        head
    });
    Ok(Some(RequestHead {
        length: bytes.len() - after,
        rewritten,
        framing,
        upgrade,
    }))
}

/// The length of the blank lines before a head, in bytes; they are skipped (RFC 9112, section 2.2).
/// A carriage return alone is no line.
pub(super) fn blank_lines(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some(next) = rest
        .strip_prefix(b"\n")
        .or_else(|| rest.strip_prefix(b"\r\n"))
    {
        rest = next;
    }
    bytes.len() - rest.len()
}

/// Whether an empty line ends in `bytes`.
pub(super) fn contains_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

/// The input with its target encoded; none where the target needs no encoding.
fn rewritten(line: &[u8], rest: &[u8]) -> Option<Vec<u8>> {
    let range = target::of_line(line)?;
    let encoded = target::encoded(&line[range.clone()])?;
    Some([&line[..range.start], &encoded, &line[range.end..], rest].concat())
}

/// The framing of the body, and whether the request asks for another protocol. Refuses heads that
/// parse but that hyper would not accept.
fn framing(request: &Request<'_, '_>) -> Result<(BodyFraming, bool), Problem> {
    let (method, target) = (
        request.method.unwrap_or_default(),
        request.path.unwrap_or_default(),
    );
    if target.len() > TEXT_MAX {
        return Err(too_long(false));
    }
    if !is_target(method, target) {
        return Err(malformed(
            "The target of the request is neither a path, nor a URL, nor *.",
        ));
    }
    if Method::from_bytes(method.as_bytes()).is_err() {
        return Err(malformed("The request does not begin with a method."));
    }
    let is_http_11 = request.version == Some(1);
    let (mut length, mut chunked, mut upgrade) = (None, None, method == "CONNECT");
    for Header { name, value } in request.headers.iter() {
        if name.len() > TEXT_MAX {
            return Err(too_long(true));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            if !is_http_11 {
                return Err(malformed(
                    "HTTP/1.0 has no Transfer-Encoding: send Content-Length, or HTTP/1.1.",
                ));
            }
            chunked = Some(is_chunked(value));
        } else if name.eq_ignore_ascii_case("content-length") && chunked.is_none() {
            let given = decimal(value)
                .ok_or_else(|| malformed("Content-Length must be a number, in digits alone."))?;
            if length.is_some_and(|length| length != given) {
                return Err(malformed("Content-Length is given twice, and differs."));
            }
            length = Some(given);
        } else if name.eq_ignore_ascii_case("upgrade") {
            upgrade |= is_http_11;
        }
    }
    match (chunked, length) {
        (Some(false), _) => Err(malformed(
            "The last Transfer-Encoding must be chunked: no other is known here.",
        )),
        (Some(true), _) => Ok((BodyFraming::Chunked(ChunkedBody::START), upgrade)),
        (None, length) => Ok((BodyFraming::Length(length.unwrap_or(0)), upgrade)),
    }
}

/// Whether a target has one of the forms of RFC 9112, section 3.2; a bare host is for CONNECT only.
fn is_target(method: &str, target: &str) -> bool {
    let parsed = || target.parse::<Uri>().is_ok();
    target.starts_with('/')
        || target == "*"
        || ((target.contains("://") || method == "CONNECT") && parsed())
}

/// Whether the last coding of a list is `chunked`. A list with other characters than those that can
/// be printed in ASCII is none for hyper.
fn is_chunked(value: &[u8]) -> bool {
    let last = value
        .rsplit(|byte| *byte == b',')
        .next()
        .unwrap_or_default();
    let is_text = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    is_text && last.trim_ascii().eq_ignore_ascii_case(b"chunked")
}

fn decimal(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|length| *length <= LENGTH_MAX)
}

/// The refusal of bytes that do not parse as a head. `has_line`: the first line is complete.
fn parse_problem(error: Error, bytes: &[u8], has_line: bool) -> Problem {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default()
        .trim_ascii_end();
    let words = line.split(|byte| *byte == b' ').count();
    match error {
        Error::Version if has_line && words > 3 => malformed(
            "The target of the request holds a blank: write it as %20, or in a query as +.",
        ),
        Error::Version
            if line
                .rsplit(|byte| *byte == b' ')
                .next()
                .is_some_and(|last| last.starts_with(b"HTTP/")) =>
        {
            malformed(
                "This gateway speaks HTTP/1.1 and HTTP/1.0: for other versions, put a proxy in \
                 front.",
            )
            .with_status(StatusCode::HTTP_VERSION_NOT_SUPPORTED)
        }
        Error::TooManyHeaders => too_long(true),
        Error::HeaderName | Error::HeaderValue => malformed(
            "A header of the request is malformed: a name of letters, digits and hyphens, a colon, \
             a value.",
        ),
        Error::NewLine | Error::Status | Error::Token | Error::Version => malformed(
            "This is not an HTTP/1.1 request, which begins with METHOD TARGET HTTP/1.1. For TLS, \
             put a proxy in front.",
        ),
    }
}

/// The refusal of a head that is too long; where its first line has no end, of its target.
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

/// The refusal of a head that did not arrive in time.
pub(super) fn late() -> Problem {
    malformed("The head of the request did not arrive in time.")
        .with_status(StatusCode::REQUEST_TIMEOUT)
}

#[cfg(test)]
mod hyper_tests;
#[cfg(test)]
mod tests;
