//! The span of a request: whose it is by the header `traceparent`, and what became of it. None
//! where traces are off.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method};
use axum::response::Response;

use super::envelope::{self, REQUEST_ID};
use crate::domain::TraceContext;
use crate::telemetry::Traces;
use crate::telemetry::traces::RequestSpan;

/// Names the span of the caller that waits for the answer (W3C Trace Context).
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Begins the span; `route` is the template of the path. The request carries its context from here
/// on, as an extension.
pub(super) fn begin(
    traces: &Traces,
    route: Option<&'static str>,
    request: &mut Request,
) -> Option<RequestSpan> {
    if !traces.are_on() {
        return None;
    }
    let parent = parent(request.headers());
    let span = traces.request(known(request.method()), route, request.uri().path(), parent)?;
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

/// The caller's span. A header that is malformed, or there twice, is as good as none, as the
/// specification has it.
fn parent(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(TRACE_PARENT).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    only.to_str().ok()?.parse().ok()
}

/// The method, as the conventions of OpenTelemetry name it.
fn known(method: &Method) -> &'static str {
    match envelope::label(method) {
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
