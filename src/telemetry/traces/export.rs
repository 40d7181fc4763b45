//! Exports spans: a thread of the SDK drains a bounded queue and sends batches. A batch that the
//! collector does not accept is lost.

use std::num::NonZeroUsize;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use uuid::Uuid;

use super::endpoint::{CollectorUrl, SampleRatio};
use super::sender::Sender;
use super::span_counter::{Metrics, SpanCounter};
use super::tracer::Traces;

/// The gateway's name among other services.
const SERVICE: &str = "people-gateway";

/// Where spans go, and how many may wait.
#[derive(Clone, Debug)]
pub struct Options {
    /// The collector.
    pub endpoint: CollectorUrl,
    /// The share of requests that are recorded, unless the caller has decided that.
    pub sample_ratio: SampleRatio,
    /// The time limit of one export, from connecting to the answer.
    pub timeout: Duration,
    /// How long a span that ended may wait for others of its batch.
    pub interval: Duration,
    /// Spans that may wait; further ones are dropped.
    pub queue: NonZeroUsize,
    /// The store's name in OpenTelemetry's conventions (`db.system.name`).
    pub system: &'static str,
}

/// Why the export cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The SDK refuses the options.
    #[error("the export of traces cannot be set up")]
    Exporter(#[from] ExporterBuildError),
    /// The HTTP client cannot be made.
    #[error("the export of traces cannot be set up")]
    Client(#[from] reqwest::Error),
}

/// A running export. Dropping it without [`Export::close`] may block for some seconds.
#[derive(Debug)]
pub struct Export(SdkTracerProvider);

impl Export {
    /// Starts the thread that exports, and returns where spans begin. Must be called inside the
    /// runtime that will send.
    pub fn start(options: &Options, metrics: &Metrics) -> Result<(Self, Traces), ExportError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(options.endpoint.traces())
            .with_timeout(options.timeout)
            .with_http_client(Sender::new(&options.endpoint, options.timeout)?)
            .build()?;
        let exporter = SpanCounter {
            inner: exporter,
            spans: metrics.trace_spans_exported.clone(),
        };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(options.queue.get())
            .with_scheduled_delay(options.interval)
            .build();
        let processor = BatchSpanProcessor::new(exporter, batches);
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                options.sample_ratio.get(),
            ))))
            .with_resource(resource())
            .with_span_processor(SpanCounter {
                inner: processor,
                spans: metrics.trace_spans.clone(),
            })
            .build();
        let traces = Traces::new(provider.tracer(SERVICE), options.system);
        Ok((Self(provider), traces))
    }

    /// Sends the waiting spans, for at most `within`. Spans that end later are lost.
    pub async fn close(&self, within: Duration) {
        let provider = self.0.clone();
        let closing = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(within));
        match tokio::time::timeout(within, closing).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the last spans could not be exported"),
            Ok(Err(_)) | Err(_) => tracing::warn!("the last spans could not be exported in time"),
        }
    }
}

/// The attributes of this process. The environment may add some (`OTEL_RESOURCE_ATTRIBUTES`).
fn resource() -> Resource {
    let instance = Uuid::new_v4().to_string();
    Resource::builder()
        .with_service_name(SERVICE)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build()
}
