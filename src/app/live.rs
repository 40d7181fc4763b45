//! Live updates as a whole: the hub, its sessions, and the relay that feeds it once the store is open.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::AppError;
use crate::config::Settings;
use crate::hub::{Dispatcher, Hub};
use crate::relay;
use crate::session::Sessions;
use crate::store::{Store, StoreSlot};
use crate::telemetry::{Metrics, Readiness, Traces};

/// Everything between the store's channel and the clients' sockets.
pub(super) struct Live {
    pub(super) sessions: Arc<Sessions>,
    /// Until the relay takes it to its thread.
    dispatcher: Option<Dispatcher>,
    relay_options: relay::Options,
    metrics: Metrics,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl Live {
    /// Ready for sessions; they are refused until the relay follows a store. Must be called inside the runtime.
    pub(super) fn new(settings: &Settings, slot: &StoreSlot, metrics: &Metrics, traces: &Traces) -> Self {
        let (hub, mut dispatcher) = Hub::new(settings.hub_options(), metrics.clone());
        dispatcher.trace(traces.clone());
        let sessions = Sessions::new(Arc::clone(&hub), slot.clone(), settings.session_options());
        tokio::spawn(hub.turn_wheel());
        Self {
            sessions,
            dispatcher: Some(dispatcher),
            relay_options: settings.relay_options(),
            metrics: metrics.clone(),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
        }
    }

    /// Starts the relay; once is enough.
    pub(super) fn follow(&mut self, store: Arc<dyn Store>, readiness: &Readiness) -> Result<(), AppError> {
        let Some(dispatcher) = self.dispatcher.take() else { return Ok(()) };
        let links = relay::Links { store, dispatcher, readiness: readiness.clone(), metrics: self.metrics.clone() };
        let (stop, ended) = (self.stop.clone(), self.ended.clone());
        relay::spawn(self.relay_options, links, stop, ended)
            .map_err(|source| AppError::System { what: "start the relay", source })
    }

    /// Comes back when the relay has ended though nobody asked it to. Cancel safe.
    pub(super) async fn failed(&self) {
        self.ended.cancelled().await;
    }

    /// Closes all sessions within `grace`, then ends the relay.
    pub(super) async fn close(&self, grace: Duration) {
        self.sessions.close_all(grace).await;
        self.stop.cancel();
    }
}
