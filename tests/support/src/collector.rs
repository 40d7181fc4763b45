//! A collector of spans: receives OTLP over HTTP on a free port of 127.0.0.1, and returns the spans
//! that it received.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Receives spans until it is dropped.
pub struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<Span>>>,
    refusals: Arc<Refusals>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Refusals {
    on: AtomicBool,
    count: AtomicUsize,
}

/// A span: ids are hexadecimal, and the attributes include those of the process.
#[derive(Clone, Debug)]
pub struct Span {
    pub name: String,
    pub trace: String,
    pub id: String,
    pub parent: String,
    /// The trace and span of each link.
    pub links: Vec<(String, String)>,
    pub kind: i32,
    pub failed: bool,
    pub attributes: HashMap<String, String>,
}

impl Collector {
    /// Listens on a free port.
    pub async fn start() -> Self {
        let (spans, refusals) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(Refusals::default()),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (received, refuse) = (Arc::clone(&spans), Arc::clone(&refusals));
        let receive = move |body: Bytes| async move {
            if refuse.on.load(Relaxed) {
                refuse.count.fetch_add(1, Relaxed);
                return (StatusCode::FORBIDDEN, Bytes::new());
            }
            let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
            received
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(read(request));
            (StatusCode::OK, Bytes::new())
        };
        let router = Router::new().route("/v1/traces", post(receive));
        let task =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self {
            address,
            spans,
            refusals,
            task,
        }
    }

    /// The value for `trace.endpoint`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Refuses every export from now on.
    pub fn refuse(&self) {
        self.refusals.on.store(true, Relaxed);
    }

    /// Accepts every export from now on.
    pub fn accept(&self) {
        self.refusals.on.store(false, Relaxed);
    }

    /// The number of refused exports.
    pub fn refused(&self) -> usize {
        self.refusals.count.load(Relaxed)
    }

    /// All spans received so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The received spans with this name.
    pub fn named(&self, name: &str) -> Vec<Span> {
        self.spans()
            .into_iter()
            .filter(|span| span.name == name)
            .collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Span {
    /// An attribute of the span or of its process; empty if it is missing.
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

fn read(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in request.resource_spans {
        let process = resource
            .resource
            .map(|resource| resource.attributes)
            .unwrap_or_default();
        for span in resource
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans)
        {
            spans.push(span_of(span, &process));
        }
    }
    spans
}

fn span_of(span: OtlpSpan, process: &[KeyValue]) -> Span {
    let attributes = process.iter().chain(&span.attributes);
    Span {
        attributes: attributes
            .map(|pair| (pair.key.clone(), text(pair.value.as_ref())))
            .collect(),
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        links: span
            .links
            .iter()
            .map(|link| (hex(&link.trace_id), hex(&link.span_id)))
            .collect(),
        kind: span.kind,
        failed: span.status.is_some_and(|status| status.code == 2),
        name: span.name,
    }
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::ArrayValue(values)) => values
            .values
            .iter()
            .map(|value| text(Some(value)))
            .collect(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| {
        digits + &format!("{byte:02x}")
    })
}
