//! Live updates as a whole: history, sessions, and the thread that serves them once the store is
//! open.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::AppError;
use crate::config::Settings;
use crate::fanout::{self, Dispatcher};
use crate::history::History;
use crate::relay;
use crate::session::Sessions;
use crate::store::{Store, StoreSlot};
use crate::telemetry::{Metrics, Readiness, Traces};

/// Everything between the store's channel and the clients' sockets.
pub(super) struct Live {
    pub(super) sessions: Sessions,
    /// Until the relay takes it to its thread.
    dispatcher: Option<Dispatcher>,
    relay_options: relay::Options,
    metrics: Metrics,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl Live {
    /// Ready for sessions; they are refused until the relay follows a store. Must be called inside
    /// the runtime.
    pub(super) fn new(
        settings: &Settings,
        slot: &StoreSlot,
        metrics: &Metrics,
        traces: &Traces,
    ) -> Self {
        let history = Arc::new(History::new(settings.history_options()));
        let (sessions, commands) = Sessions::new(
            Arc::clone(&history),
            slot.clone(),
            settings.session_options(),
            metrics.clone(),
        );
        let dispatcher = Dispatcher::new(
            settings.fanout_options(),
            history,
            (sessions.clone(), commands),
            metrics.clone(),
            traces.clone(),
        );
        tokio::spawn(sessions.clone().watch());
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
    pub(super) fn follow(
        &mut self,
        store: Arc<dyn Store>,
        readiness: &Readiness,
    ) -> Result<(), AppError> {
        let Some(dispatcher) = self.dispatcher.take() else {
            return Ok(());
        };
        let links = relay::Links {
            store,
            readiness: readiness.clone(),
            metrics: self.metrics.clone(),
        };
        let (stop, ended) = (self.stop.clone(), self.ended.clone());
        fanout::spawn(self.relay_options, links, dispatcher, stop, ended).map_err(|source| {
            AppError::System {
                what: "start the relay",
                source,
            }
        })
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
