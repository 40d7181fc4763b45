//! The spans of requests and of their writes. There are none where tracing is off.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method};
use axum::response::Response;

use super::HttpState;
use super::envelope::{self, REQUEST_ID};
use crate::domain::{Operation, TraceContext};
use crate::store::{StoreError, Write, WriteOutcome};
use crate::telemetry::traces::{PublishSpan, RequestSpan};
use crate::telemetry::{Label as _, Traces};

/// Names the span of the caller that waits for the answer (W3C Trace Context).
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Begins the span; `route` is the template of the path. The request then carries the span's
/// context as an extension.
pub(super) fn begin(
    traces: &Traces,
    route: Option<&'static str>,
    request: &mut Request,
) -> Option<RequestSpan> {
    if !traces.are_on() {
        return None;
    }
    let parent = parent(request.headers());
    let span = traces.request(
        method_name(request.method()),
        route,
        request.uri().path(),
        parent,
    )?;
    if let Some(context) = span.context() {
        request.extensions_mut().insert(context);
    }
    Some(span)
}

/// Ends the span.
pub(super) fn end(span: Option<RequestSpan>, answer: &Response) {
    if let Some(span) = span {
        let id = answer
            .headers()
            .get(REQUEST_ID)
            .and_then(|id| id.to_str().ok());
        span.answered(answer.status().as_u16(), id);
    }
}

impl HttpState {
    /// Hands a write to the store. If the write's request is recorded, the write has a span of its
    /// own, whose context the change carries.
    pub(super) async fn apply(&self, mut write: Write) -> Result<WriteOutcome, StoreError> {
        let store = self.store.get()?;
        let operation = if write.save.is_some() {
            Operation::Save
        } else {
            Operation::Delete
        };
        let request = write.trace.take().filter(|request| request.is_sampled());
        let span = request.and_then(|request| self.traces.publish(operation, request));
        let context = span.as_ref().and_then(PublishSpan::context);
        write.trace = context.filter(|context| context.is_sampled());
        let outcome = store.apply(write).await;
        if let Some(span) = span {
            end_write(span, &outcome);
        }
        outcome
    }
}

/// Ends the span of a write with its outcome.
fn end_write(span: PublishSpan, outcome: &Result<WriteOutcome, StoreError>) {
    match outcome {
        Ok(WriteOutcome::Done { at, .. }) => span.published(*at),
        Ok(WriteOutcome::Replayed(_)) => span.answered("replayed"),
        Ok(WriteOutcome::KeyReused) => span.answered("key_reused"),
        Ok(WriteOutcome::Conflict { .. }) => span.answered("conflict"),
        Ok(WriteOutcome::NotFound) => span.answered("not_found"),
        Err(error) => span.failed(error.kind().name()),
    }
}

/// The caller's span. A malformed or repeated header counts as none (W3C Trace Context).
fn parent(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(TRACE_PARENT).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    only.to_str().ok()?.parse().ok()
}

/// The method's name by the conventions of OpenTelemetry.
fn method_name(method: &Method) -> &'static str {
    match envelope::method_label(method) {
        "other" => "_OTHER",
        known => known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_counts_only_where_it_is_well_formed_and_alone() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (values, counts) in [
            (&[good][..], true),
            (&[], false),
            (&["00-junk"], false),
            (&[good, good], false),
            (
                &["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
                false,
            ),
        ] {
            let headers = values
                .iter()
                .map(|value| (TRACE_PARENT, value.parse().unwrap()));
            assert_eq!(parent(&headers.collect()).is_some(), counts, "{values:?}");
        }
    }
}
