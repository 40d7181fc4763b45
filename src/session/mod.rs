//! A session: one client of the live stream from its handshake to its end.
//!
//! The session owns its socket. Its sending half is the hub's [`Outbox`]; here are the reader, a small task that sleeps
//! until the peer says something, and the attendant, a task that exists only while something waits for the socket or
//! has to be caught up with.

mod allowance;
mod attendant;
mod catch_up;
mod compose;
#[cfg(test)]
mod exactness_tests;
mod frames;
mod grant;
mod log;
mod reader;
mod snapshot;
mod start;
mod told;

pub use start::{NotStarted, Start, Started};

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::filter::SharedFilters;
use crate::hub::{Command, Hub, Outbox, Socket};
use crate::protocol::close::Close;
use crate::store::StoreSlot;
use log::Log;
use reader::Reader;
use told::Told;

/// The limits of one session's peer.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of one message from the peer.
    pub message_bytes: NonZeroUsize,
    /// Messages a second, over the window.
    pub messages_per_second: NonZeroU32,
    /// Fragments a second, over the window: frames that are not the last of their message.
    pub fragments_per_second: NonZeroU32,
    /// Bytes a second, over the window, headers of frames included.
    pub bytes_per_second: NonZeroU32,
    /// The window over which they are counted.
    pub message_window: Duration,
    /// Changes that a session which fell behind memory reads from the log at once.
    pub log_page: NonZeroUsize,
    /// Pause after a failed reading of the log.
    pub log_retry: Duration,
    /// How long a session waits for what cannot be read; then it is closed.
    pub read_limit: Duration,
    /// People that a snapshot reads at once.
    pub page_people: NonZeroUsize,
    /// Memory for readings of the store that sessions share, in bytes.
    pub shared_bytes: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            message_bytes: NonZeroUsize::new(64 * 1024).unwrap_or(NonZeroUsize::MIN),
            messages_per_second: NonZeroU32::new(50).unwrap_or(NonZeroU32::MIN),
            fragments_per_second: NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN),
            bytes_per_second: NonZeroU32::new(4 * 1024 * 1024).unwrap_or(NonZeroU32::MIN),
            message_window: Duration::from_secs(10),
            log_page: NonZeroUsize::new(32).unwrap_or(NonZeroUsize::MIN),
            log_retry: Duration::from_millis(200),
            read_limit: Duration::from_secs(30),
            page_people: NonZeroUsize::new(100).unwrap_or(NonZeroUsize::MIN),
            shared_bytes: NonZeroUsize::new(16 * 1024 * 1024).unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// Closed sessions a second at a shutdown, unless that would take longer than the grace period allows.
const CLOSES_PER_SECOND: u32 = 1000;
/// Pace of closing.
const CLOSE_STEP: Duration = Duration::from_millis(20);
/// How long what was accepted is waited for before the first session is closed.
const PROOF_LIMIT: Duration = Duration::from_secs(1);
/// The least time over which closed clients are asked to spread their return.
const LEAST_RETRY: Duration = Duration::from_secs(1);

/// All sessions of a gateway, and what they share.
pub struct Sessions {
    hub: Arc<Hub>,
    log: Log,
    filters: SharedFilters,
    options: Options,
    tasks: TaskTracker,
    workers: Handle,
    /// That sessions cannot be taken further is told once in a while, for all of them.
    stuck: Told,
}

impl Sessions {
    /// No sessions yet. Becomes the hub's attendant; must be called inside the runtime that is to run them.
    pub fn new(hub: Arc<Hub>, store: StoreSlot, options: Options) -> Arc<Self> {
        let log = Log::new(store, options);
        let count = hub.metrics().filters.clone();
        let (filters, tasks, workers) = (SharedFilters::counted(count), TaskTracker::new(), Handle::current());
        let sessions = Arc::new(Self { hub, log, filters, options, tasks, workers, stuck: Told::default() });
        let weak = Arc::downgrade(&sessions);
        sessions.hub.set_attendant(move |outbox| {
            if let Some(sessions) = weak.upgrade() {
                let attendant = attendant::attend(Arc::clone(&sessions), outbox);
                sessions.tasks.spawn_on(attendant, &sessions.workers);
            }
        });
        sessions
    }

    /// The filters of all sessions.
    pub fn filters(&self) -> &SharedFilters {
        &self.filters
    }

    /// Runs a session's beginning as one of the tasks that a shutdown waits for.
    pub fn spawn(&self, beginning: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(beginning);
    }

    /// Serves a client. `early` are bytes that the peer sent right after its handshake; `permit` is dropped when the
    /// session ends.
    pub async fn serve<P: Send + 'static>(
        self: Arc<Self>,
        socket: impl Into<Socket>,
        early: Bytes,
        started: Started,
        permit: P,
    ) {
        let Started { subscription, course, greeting } = started;
        let dress = subscription.dress;
        let outbox = Outbox::new(socket.into(), subscription, course, greeting);
        self.hub.watch(&outbox);
        self.hub.metrics().sessions.at(dress.label()).inc();
        let reader = Reader::new(Arc::clone(&self), Arc::clone(&outbox));
        self.tasks.spawn(reader.run(early, permit));
        attendant::attend(self, outbox).await;
    }

    /// Closes all sessions with 1012, spread out, and returns when all have ended or `grace` is over. What was accepted
    /// until now is shown before that, where the store answers.
    pub async fn close_all(&self, grace: Duration) {
        if tokio::time::timeout(grace, self.dismiss_all(grace)).await.is_err() {
            tracing::warn!(open = self.hub.sessions().len(), "sessions did not end within the grace period");
        }
    }

    async fn dismiss_all(&self, grace: Duration) {
        // A hub without a place has no sessions, and nobody who would answer.
        if self.hub.place().is_some() {
            self.hub.proof(Instant::now(), PROOF_LIMIT.min(grace / 8)).await;
        }
        let sessions = self.hub.sessions();
        let count = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
        let spread = (Duration::from_secs(1) * count / CLOSES_PER_SECOND).min(grace / 2);
        let close = Close::restart(spread.max(LEAST_RETRY));
        let steps = spread.as_millis() / CLOSE_STEP.as_millis() + 1;
        let step = sessions.len().div_ceil(usize::try_from(steps).unwrap_or(1)).max(1);
        let mut pace = tokio::time::interval(CLOSE_STEP);
        for some in sessions.chunks(step) {
            pace.tick().await;
            for outbox in some {
                self.dismiss(outbox, &close).await;
            }
        }
        drop(sessions);
        self.tasks.close();
        // Sessions whose handshake was under way when the closing began.
        while tokio::time::timeout(CLOSE_STEP, self.tasks.wait()).await.is_err() {
            for outbox in self.hub.sessions() {
                self.dismiss(&outbox, &close).await;
            }
        }
    }

    /// Closes a session behind what the hub has for it, or at once where the dispatcher has ended.
    async fn dismiss(&self, outbox: &Arc<Outbox>, close: &Close) {
        if outbox.is_closing() {
            return;
        }
        let command = Command::Dismiss(Arc::clone(outbox), close.clone());
        if self.hub.command(command).await.is_err() {
            self.hub.close(outbox, close);
        }
    }
}
