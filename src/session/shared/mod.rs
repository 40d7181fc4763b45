//! What all sessions share, below everything that acts on one of them.

mod metrics;
mod readings;
mod roster;
mod timer_wheel;

pub use metrics::{Metrics, ReplaySource, TokenRefresh};
pub(super) use readings::Readings;
pub(super) use roster::{SHARDS, shard_of};
pub(super) use timer_wheel::Purpose;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::command::{DispatcherEnded, SessionCommand};
use super::connection::{Begun, Connection, DrainHandle};
use super::options::Options;
use super::tick::Tick;
use super::token::VerifyToken;
use crate::filter::SharedFilters;
use crate::history::History;
use crate::protocol::close::{Close, CloseCode};
use crate::store::StoreSlot;
use crate::telemetry::LogThrottle;
use roster::Roster;
use timer_wheel::TimerWheel;

/// Between two lines about sessions that cannot catch up.
const STUCK_PAUSE: Duration = Duration::from_secs(10);

/// History, store, filters, timers, and the way to the dispatching thread.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) metrics: Metrics,
    pub(super) history: Arc<History>,
    pub(super) readings: Readings,
    pub(super) filters: SharedFilters,
    pub(super) roster: Roster,
    pub(super) timers: TimerWheel,
    pub(super) tasks: TaskTracker,
    pub(super) workers: Handle,
    /// Verifies the tokens that clients send; none where callers need none.
    pub(super) verify: Option<VerifyToken>,
    /// Sessions that cannot catch up share one log line.
    pub(super) stuck: LogThrottle,
    commands: mpsc::Sender<SessionCommand>,
}

impl Shared {
    /// Must be called inside the runtime that is to run the sessions.
    pub(super) fn new(
        history: Arc<History>,
        store: StoreSlot,
        options: Options,
        verify: Option<VerifyToken>,
        metrics: Metrics,
    ) -> (Self, mpsc::Receiver<SessionCommand>) {
        let (commands, receiver) = mpsc::channel(options.commands.get());
        let shared = Self {
            options,
            history,
            readings: Readings::new(store, options),
            filters: SharedFilters::counted(metrics.filters.clone()),
            roster: Roster::new(),
            timers: TimerWheel::new(),
            tasks: TaskTracker::new(),
            workers: Handle::current(),
            verify,
            stuck: LogThrottle::new(1, STUCK_PAUSE),
            commands,
            metrics,
        };
        (shared, receiver)
    }

    /// The time on the sessions' clock.
    pub(super) fn now(&self) -> Tick {
        self.timers.now()
    }

    /// Hands a command to the dispatching thread, waiting for room. Cancel safe: a cancelled
    /// command was not taken.
    pub(super) async fn command(&self, command: SessionCommand) -> Result<(), DispatcherEnded> {
        self.commands
            .send(command)
            .await
            .map_err(|_| DispatcherEnded)
    }

    /// Takes in a new session, once, until it ends ([`SessionCommand::Leave`]).
    pub(super) fn watch(&self, connection: &Arc<Connection>) {
        self.roster.add(connection);
        self.timers.watch(connection, &self.options);
    }

    /// Closes a session, unless that is under way. What is left to be sent still is, as long as the
    /// peer takes some of it within each close timeout; its answer is awaited for one more.
    pub(super) fn close(&self, connection: &Arc<Connection>, close: &Close) -> Option<DrainHandle> {
        let sent = &self.metrics.session_sent_bytes;
        self.watch_closing(connection, connection.close(close, self.now(), sent))
    }

    /// The peer's close frame came, with this code: answers it, or ends the session where it was
    /// the answer to ours.
    pub(super) fn peer_closed(
        &self,
        connection: &Arc<Connection>,
        code: Option<CloseCode>,
    ) -> Option<DrainHandle> {
        let sent = &self.metrics.session_sent_bytes;
        self.watch_closing(connection, connection.peer_closed(code, self.now(), sent))
    }

    fn watch_closing(
        &self,
        connection: &Arc<Connection>,
        begun: Option<Begun>,
    ) -> Option<DrainHandle> {
        let Begun(drain) = begun?;
        self.timers.watch_closing(connection, &self.options);
        drain
    }
}
