//! `POST /people/import`: people as NDJSON, one a line, saved while they arrive.
//!
//! Memory is bounded for any number of lines: a few are saved at a time, and only refused ones are
//! kept. Lines about the same person are saved in their order.

mod lines;
mod person_line;
mod refused_lines;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use serde_json::json;
use tokio::time::Instant;

use self::lines::{BodyLines, ImportLine};
use self::person_line::PersonLine;
use self::refused_lines::RefusedLines;
use super::idempotency::CallerKey;
use super::preconditions::Precondition;
use crate::domain::{IdRule, PersonId, TraceContext};
use crate::http::SharedState;
use crate::http::caller::{Caller, lifetime};
use crate::http::metrics::LineResult;
use crate::http::request::body::{self, BodyReader};
use crate::http::request::media;
use crate::http::request::query::Parameters;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::{Rights, Verb};
use crate::telemetry::clock::fresh_uuid;

/// The most bytes that are read and dropped after an import stopped.
const SKIPPED_BYTES: usize = 256 << 20;

/// Answers when the body has been read: with one line for each refused line, and a last one with
/// the totals.
pub(in crate::http) async fn import(
    Extract(state): Extract<SharedState>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Verb::Import)?;
    let (parts, content) = request.into_parts();
    Parameters::none(parts.uri.query())?;
    media::check_body(&parts.headers, media::LINES).map_err(|problem| {
        let (name, value) = media::accept_header("accept-post", media::LINES);
        problem.with_header(name, value)
    })?;
    Precondition::none(&parts.headers)?;
    CallerKey::none(&parts.headers)?;
    // Without a store nothing is read.
    state.store.get()?;
    let mut reader = BodyReader {
        body: content,
        idle_limit: state.options.body_idle_limit,
        end: None,
    };
    state.metrics.imports.inc();
    let mut import = Import::new(state, &caller, parts.extensions.get().copied());
    let end = import.run(&mut reader, &caller).await;
    import.drain().await;
    if let Ok(ImportEnd::Stopped) = end {
        skip(&mut reader).await;
    }
    match end {
        Ok(end) => Ok(import.report(end)),
        Err(problem) => {
            let Import { saved, refused, .. } = &import;
            Err(problem
                .with("saved", *saved)
                .with("refused", refused.len())
                .with("lines", import.lines.count()))
        }
    }
}

/// Reads on to the end of a body that is not imported any further. A client that sends the whole
/// body before it reads would lose the answer otherwise. A longer body than [`SKIPPED_BYTES`] is
/// cut.
async fn skip(reader: &mut BodyReader) {
    let mut left = SKIPPED_BYTES;
    while left > 0 {
        match reader.next().await {
            Ok(Some(bytes)) => left = left.saturating_sub(bytes.len()),
            Ok(None) | Err(_) => return,
        }
    }
}

/// The end of an import whose body arrived without errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ImportEnd {
    /// All lines were read.
    Complete,
    /// Too many lines were refused, and the others were not read.
    Stopped,
}

/// A running import.
struct Import {
    state: SharedState,
    /// What the caller may do.
    rights: Arc<Rights>,
    /// The span of the request.
    trace: Option<TraceContext>,
    /// When the caller's token ends.
    end: Option<Instant>,
    lines: BodyLines,
    saving: FuturesUnordered<BoxFuture<'static, LineOutcome>>,
    /// The people of the lines in `saving`: each person at most once.
    busy: HashSet<PersonId>,
    saved: u64,
    refused: RefusedLines,
}

/// The outcome of saving one line.
struct LineOutcome {
    line: u64,
    id: PersonId,
    result: Result<(), Problem>,
}

impl Import {
    fn new(state: SharedState, caller: &Caller, trace: Option<TraceContext>) -> Self {
        Self {
            lines: BodyLines::new(state.options.body_bytes_max),
            state,
            rights: caller.shared_rights(),
            trace,
            end: caller.end(),
            saving: FuturesUnordered::new(),
            busy: HashSet::new(),
            saved: 0,
            refused: RefusedLines::default(),
        }
    }

    /// Reads the body to its end, or until too many lines were refused.
    async fn run(
        &mut self,
        reader: &mut BodyReader,
        caller: &Caller,
    ) -> Result<ImportEnd, Problem> {
        while let Some(bytes) = lifetime::before(self.end, self.next_bytes(reader))
            .await
            .ok_or_else(lifetime::ended)??
        {
            self.lines.push(bytes);
            while let Some((number, line)) = self.lines.next() {
                self.pace(caller).await?;
                self.take(number, line).await;
                if self.refused.len() >= self.state.options.import_refused_max.get() {
                    return Ok(ImportEnd::Stopped);
                }
            }
        }
        if let Some((number, line)) = self.lines.finish() {
            self.pace(caller).await?;
            self.take(number, line).await;
        }
        Ok(ImportEnd::Complete)
    }

    /// Waits for bytes, and takes the outcomes of lines meanwhile. One future waits for the bytes
    /// all the time, so that an outcome does not move its deadline.
    async fn next_bytes(&mut self, reader: &mut BodyReader) -> Result<Option<Bytes>, Problem> {
        let mut next = std::pin::pin!(reader.next());
        loop {
            tokio::select! {
                bytes = &mut next => return bytes,
                // Cancel safe: an outcome stays in the set until it is returned.
                Some(outcome) = self.saving.next() => self.settle(outcome),
            }
        }
    }

    /// Waits until the caller may write another line, and takes the outcomes of lines meanwhile.
    async fn pace(&mut self, caller: &Caller) -> Result<(), Problem> {
        if !self.state.limits.paces_writes() {
            return Ok(());
        }
        let (limits, end) = (Arc::clone(&self.state.limits), self.end);
        let mut paced = std::pin::pin!(limits.pace_write(caller.name()));
        let paced = async {
            loop {
                tokio::select! {
                    () = &mut paced => return,
                    // Cancel safe: an outcome stays in the set until it is returned.
                    Some(outcome) = self.saving.next() => self.settle(outcome),
                }
            }
        };
        lifetime::before(end, paced)
            .await
            .ok_or_else(lifetime::ended)
    }

    /// Checks a line and begins to save it, once there is room and no earlier line about the same
    /// person is being saved.
    async fn take(&mut self, number: u64, line: ImportLine) {
        let line = match self.read(number, &line) {
            Ok(Some(line)) => line,
            Ok(None) => return,
            Err(problem) => return self.refuse(number, problem),
        };
        let id = line.id;
        while self.busy.contains(&id)
            || self.saving.len() >= self.state.options.import_in_flight.get()
        {
            let outcome = self
                .saving
                .next()
                .await
                .expect("a person is busy only while its line is being saved");
            self.settle(outcome);
        }
        self.busy.insert(id);
        let (state, rights) = (Arc::clone(&self.state), Arc::clone(&self.rights));
        self.saving.push(Box::pin(async move {
            let result = line.save(&state, &rights).await;
            LineOutcome {
                line: number,
                id,
                result,
            }
        }));
    }

    /// The person of a line; none for a blank line.
    fn read(&self, number: u64, line: &ImportLine) -> Result<Option<PersonLine>, Problem> {
        let ImportLine::Whole(bytes) = line else {
            let detail = format!(
                "A line must not be longer than {} bytes.",
                self.state.options.body_bytes_max
            );
            return Err(Problem::new(ProblemKind::TooLarge, detail));
        };
        // In joined files a byte order mark may be alone on a line.
        let unmarked = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        if unmarked.trim_ascii().is_empty() {
            return Ok(None);
        }
        let body =
            body::text(bytes).and_then(|text| Ok(self.rights.read_body(text, IdRule::Names)?));
        let body = body.map_err(|problem| match problem.kind() {
            // The line of the body: the parser saw one line only.
            ProblemKind::Malformed => problem.with("line", number),
            _ => problem,
        })?;
        Ok(Some(PersonLine {
            id: body.id().unwrap_or_else(|| PersonId::new(fresh_uuid())),
            body,
            trace: self.trace,
        }))
    }

    fn settle(&mut self, outcome: LineOutcome) {
        self.busy.remove(&outcome.id);
        match outcome.result {
            Ok(()) => {
                self.saved += 1;
                self.state.metrics.import_lines.at(LineResult::Saved).inc();
            }
            Err(problem) => self.refuse(outcome.line, problem),
        }
    }

    fn refuse(&mut self, line: u64, problem: Problem) {
        self.refused.add(line, &problem);
        self.state
            .metrics
            .import_lines
            .at(LineResult::Refused)
            .inc();
    }

    /// Waits for the lines that are being saved; the store limits the time of each.
    async fn drain(&mut self) {
        while let Some(outcome) = self.saving.next().await {
            self.settle(outcome);
        }
    }

    fn report(self, end: ImportEnd) -> Response {
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
        if end == ImportEnd::Stopped {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
