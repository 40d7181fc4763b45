//! `POST /people/import`: people as NDJSON, a line each, saved while they arrive.
//!
//! Any number of lines passes through bounded memory: a few are being saved at a time, and only
//! refused ones are remembered. Lines about the same person are saved in the order of the lines.

use std::collections::HashSet;
use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use serde_json::json;

use super::idempotency::Key;
use super::lines::{Line, Lines};
use super::preconditions::Precondition;
use super::refused_lines::RefusedLines;
use crate::domain::{Draft, IdRule, PersonId, TraceContext};
use crate::http::body::{self, Chunks};
use crate::http::query::Parameters;
use crate::http::{Shared, media};
use crate::protocol::problem::{Problem, ProblemKind};
use crate::store::{Expect, StoreError, Write};
use crate::telemetry::LineLabel;
use crate::telemetry::clock::fresh_uuid;

/// Of a body after the import stopped.
const SKIPPED_BYTES: usize = 256 << 20;

/// The call: answers when the body has been read, with a line for each refused line and a last one
/// that counts.
pub(in crate::http) async fn import(
    Extract(state): Extract<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, content) = request.into_parts();
    Parameters::none(parts.uri.query())?;
    media::check_body(&parts.headers, media::LINES).map_err(|problem| {
        let (name, value) = media::accept_header("accept-post", media::LINES);
        problem.with_header(name, value)
    })?;
    Precondition::none(&parts.headers)?;
    Key::none(&parts.headers)?;
    // Nothing is read for a store that is not there.
    state.store.get()?;
    let mut chunks = Chunks {
        body: content,
        idle_limit: state.options.body_idle_limit,
        end: None,
    };
    state.metrics.imports.inc();
    let mut import = Import::new(state, parts.extensions.get().copied());
    let ended = import.run(&mut chunks).await;
    import.drain().await;
    if let Ok(Ending::Stopped) = ended {
        skip(&mut chunks).await;
    }
    match ended {
        Ok(ending) => Ok(import.report(ending)),
        Err(problem) => {
            let Import { saved, refused, .. } = &import;
            Err(problem
                .with("saved", *saved)
                .with("refused", refused.len())
                .with("lines", import.lines.count()))
        }
    }
}

/// Reads on to the end of a body of which nothing more is wanted: who sends all of it before they
/// read would lose the answer otherwise. Who sends more than this has to read meanwhile.
async fn skip(chunks: &mut Chunks) {
    let mut left = SKIPPED_BYTES;
    while left > 0 {
        match chunks.next().await {
            Ok(Some(chunk)) => left = left.saturating_sub(chunk.len()),
            Ok(None) | Err(_) => return,
        }
    }
}

/// How the reading of an import ended, when nothing went wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// All lines were read.
    Complete,
    /// Too many were refused, and the rest was not read.
    Stopped,
}

/// One import under way.
struct Import {
    state: Shared,
    /// The request's own span.
    trace: Option<TraceContext>,
    lines: Lines,
    saving: FuturesUnordered<BoxFuture<'static, Saved>>,
    /// Whom the lines in `saving` concern: each person once.
    busy: HashSet<PersonId>,
    saved: u64,
    refused: RefusedLines,
}

/// What became of one line.
struct Saved {
    line: u64,
    id: PersonId,
    result: Result<(), Problem>,
}

impl Import {
    fn new(state: Shared, trace: Option<TraceContext>) -> Self {
        Self {
            lines: Lines::new(state.options.body_bytes_max),
            state,
            trace,
            saving: FuturesUnordered::new(),
            busy: HashSet::new(),
            saved: 0,
            refused: RefusedLines::default(),
        }
    }

    /// Reads the body to its end, or until too many lines were refused.
    async fn run(&mut self, chunks: &mut Chunks) -> Result<Ending, Problem> {
        while let Some(chunk) = self.next_chunk(chunks).await? {
            self.lines.push(chunk);
            while let Some((number, line)) = self.lines.next() {
                self.take(number, line).await;
                if self.refused.len() >= self.state.options.import_refused_max.get() {
                    return Ok(Ending::Stopped);
                }
            }
        }
        if let Some((number, line)) = self.lines.finish() {
            self.take(number, line).await;
        }
        Ok(Ending::Complete)
    }

    /// Waits for bytes while lines are being saved. The wait for bytes is one future, so that its
    /// deadline is not moved by what else happens.
    async fn next_chunk(&mut self, chunks: &mut Chunks) -> Result<Option<Bytes>, Problem> {
        let mut next = std::pin::pin!(chunks.next());
        loop {
            tokio::select! {
                chunk = &mut next => return chunk,
                // Cancel safe: a finished line stays in the set until it is returned.
                Some(saved) = self.saving.next() => self.settle(saved),
            }
        }
    }

    /// Checks a line and begins to save it, once there is room and no earlier line about that
    /// person is under way.
    async fn take(&mut self, number: u64, line: Line) {
        let (id, write) = match self.read(number, &line) {
            Ok(Some(write)) => (write.id, write),
            Ok(None) => return,
            Err(problem) => return self.refuse(number, problem),
        };
        while self.busy.contains(&id)
            || self.saving.len() >= self.state.options.import_in_flight.get()
        {
            let saved = self
                .saving
                .next()
                .await
                .expect("a person is busy only while its line is being saved");
            self.settle(saved);
        }
        self.busy.insert(id);
        let store = self.state.store.clone();
        self.saving.push(Box::pin(async move {
            let result = async { store.get()?.apply(write).await }.await;
            let result = result.map(drop).map_err(|error| match error {
                StoreError::OutcomeUnknown(_) => Problem::from(error).with("id", id.to_string()),
                error => error.into(),
            });
            Saved {
                line: number,
                id,
                result,
            }
        }));
    }

    /// The write that a line asks for; none for a blank line.
    fn read(&self, number: u64, line: &Line) -> Result<Option<Write>, Problem> {
        let Line::Whole(bytes) = line else {
            let detail = format!(
                "A line must not be longer than {} bytes.",
                self.state.options.body_bytes_max
            );
            return Err(Problem::new(ProblemKind::TooLarge, detail));
        };
        // Where files were joined, a byte order mark may stand alone.
        let unmarked = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        if unmarked.trim_ascii().is_empty() {
            return Ok(None);
        }
        let draft = body::text(bytes).and_then(|text| Ok(Draft::parse(text, IdRule::Names)?));
        let draft = draft.map_err(|problem| match problem.kind() {
            // Its place in the body, not in the line.
            ProblemKind::Malformed => problem.with("line", number),
            _ => problem,
        })?;
        Ok(Some(Write {
            id: draft.id.unwrap_or_else(|| PersonId::new(fresh_uuid())),
            save: Some(draft.fields.to_json()),
            expect: Expect::Anything,
            idempotency: None,
            time: (self.state.clock)(),
            trace: self.trace,
        }))
    }

    fn settle(&mut self, saved: Saved) {
        self.busy.remove(&saved.id);
        match saved.result {
            Ok(()) => {
                self.saved += 1;
                self.state.metrics.import_lines.at(LineLabel::Saved).inc();
            }
            Err(problem) => self.refuse(saved.line, problem),
        }
    }

    fn refuse(&mut self, line: u64, problem: Problem) {
        self.refused.add(line, &problem);
        self.state.metrics.import_lines.at(LineLabel::Refused).inc();
    }

    /// Waits for the lines that are being saved; each is bounded in time by the store.
    async fn drain(&mut self) {
        while let Some(saved) = self.saving.next().await {
            self.settle(saved);
        }
    }

    fn report(self, ending: Ending) -> Response {
        let total = json!({
            "saved": self.saved, "refused": self.refused.len(), "lines": self.lines.count(),
        });
        let (length, pieces) = self.refused.answer(total.to_string());
        let pieces = pieces.map(Ok::<_, Infallible>);
        let mut response = Response::new(Body::from_stream(stream::iter(pieces)));
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length.into());
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(media::NDJSON),
        );
        if ending == Ending::Stopped {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
