//! Every span of the gateway, and what is said of it, in the words of OpenTelemetry's conventions
//! for HTTP and messaging where they have one: <https://opentelemetry.io/docs/specs/semconv/>.

use std::sync::OnceLock;

use opentelemetry::trace::{Span as _, SpanKind, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::{Beginning, Span, Traces};
use crate::domain::{LogPosition, Operation, TraceContext};

/// What changes are published to, and relayed from.
const DESTINATION: &str = "people";

/// A request, from its head to the head of its answer. In a box, because every request's future has
/// room for one.
#[derive(Debug)]
pub struct RequestSpan(Box<Span>);

/// A write, from the store's queue to its answer. The change that it makes carries its context.
#[derive(Debug)]
pub struct PublishSpan(Span);

/// A change on its way through one gateway, until it was written to all sessions that it concerns.
#[derive(Debug)]
pub struct RelaySpan {
    span: Span,
    reach: OnceLock<Reach>,
}

/// Whom a change concerns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach {
    groups: usize,
    sessions: usize,
}

impl Reach {
    /// Counts a class of so many sessions with one subscription.
    pub fn add_group(&mut self, sessions: usize) {
        self.groups += 1;
        self.sessions += sessions;
    }
}

impl Traces {
    /// A request begins. `method` is one that HTTP knows, or `_OTHER`; `route` is the path with its
    /// variables by name.
    pub fn request(
        &self,
        method: &'static str,
        route: Option<&str>,
        path: &str,
        parent: Option<TraceContext>,
    ) -> Option<RequestSpan> {
        let tracer = self.0.as_ref()?;
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.path", path.to_owned()),
            KeyValue::new("url.scheme", "http"),
        ];
        attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
        // The conventions' word for a method that is not known, in a name.
        let verb = if method == "_OTHER" { "HTTP" } else { method };
        let name = route.map_or_else(|| verb.to_owned(), |route| format!("{verb} {route}"));
        let span = tracer.begin(Beginning {
            kind: SpanKind::Server,
            name,
            parent,
            link: None,
            attributes,
        });
        Some(RequestSpan(Box::new(span)))
    }

    /// A write begins, as a part of `request`.
    pub fn publish(&self, operation: Operation, request: TraceContext) -> Option<PublishSpan> {
        let tracer = self.0.as_ref()?;
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
        let span = tracer.begin(Beginning {
            kind: SpanKind::Producer,
            name,
            parent,
            link: None,
            attributes,
        });
        Some(PublishSpan(span))
    }

    /// A change has arrived that the span `written` published: its relay is a part of the same
    /// trace, and linked to that span as the conventions want it of consumers.
    pub fn relay(&self, at: LogPosition, written: TraceContext) -> Option<RelaySpan> {
        let tracer = self.0.as_ref()?;
        let mut attributes = vec![
            KeyValue::new("messaging.system", tracer.system),
            KeyValue::new("messaging.destination.name", DESTINATION),
            KeyValue::new("messaging.operation.type", "process"),
            KeyValue::new("messaging.operation.name", "relay"),
        ];
        attributes.extend(place(at));
        let name = format!("relay {DESTINATION}");
        let (parent, link) = (Some(written), Some(written));
        let span = tracer.begin(Beginning {
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
    /// How those that the request causes refer to it.
    pub fn context(&self) -> Option<TraceContext> {
        self.0.context()
    }

    /// The answer is there; the span ends.
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
    /// What the change carries.
    pub fn context(&self) -> Option<TraceContext> {
        self.0.context()
    }

    /// The write happened; the span ends.
    pub fn published(mut self, at: LogPosition) {
        self.0.0.set_attributes(place(at));
    }

    /// The store answered that nothing was to be changed; the span ends.
    pub fn answered(mut self, outcome: &'static str) {
        self.0
            .0
            .set_attribute(KeyValue::new("people_gateway.outcome", outcome));
    }

    /// The store could not do it; the span ends.
    pub fn failed(mut self, error: &'static str) {
        self.0.0.set_attribute(KeyValue::new("error.type", error));
        self.0.0.set_status(Status::error(""));
    }
}

impl RelaySpan {
    /// It is known whom the change concerns.
    pub fn reaches(&self, reach: Reach) {
        // Judged once; a second time would say the same.
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

/// Where a change stands: its partition, and its place in it as its name.
fn place(at: LogPosition) -> [KeyValue; 2] {
    [
        KeyValue::new(
            "messaging.destination.partition.id",
            at.partition.to_string(),
        ),
        KeyValue::new("messaging.message.id", at.to_string()),
    ]
}
