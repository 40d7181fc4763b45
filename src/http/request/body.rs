//! Reads a request's body within its limits of bytes and time.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::http::Options;
use crate::http::refusal::malformed;
use crate::protocol::problem::{Problem, ProblemKind};

/// A body's bytes as they arrive.
pub(in crate::http) struct BodyReader {
    pub(in crate::http) body: Body,
    /// The longest wait for the next byte.
    pub(in crate::http) idle_limit: Duration,
    /// When the whole body must have arrived; none for an import.
    pub(in crate::http) end: Option<Instant>,
}

impl BodyReader {
    /// The next bytes; none at the end of the body.
    pub(in crate::http) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let idle_end = Instant::now() + self.idle_limit;
        let deadline = self.end.map_or(idle_end, |end| end.min(idle_end));
        loop {
            match timeout_at(deadline, self.body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Ok(Some(bytes)),
                    // Trailers and empty chunks are no progress.
                    _ => {}
                },
                Ok(Some(Err(error))) => {
                    let detail = "The body ended early or is not framed as HTTP says.";
                    return Err(malformed(detail).caused_by(error));
                }
                Err(_) => {
                    return Err(malformed("The body did not arrive in time.")
                        .with_status(StatusCode::REQUEST_TIMEOUT));
                }
            }
        }
    }
}

/// Reads a whole body. One that is too long is refused at once where `Content-Length` says so, and
/// otherwise as soon as the bytes pass the limit.
pub(in crate::http) async fn read(
    headers: &HeaderMap,
    body: Body,
    options: &Options,
) -> Result<Bytes, Problem> {
    let max = options.body_bytes_max;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max as u64) {
        return Err(too_large(max));
    }
    let mut reader = BodyReader {
        body,
        idle_limit: options.body_idle_limit,
        end: Some(Instant::now() + options.body_total_limit),
    };
    let mut whole = Vec::new();
    while let Some(bytes) = reader.next().await? {
        if whole.len() + bytes.len() > max {
            return Err(too_large(max));
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(whole.into())
}

/// The body as text. A byte that is not UTF-8 is reported with its line and column, from 1.
pub(in crate::http) fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n');
        let (line, column) = before.fold((0, 0), |(line, _), text| (line + 1, text.len() + 1));
        malformed(format!(
            "The body must be UTF-8: line {line}, byte {column} is not."
        ))
        .with("line", line)
        .with("column", column)
    })
}

fn too_large(max: usize) -> Problem {
    Problem::new(
        ProblemKind::TooLarge,
        format!("The body must not be longer than {max} bytes."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_not_utf_8_is_reported_with_line_and_column() {
        let problem = text(b"{\n \"a\": \"\xff\"}")
            .expect_err("not UTF-8")
            .to_json(None);
        assert_eq!(
            (problem["line"].as_u64(), problem["column"].as_u64()),
            (Some(2), Some(8))
        );
    }
}
