//! Where spans begin, and what every span has: a kind, a name, a parent and attributes.

use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};

use crate::domain::TraceContext;

/// Where spans begin. Clones cheaply. The default makes no spans, at the cost of one comparison.
#[derive(Clone, Debug, Default)]
pub struct Traces(Option<Tracer>);

#[derive(Clone, Debug)]
pub(super) struct Tracer {
    tracer: SdkTracer,
    /// The store's name in OpenTelemetry's conventions.
    pub(super) system: &'static str,
}

/// A span that has not ended. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct OpenSpan(pub(super) SdkSpan);

/// What a span has from its start.
pub(super) struct SpanStart {
    pub(super) kind: SpanKind,
    pub(super) name: String,
    /// The span that it is a part of; without one it begins a trace.
    pub(super) parent: Option<TraceContext>,
    /// A span that it follows from.
    pub(super) link: Option<TraceContext>,
    pub(super) attributes: Vec<KeyValue>,
}

impl Traces {
    pub(super) fn new(tracer: SdkTracer, system: &'static str) -> Self {
        Self(Some(Tracer { tracer, system }))
    }

    /// Whether spans are made at all.
    pub const fn are_on(&self) -> bool {
        self.0.is_some()
    }

    pub(super) const fn tracer(&self) -> Option<&Tracer> {
        self.0.as_ref()
    }
}

impl Tracer {
    pub(super) fn begin(&self, start: SpanStart) -> OpenSpan {
        let SpanStart {
            kind,
            name,
            parent,
            link,
            attributes,
        } = start;
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
        OpenSpan(self.tracer.build_with_context(builder, &parent))
    }
}

impl OpenSpan {
    /// The context by which other spans refer to it.
    pub(super) fn context(&self) -> Option<TraceContext> {
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
