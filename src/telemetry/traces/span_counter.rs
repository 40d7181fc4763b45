//! Counts the spans that ended and those that a collector accepted. The difference is waiting, or
//! was lost to a full queue or an outage.

use std::fmt;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use prometheus_client::metrics::counter::Counter;

use crate::telemetry::metrics;

metrics! {
    /// Counters of spans.
    pub struct Metrics {
        /// Spans that were recorded
        trace_spans: Counter,
        /// Spans that a collector took: others wait, or were dropped
        trace_spans_exported: Counter,
    }
}

/// Wraps a processor or an exporter, and counts its spans.
pub(super) struct SpanCounter<T> {
    pub(super) inner: T,
    pub(super) spans: Counter,
}

impl<T: fmt::Debug> fmt::Debug for SpanCounter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Counts spans that end.
impl<T: SpanProcessor> SpanProcessor for SpanCounter<T> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.spans.inc();
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Counts spans that the collector accepts.
impl<T: SpanExporter> SpanExporter for SpanCounter<T> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        self.inner.export(batch).await.inspect(|()| {
            self.spans.inc_by(spans);
        })
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
