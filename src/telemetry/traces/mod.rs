//! Traces: what one request or one change took, told to a collector over OTLP. Off unless an
//! endpoint is set.
//!
//! `spans` holds every span that the gateway makes, by name; `export` and `sender` carry them away.
//! Nobody waits for a collector: a span that finds the queue full is dropped.

mod counted;
mod endpoint;
mod export;
mod sender;
mod spans;

pub use endpoint::{Endpoint, InvalidEndpoint, InvalidRatio, SampleRatio};
pub use export::{Export, ExportError, Options};
pub use spans::{PublishSpan, Reach, RelaySpan, RequestSpan};

use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};

use crate::domain::TraceContext;

/// Where spans begin. Clones cheaply; the default makes none, and then costs a look at it.
#[derive(Clone, Debug, Default)]
pub struct Traces(Option<Tracer>);

#[derive(Clone, Debug)]
struct Tracer {
    tracer: SdkTracer,
    /// Where changes are published, as conventions name it.
    system: &'static str,
}

/// A span under way. It ends when it is dropped.
#[derive(Debug)]
struct Span(SdkSpan);

/// What a span is from its beginning.
struct Beginning {
    kind: SpanKind,
    name: String,
    /// Whose part it is; none begins a trace of its own.
    parent: Option<TraceContext>,
    /// What else it follows from.
    link: Option<TraceContext>,
    attributes: Vec<KeyValue>,
}

impl Traces {
    fn new(tracer: SdkTracer, system: &'static str) -> Self {
        Self(Some(Tracer { tracer, system }))
    }

    /// Whether spans are made at all.
    pub const fn are_on(&self) -> bool {
        self.0.is_some()
    }
}

impl Tracer {
    fn begin(&self, beginning: Beginning) -> Span {
        let Beginning {
            kind,
            name,
            parent,
            link,
            attributes,
        } = beginning;
        let links = link.map(|link| Link::with_context(span_context(link)));
        let builder = self
            .tracer
            .span_builder(name)
            .with_kind(kind)
            .with_attributes(attributes);
        let builder = builder.with_links(links.into_iter().collect());
        let parent = parent.map_or_else(Context::new, |parent| {
            Context::new().with_remote_span_context(span_context(parent))
        });
        Span(self.tracer.build_with_context(builder, &parent))
    }
}

impl Span {
    /// How others refer to it.
    fn context(&self) -> Option<TraceContext> {
        let context = self.0.span_context();
        let (trace, span) = (context.trace_id().to_bytes(), context.span_id().to_bytes());
        TraceContext::new(trace, span, context.is_sampled()).ok()
    }
}

fn span_context(context: TraceContext) -> SpanContext {
    let flags = TraceFlags::default().with_sampled(context.is_sampled());
    let (trace, span) = (
        TraceId::from_bytes(context.trace_id()),
        SpanId::from_bytes(context.span_id()),
    );
    SpanContext::new(trace, span, flags, true, TraceState::NONE)
}
