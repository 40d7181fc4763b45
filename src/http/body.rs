//! Reading a request's body within its limits: bytes, and time.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use tokio::time::{Instant, timeout_at};

use super::Options;
use crate::protocol::problem::{Problem, ProblemKind};

/// Reads a whole body. Too long is told at once where the header says so, and otherwise as soon as
/// it shows.
pub(super) async fn read(
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
    let mut chunks = Chunks {
        body,
        idle_limit: options.body_idle_limit,
        end: Some(Instant::now() + options.body_total_limit),
    };
    let mut whole = Vec::new();
    while let Some(chunk) = chunks.next().await? {
        if whole.len() + chunk.len() > max {
            return Err(too_large(max));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.into())
}

/// The body as text.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n');
        let (line, column) = before.fold((0, 0), |(line, _), text| (line + 1, text.len() + 1));
        Problem::new(
            ProblemKind::Malformed,
            format!("The body must be UTF-8: line {line}, byte {column} is not."),
        )
        .with("line", line)
        .with("column", column)
    })
}

/// A body's bytes as they arrive.
pub(super) struct Chunks {
    pub(super) body: Body,
    /// The longest wait for the next byte.
    pub(super) idle_limit: std::time::Duration,
    /// When the whole must be there, if ever.
    pub(super) end: Option<Instant>,
}

impl Chunks {
    /// The next bytes; none at the end of the body.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
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
                    return Err(Problem::new(
                        ProblemKind::Malformed,
                        "The body ended early or is not framed as HTTP says.",
                    )
                    .caused_by(error));
                }
                Err(_) => {
                    return Err(Problem::new(
                        ProblemKind::Malformed,
                        "The body did not arrive in time.",
                    )
                    .with_status(StatusCode::REQUEST_TIMEOUT));
                }
            }
        }
    }
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
    fn a_byte_that_is_not_utf_8_is_told_with_its_place() {
        let problem = text(b"{\n \"a\": \"\xff\"}")
            .expect_err("not UTF-8")
            .to_json(None);
        assert_eq!(
            (problem["line"].as_u64(), problem["column"].as_u64()),
            (Some(2), Some(8))
        );
    }
}
