//! How spans leave: gathered by a thread of the SDK from a bounded queue, sent in batches, and lost
//! where a collector does not take them.

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

use super::counted::Counted;
use super::sender::Sender;
use super::{Endpoint, SampleRatio, Traces};
use crate::telemetry::Metrics;

/// By which name the gateway is known among other services.
const SERVICE: &str = "people-gateway";

/// Where spans go, and what may wait for that.
#[derive(Clone, Debug)]
pub struct Options {
    /// The collector.
    pub endpoint: Endpoint,
    /// The share of requests that are recorded, where the caller did not decide it.
    pub sample_ratio: SampleRatio,
    /// One export, from connecting to the answer.
    pub timeout: Duration,
    /// How long a span that ended may wait for others to be sent with it.
    pub interval: Duration,
    /// Spans that may wait; one more is dropped.
    pub queue: NonZeroUsize,
    /// The store, as the conventions of OpenTelemetry name it (`db.system.name`).
    pub system: &'static str,
}

/// The export cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Not by the SDK.
    #[error("the export of traces cannot be set up: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// Not by the HTTP client.
    #[error("the export of traces cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// The way out of this process, held until it ends. Dropping it without [`Export::close`] may block
/// for some seconds.
#[derive(Debug)]
pub struct Export(SdkTracerProvider);

impl Export {
    /// Starts the thread that exports. Spans begin at the [`Traces`]. Must be called inside the
    /// runtime that is to send.
    pub fn start(options: &Options, metrics: &Metrics) -> Result<(Self, Traces), ExportError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(options.endpoint.traces())
            .with_timeout(options.timeout)
            .with_http_client(Sender::new(options.timeout)?)
            .build()?;
        let exporter = Counted {
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
            .with_span_processor(Counted {
                inner: processor,
                spans: metrics.trace_spans.clone(),
            })
            .build();
        let traces = Traces::new(provider.tracer(SERVICE), options.system);
        Ok((Self(provider), traces))
    }

    /// Sends what waits, for at most `within`. Spans that end later are lost.
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

/// Who speaks: this process. The environment may add to it (`OTEL_RESOURCE_ATTRIBUTES`).
fn resource() -> Resource {
    let instance = Uuid::new_v4().to_string();
    Resource::builder()
        .with_service_name(SERVICE)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build()
}
