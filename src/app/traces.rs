//! Traces from start to end: on where a collector is named, and what waits at the end is sent
//! within the grace period.

use std::time::Duration;

use tokio::time::Instant;

use super::AppError;
use crate::config::Settings;
use crate::telemetry::traces::Export;
use crate::telemetry::{Metrics, Traces};

/// The part of the grace period that the last export may take, as its divisor.
const SHARE_OF_GRACE: u32 = 4;

/// Where spans begin, and how they leave.
pub(super) struct Traced {
    pub(super) traces: Traces,
    /// With the longest time that one export may take.
    export: Option<(Export, Duration)>,
}

impl Traced {
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

    /// What is left of the grace period for all else.
    pub(super) fn leave(&self, grace: Duration) -> Duration {
        let last = self.export.as_ref().map_or(Duration::ZERO, |(_, timeout)| {
            (*timeout).min(grace / SHARE_OF_GRACE)
        });
        grace.saturating_sub(last)
    }

    /// Sends what waits; called when all else has ended.
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
