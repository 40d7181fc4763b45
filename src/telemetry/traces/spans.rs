//! Every span of the gateway, with its attributes. Names follow OpenTelemetry's conventions for
//! HTTP and messaging: <https://opentelemetry.io/docs/specs/semconv/>.

use std::sync::OnceLock;

use opentelemetry::trace::{Span as _, SpanKind, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::tracer::{OpenSpan, SpanStart, Traces};
use crate::domain::{LogPosition, Operation, TraceContext};

/// The destination that changes are published to and relayed from.
const DESTINATION: &str = "people";

/// The span of a request, from its head to the head of its answer. Boxed, because every request's
/// future has room for one.
#[derive(Debug)]
pub struct RequestSpan(Box<OpenSpan>);

/// The span of a write, from the store's queue to its answer. The change carries its context.
#[derive(Debug)]
pub struct PublishSpan(OpenSpan);

/// The span of a change in one gateway, until it was written to all sessions that it concerns.
#[derive(Debug)]
pub struct RelaySpan {
    span: OpenSpan,
    reach: OnceLock<Reach>,
}

/// How many groups and sessions a change concerns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach {
    groups: usize,
    sessions: usize,
}

impl Reach {
    /// Adds a group of `sessions` sessions.
    pub fn add_group(&mut self, sessions: usize) {
        self.groups += 1;
        self.sessions += sessions;
    }
}

impl Traces {
    /// Begins the span of a request. `method` is a method of HTTP, or `_OTHER`; `route` is the
    /// template of the path.
    pub fn request(
        &self,
        method: &'static str,
        route: Option<&str>,
        path: &str,
        parent: Option<TraceContext>,
    ) -> Option<RequestSpan> {
        let tracer = self.tracer()?;
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.path", path.to_owned()),
            KeyValue::new("url.scheme", "http"),
        ];
        attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
        // The conventions' name for an unknown method.
        let verb = if method == "_OTHER" { "HTTP" } else { method };
        let name = route.map_or_else(|| verb.to_owned(), |route| format!("{verb} {route}"));
        let span = tracer.begin(SpanStart {
            kind: SpanKind::Server,
            name,
            parent,
            link: None,
            attributes,
        });
        Some(RequestSpan(Box::new(span)))
    }

    /// Begins the span of a write, as a part of `request`.
    pub fn publish(&self, operation: Operation, request: TraceContext) -> Option<PublishSpan> {
        let tracer = self.tracer()?;
        let operation = match operation {
            Operation::Save => "save",
            Operation::Delete => "delete",
        };
        let attributes = vec![
            KeyValue::new("db.system.name", tracer.system),
            KeyValue::new("db.operation.name", operation),
            KeyValue::new("messaging.system", tracer.system),
            KeyValue::new("messaging.destination.name", DESTINATION),
            KeyValue::new("messaging.operation.type", "send"),
            KeyValue::new("messaging.operation.name", "publish"),
        ];
        let name = format!("publish {DESTINATION}");
        let parent = Some(request);
        let span = tracer.begin(SpanStart {
            kind: SpanKind::Producer,
            name,
            parent,
            link: None,
            attributes,
        });
        Some(PublishSpan(span))
    }

    /// Begins the span of a relayed change that the span `written` published: a part of the same
    /// trace, linked to that span as the conventions require of consumers.
    pub fn relay(&self, at: LogPosition, written: TraceContext) -> Option<RelaySpan> {
        let tracer = self.tracer()?;
        let mut attributes = vec![
            KeyValue::new("messaging.system", tracer.system),
            KeyValue::new("messaging.destination.name", DESTINATION),
            KeyValue::new("messaging.operation.type", "process"),
            KeyValue::new("messaging.operation.name", "relay"),
        ];
        attributes.extend(position_attributes(at));
        let name = format!("relay {DESTINATION}");
        let (parent, link) = (Some(written), Some(written));
        let span = tracer.begin(SpanStart {
            kind: SpanKind::Consumer,
            name,
            parent,
            link,
            attributes,
        });
        Some(RelaySpan {
            span,
            reach: OnceLock::new(),
        })
    }
}

impl RequestSpan {
    /// The context for spans that the request causes.
    pub fn context(&self) -> Option<TraceContext> {
        self.0.context()
    }

    /// Ends the span with the answer.
    pub fn answered(mut self, status: u16, request_id: Option<&str>) {
        let span = &mut self.0.0;
        span.set_attribute(KeyValue::new(
            "http.response.status_code",
            i64::from(status),
        ));
        if let Some(id) = request_id {
            let id = Value::Array(Array::String(vec![StringValue::from(id.to_owned())]));
            span.set_attribute(KeyValue::new("http.response.header.x-request-id", id));
        }
        if status >= 500 {
            span.set_attribute(KeyValue::new("error.type", status.to_string()));
            span.set_status(Status::error(""));
        }
    }
}

impl PublishSpan {
    /// The context that the change carries.
    pub fn context(&self) -> Option<TraceContext> {
        self.0.context()
    }

    /// Ends the span of a write that happened.
    pub fn published(mut self, at: LogPosition) {
        self.0.0.set_attributes(position_attributes(at));
    }

    /// Ends the span of a write that changed nothing.
    pub fn answered(mut self, outcome: &'static str) {
        self.0
            .0
            .set_attribute(KeyValue::new("people_gateway.outcome", outcome));
    }

    /// Ends the span of a write that failed.
    pub fn failed(mut self, error: &'static str) {
        self.0.0.set_attribute(KeyValue::new("error.type", error));
        self.0.0.set_status(Status::error(""));
    }
}

impl RelaySpan {
    /// Sets how many groups and sessions the change concerns.
    pub fn reaches(&self, reach: Reach) {
        // A change is evaluated once; a second call would say the same.
        let _ = self.reach.set(reach);
    }
}

impl Drop for RelaySpan {
    fn drop(&mut self) {
        let Some(Reach { groups, sessions }) = self.reach.get() else {
            return;
        };
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.span.0.set_attributes([
            KeyValue::new("people_gateway.groups", count(*groups)),
            KeyValue::new("people_gateway.sessions", count(*sessions)),
        ]);
    }
}

/// The attributes that name a change: its partition, and its log position.
fn position_attributes(at: LogPosition) -> [KeyValue; 2] {
    [
        KeyValue::new(
            "messaging.destination.partition.id",
            at.partition.to_string(),
        ),
        KeyValue::new("messaging.message.id", at.to_string()),
    ]
}
