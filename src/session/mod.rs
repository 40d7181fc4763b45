//! Everything of one client: its connection, its requests, and its catch-up while the dispatcher
//! does not serve it.
//!
//! A session owns its socket. The [`Connection`] is its sending half; the reader is a small task
//! that sleeps until the peer sends something; the drainer is a task that exists only while
//! something waits for the socket or has to be caught up with. `state` is the one table of its
//! states. The dispatching thread, above, is reached by [`SessionCommand`]s and holds a
//! [`ServeHandle`] for each session that it serves.

mod catch_up;
mod command;
mod connection;
mod liveness;
mod notification;
mod options;
mod reading;
mod shared;
mod shutdown;
mod start;
mod state;
mod subscription;
mod tick;
mod token;

pub use command::{DispatcherEnded, SessionCommand};
pub(crate) use connection::Gone;
pub use connection::{
    CatchUp, ClientRequest, Connection, Delivery, DeliveryOutcome, DrainHandle, DrainStep,
    MemberSlot, PairEnd, PendingWrite, ResetCause, ServeHandle, Socket, TooManyRequests,
};
pub use notification::{Notification, Payload, WriteBatch};
pub use options::Options;
pub use reading::{FrameReader, Incoming};
pub use shared::{Metrics, ReplaySource, TokenRefresh};
pub use start::{Opening, Start, StartError};
pub use subscription::Subscription;
pub use token::VerifyToken;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::domain::Partitions;
use crate::filter::SharedFilters;
use crate::history::History;
use crate::protocol::close::Close;
use crate::store::StoreSlot;
use reading::Reader;
use shared::Shared;
use token::HeldToken;

/// All sessions of a gateway.
#[derive(Clone)]
pub struct Sessions(Arc<Shared>);

impl Sessions {
    /// Shards of the roster.
    pub const SHARDS: usize = shared::SHARDS;

    /// No sessions yet; the receiver is for the dispatching thread. `verify` verifies the tokens
    /// that clients send, where callers need tokens. Must be called inside the runtime that is to
    /// run the sessions.
    pub fn new(
        history: Arc<History>,
        store: StoreSlot,
        options: Options,
        verify: Option<VerifyToken>,
        metrics: Metrics,
    ) -> (Self, mpsc::Receiver<SessionCommand>) {
        let (shared, commands) = Shared::new(history, store, options, verify, metrics);
        (Self(Arc::new(shared)), commands)
    }

    /// The metrics of the sessions.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The filters of all sessions.
    pub fn filters(&self) -> &SharedFilters {
        &self.0.filters
    }

    /// The limits.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Runs a session's beginning as one of the tasks that a shutdown waits for.
    pub fn spawn(&self, beginning: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(beginning);
    }

    /// Drives pings and deadlines; runs as long as the gateway.
    pub async fn watch(self) {
        liveness::watch_all(self.0).await;
    }

    /// The partitions that a cursor names, once a session can begin.
    pub fn partitions(&self) -> Result<Partitions, StartError> {
        start::partitions(&self.0)
    }

    /// Decides where a session begins.
    pub async fn start(
        &self,
        subscription: Subscription,
        start: Start,
    ) -> Result<Opening, StartError> {
        start::start(&self.0, subscription, start).await
    }

    /// Serves a client. `early` are bytes that the peer sent right after its handshake; `permit` is
    /// dropped when the session ends.
    pub async fn serve<P: Send + 'static>(
        self,
        socket: impl Into<Socket>,
        early: Bytes,
        opening: Opening,
        permit: P,
    ) {
        let Opening {
            subscription,
            catch_up,
            greeting,
            token,
        } = opening;
        let shared = self.0;
        let format = subscription.format;
        let handle = Connection::open(socket.into(), subscription, catch_up, greeting);
        let connection = handle.connection();
        shared.watch(connection);
        if let Some(token) = token {
            let held = HeldToken::new(token, shared.now(), shared.options.refresh_lead);
            let (generation, due) = connection.hold(held);
            shared.timers.watch_token(connection, generation, due);
        }
        shared.metrics.sessions.at(format).inc();
        let reader = Reader::new(Arc::clone(&shared), Arc::clone(connection));
        shared.tasks.spawn(reader.run(early, permit));
        catch_up::run(shared, handle).await;
    }

    /// Closes all sessions with 1012, spread out, and returns when all have ended or `grace` is
    /// over. Sessions first get all that was accepted until now, if the store answers.
    pub async fn close_all(&self, grace: Duration) {
        shutdown::close_all(&self.0, grace).await;
    }

    /// Starts the drainer of a session, where it needs one.
    pub fn drain(&self, handle: Option<DrainHandle>) {
        if let Some(handle) = handle {
            catch_up::drain(&self.0, handle);
        }
    }

    /// Closes a session.
    pub fn close(&self, session: &ServeHandle, close: &Close) {
        self.drain(self.0.close(session.connection(), close));
    }

    /// The time on the sessions' clock.
    #[cfg(test)]
    pub(crate) fn now(&self) -> tick::Tick {
        self.0.now()
    }

    /// Takes a new session in. For tests: `serve` does it.
    #[cfg(test)]
    pub(crate) fn adopt(&self, handle: &DrainHandle) {
        self.0.watch(handle.connection());
    }

    /// Forgets a session that has ended.
    pub fn remove(&self, session: &ServeHandle) {
        self.0.roster.remove(session.connection());
    }

    /// The sessions of a shard of the roster, by its number from 0. A session stays in its shard.
    pub fn shard(&self, number: usize) -> Vec<ServeHandle> {
        let shard = self.0.roster.shard(number);
        shard.into_iter().map(ServeHandle::new).collect()
    }

    /// The shard of a session.
    pub fn shard_of(session: &ServeHandle) -> usize {
        shared::shard_of(session.connection())
    }
}
