//! The trace export from start to end. It is on where a collector is set, and sends its queue at
//! the end, within the grace period.

use std::time::Duration;

use tokio::time::Instant;

use super::AppError;
use crate::config::Settings;
use crate::telemetry::Traces;
use crate::telemetry::traces::{Export, Metrics};

/// The part of the grace period that the last export may take, as its divisor.
const SHARE_OF_GRACE: u32 = 4;

/// The source of spans, and their export.
pub(super) struct TraceExport {
    pub(super) traces: Traces,
    /// The export, and the limit of one.
    export: Option<(Export, Duration)>,
}

impl TraceExport {
    pub(super) fn start(settings: &Settings, metrics: &Metrics) -> Result<Self, AppError> {
        let Some(options) = settings.trace_options() else {
            return Ok(Self {
                traces: Traces::default(),
                export: None,
            });
        };
        let (export, traces) = Export::start(&options, metrics)?;
        tracing::info!(endpoint = %options.endpoint, "requests are traced");
        Ok(Self {
            traces,
            export: Some((export, options.timeout)),
        })
    }

    /// The part of the grace period before the last export.
    pub(super) fn grace_before(&self, grace: Duration) -> Duration {
        let last = self.export.as_ref().map_or(Duration::ZERO, |(_, timeout)| {
            (*timeout).min(grace / SHARE_OF_GRACE)
        });
        grace.saturating_sub(last)
    }

    /// Sends the queue; called when everything else has ended.
    pub(super) async fn close(&self, deadline: Instant) {
        if let Some((export, timeout)) = &self.export {
            export
                .close(
                    deadline
                        .saturating_duration_since(Instant::now())
                        .min(*timeout),
                )
                .await;
        }
    }
}
