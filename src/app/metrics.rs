//! The metrics of all modules, in one registry.

use prometheus_client::registry::Registry;

use crate::telemetry::{self, Readiness, traces};
use crate::{auth, fanout, http, limits, relay, session, store};

/// The metrics of all modules. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct GatewayMetrics {
    pub(super) auth: auth::Metrics,
    pub(super) http: http::Metrics,
    pub(super) limits: limits::Metrics,
    pub(super) store: store::Metrics,
    pub(super) relay: relay::Metrics,
    pub(super) session: session::Metrics,
    pub(super) fanout: fanout::Metrics,
    pub(super) traces: traces::Metrics,
}

impl GatewayMetrics {
    /// Fresh metrics, and the registry in which all of them are.
    pub(super) fn registered(readiness: Readiness) -> (Registry, Self) {
        let mut registry = telemetry::registry(readiness);
        let metrics = Self {
            auth: auth::Metrics::register(&mut registry),
            http: http::Metrics::register(&mut registry),
            limits: limits::Metrics::register(&mut registry),
            store: store::Metrics::register(&mut registry),
            relay: relay::Metrics::register(&mut registry),
            session: session::Metrics::register(&mut registry),
            fanout: fanout::Metrics::register(&mut registry),
            traces: traces::Metrics::register(&mut registry),
        };
        (registry, metrics)
    }
}
