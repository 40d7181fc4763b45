//! How spans leave: gathered by the SDK in a bounded queue, sent by a thread of its own, and lost where a collector does
//! not take them. That is told when it begins and when it ends.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter as OtlpExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter,
};
use uuid::Uuid;

use super::{Endpoint, SampleRatio, Traces};

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
#[error("the export of traces cannot be set up: {0}")]
pub struct ExportError(#[from] ExporterBuildError);

/// The way out of this process, held until it ends. Dropping it without [`Export::close`] may block for some seconds.
#[derive(Debug)]
pub struct Export(SdkTracerProvider);

impl Export {
    /// Starts the thread that exports. Spans begin at the [`Traces`].
    pub fn start(options: &Options) -> Result<(Self, Traces), ExportError> {
        let exporter = OtlpExporter::builder()
            .with_http()
            .with_endpoint(options.endpoint.traces())
            .with_timeout(options.timeout)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(options.queue.get())
            .with_scheduled_delay(options.interval)
            .build();
        let exporter = Telling { exporter, failing: AtomicBool::new(false) };
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(options.sample_ratio.get()))))
            .with_resource(resource())
            .with_span_processor(BatchSpanProcessor::new(exporter, batches))
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

/// Tells an outage of the collector when it begins and when it ends; the attempts in between tell an operator nothing new.
#[derive(Debug)]
struct Telling<E> {
    exporter: E,
    failing: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Telling<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exported = self.exporter.export(batch).await;
        let was_failing = self.failing.swap(exported.is_err(), Ordering::Relaxed);
        match &exported {
            Err(error) if !was_failing => {
                tracing::warn!(%error, "spans cannot be exported: they are dropped until they can");
            }
            Ok(()) if was_failing => tracing::info!("spans are exported again"),
            _ => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
