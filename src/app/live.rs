//! Live updates as a whole: history, sessions, and the thread that serves them once the store is
//! open.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::AppError;
use super::metrics::GatewayMetrics;
use crate::config::Settings;
use crate::fanout::{self, Dispatcher};
use crate::history::History;
use crate::relay;
use crate::session::{Sessions, VerifyToken};
use crate::store::{Store, StoreSlot};
use crate::telemetry::{Readiness, Traces};

/// Everything between the store's channel and the clients' sockets.
pub(super) struct LiveUpdates {
    pub(super) sessions: Sessions,
    /// Until the relay moves it to its thread.
    dispatcher: Option<Dispatcher>,
    relay_options: relay::Options,
    relay_metrics: relay::Metrics,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl LiveUpdates {
    /// Accepts no session until the relay follows a store. Must be called inside the runtime.
    pub(super) fn new(
        settings: &Settings,
        slot: &StoreSlot,
        verify: Option<VerifyToken>,
        metrics: &GatewayMetrics,
        traces: &Traces,
    ) -> Self {
        let history = Arc::new(History::new(settings.history_options()));
        let (sessions, commands) = Sessions::new(
            Arc::clone(&history),
            slot.clone(),
            settings.session_options(),
            verify,
            metrics.session.clone(),
        );
        let dispatcher = Dispatcher::new(
            settings.fanout_options(),
            history,
            (sessions.clone(), commands),
            metrics.fanout.clone(),
            traces.clone(),
        );
        tokio::spawn(sessions.clone().watch());
        Self {
            sessions,
            dispatcher: Some(dispatcher),
            relay_options: settings.relay_options(),
            relay_metrics: metrics.relay.clone(),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
        }
    }

    /// Starts the relay; a second call does nothing.
    pub(super) fn follow(
        &mut self,
        store: Arc<dyn Store>,
        readiness: &Readiness,
    ) -> Result<(), AppError> {
        let Some(dispatcher) = self.dispatcher.take() else {
            return Ok(());
        };
        readiness.await_probes(store.partitions());
        let links = relay::Links {
            store,
            readiness: readiness.clone(),
            metrics: self.relay_metrics.clone(),
        };
        let (stop, ended) = (self.stop.clone(), self.ended.clone());
        fanout::spawn(self.relay_options, links, dispatcher, stop, ended).map_err(|source| {
            AppError::System {
                what: "start the relay",
                source,
            }
        })
    }

    /// Returns when the relay has ended without a shutdown. Cancel safe.
    pub(super) async fn failed(&self) {
        self.ended.cancelled().await;
    }

    /// Closes all sessions within `grace`, then ends the relay.
    pub(super) async fn close(&self, grace: Duration) {
        self.sessions.close_all(grace).await;
        self.stop.cancel();
    }
}
