//! The hub: what the relay passes on, in one order, reaches every session whose view shows it.
//!
//! [`Hub`] is the shared half: the ring of recent entries, the wheel of deadlines, the door for commands. One thread owns
//! the other half, the [`Dispatcher`]: it judges each change once per class of equal subscriptions and writes straight
//! to the sockets. It never waits for a client: what a socket does not take goes to its session's attendant.

mod aside;
mod burst;
mod class;
#[cfg(test)]
mod class_tests;
mod dispatcher;
mod egress;
mod outbox;
mod registry;
mod ring;
mod roster;
mod wheel;

pub use aside::{QUICK_STEPS, aside, matching, stretch};
pub use burst::{Burst, Judged, Shown};
pub use dispatcher::Dispatcher;
pub use egress::EgressChoice;
pub use outbox::{Attend, Course, Flush, Outbox, PairEnd, Socket, Wish};
pub use registry::Subscription;
pub use ring::{Entry, Event, History, Located, Place, Relation};
pub use wheel::Tick;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};

use crate::domain::At;
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::cursor::Cursor;
use crate::store::Break;
use crate::telemetry::Metrics;
use ring::Ring;
use roster::Roster;
use wheel::Wheel;

/// The least time between two comparisons of heads that sessions ask for.
const DOUBT_PAUSE: Duration = Duration::from_millis(100);
/// A doubt is repeated after this time.
const DOUBT_AGAIN: Duration = Duration::from_millis(200);

/// The limits of live sessions.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Memory for recent changes, in bytes.
    pub ring_bytes: NonZeroUsize,
    /// Changes that may wait for one slow session before it has to catch up.
    pub queue_changes: NonZeroUsize,
    /// The same in bytes of frames.
    pub queue_bytes: NonZeroUsize,
    /// How often a session is pinged.
    pub ping_interval: Duration,
    /// How long a peer may neither send anything nor take anything of what waits for it.
    pub silence_limit: Duration,
    /// How long the peer has to answer a close frame; also how long it may take nothing of what is sent before that.
    pub close_timeout: Duration,
    /// How long clients may not know their position after it moved.
    pub position_interval: Duration,
    /// By which system calls sockets are written to.
    pub egress: EgressChoice,
    /// Commands (joins, leaves, new filters) that may wait for the dispatcher; beyond it their senders wait.
    pub commands: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        let count = |n: usize| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
        Self {
            ring_bytes: count(32 * 1024 * 1024),
            queue_changes: count(256),
            queue_bytes: count(256 * 1024),
            ping_interval: Duration::from_secs(15),
            silence_limit: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            position_interval: Duration::from_secs(10),
            egress: EgressChoice::default(),
            commands: count(4096),
        }
    }
}

/// What is asked of the dispatcher; it answers between two bursts, so each takes hold at one place in the order.
#[derive(Debug)]
pub enum Command {
    /// The session has caught up to the place where it stands, and wants to be served from there.
    Join(Arc<Outbox>),
    /// The session's client asks something of its stream.
    Ask(Arc<Outbox>, Wish),
    /// The session is to be closed, behind what the hub has for it.
    Dismiss(Arc<Outbox>, Close),
    /// The session ended.
    Leave(Arc<Outbox>),
}

/// The dispatching thread is gone: nothing can be served any more.
#[derive(Debug, thiserror::Error)]
#[error("the dispatcher has ended")]
pub struct DispatcherEnded;

type Attendant = Box<dyn Fn(Arc<Outbox>) + Send + Sync>;

/// The shared half of the hub.
pub struct Hub {
    options: Options,
    metrics: Metrics,
    /// None until the relay has found its place in every log.
    ring: Mutex<Option<Ring>>,
    /// Told of every burst, and of every proof.
    moved: Notify,
    /// Told when a session knows of a history that the hub does not have, and when that was last.
    doubts: Notify,
    doubted: Mutex<Option<Instant>>,
    /// When the heads were asked for that last proved the hub's place.
    proved: Mutex<Option<Instant>>,
    commands: mpsc::Sender<Command>,
    roster: Roster,
    wheel: Wheel,
    attendant: OnceLock<Attendant>,
}

impl Hub {
    /// Both halves. The hub serves once the dispatcher was started.
    pub fn new(options: Options, metrics: Metrics) -> (Arc<Self>, Dispatcher) {
        let (commands, receiver) = mpsc::channel(options.commands.get());
        let hub = Arc::new(Self {
            options,
            metrics,
            ring: Mutex::new(None),
            moved: Notify::new(),
            doubts: Notify::new(),
            doubted: Mutex::new(None),
            proved: Mutex::new(None),
            commands,
            roster: Roster::new(),
            wheel: Wheel::new(),
            attendant: OnceLock::new(),
        });
        let dispatcher = Dispatcher::new(Arc::clone(&hub), receiver);
        (hub, dispatcher)
    }

    /// Names who attends to a session that cannot be served in passing: drains its backlog, lets it catch up, brings it
    /// back by [`Command::Join`]. Called once, before the first session.
    pub fn set_attendant(&self, attendant: impl Fn(Arc<Outbox>) + Send + Sync + 'static) {
        let _ = self.attendant.set(Box::new(attendant));
    }

    /// Where the hub stands; none until the relay has found its place in every log.
    pub fn place(&self) -> Option<Place> {
        self.with_ring(|ring| ring.end().clone())
    }

    /// Up to `most` entries after an offset; none when they are no longer all in memory.
    pub fn after(&self, offset: u64, most: usize) -> Option<Vec<Arc<Entry>>> {
        self.with_ring(|ring| ring.after(offset, most)).flatten()
    }

    /// The history that goes on; none until the relay has found its place.
    pub fn history(&self) -> Option<History> {
        self.with_ring(|ring| ring.history())
    }

    /// What broke the store's history, last, after the place with this offset.
    pub fn broken_after(&self, offset: u64) -> Option<Break> {
        self.with_ring(|ring| ring.broken_after(offset)).flatten()
    }

    /// How a position relates to the history in memory that nothing broke since.
    pub fn relation(&self, at: At) -> Option<Relation> {
        self.with_ring(|ring| ring.relation(at))
    }

    /// Where a cursor leads in the history in memory that nothing broke since.
    pub fn locate(&self, cursor: &Cursor) -> Option<Located> {
        self.with_ring(|ring| ring.locate(cursor))
    }

    /// Whether a place is in memory, and nothing broke since.
    pub fn holds(&self, place: &Place) -> bool {
        self.with_ring(|ring| ring.holds(place)).unwrap_or(false)
    }

    /// Has the relay compare its place with the store's heads soon: a session knows of a history that the hub does not have.
    /// Sessions repeat it as long as they wait; within `DOUBT_PAUSE` it counts once.
    pub fn doubt(&self) {
        let mut doubted = self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        if doubted.is_none_or(|doubted| doubted.elapsed() >= DOUBT_PAUSE) {
            *doubted = Some(Instant::now());
            self.doubts.notify_one();
        }
    }

    /// Notes that the store's heads, asked for at this moment, were found to be the hub's place.
    pub fn prove(&self, asked: Instant) {
        *self.proved.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
        self.moved.notify_waiters();
    }

    /// Whether the hub's place was proved by heads that were asked for after this moment.
    pub fn is_proved_since(&self, moment: Instant) -> bool {
        self.proved.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|proved| proved >= moment)
    }

    /// Waits until the hub's place was proved by heads that were asked for after this moment. Cancel safe.
    pub async fn proved_since(&self, moment: Instant) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.is_proved_since(moment) {
                return;
            }
            moved.await;
        }
    }

    /// Has the relay compare its place with the store's heads, and waits for the answer to a question that was asked after
    /// this moment, for no longer than `limit`. Cancel safe.
    pub async fn proof(&self, moment: Instant, limit: Duration) {
        let proof = async {
            self.doubt();
            // A question that was asked a moment earlier may have taken the place of ours.
            while timeout(DOUBT_AGAIN, self.proved_since(moment)).await.is_err() {
                self.doubt();
            }
        };
        // Without proof the store is not there.
        let _ = timeout(limit, proof).await;
    }

    /// Waits until a session doubts the hub's history. Cancel safe.
    pub async fn doubted(&self) {
        self.doubts.notified().await;
    }

    /// Waits until the hub's order goes on after an offset. Cancel safe.
    pub async fn goes_on(&self, offset: u64) {
        let moved = self.moved.notified();
        tokio::pin!(moved);
        // Listens first, so that nothing falls between the look and the wait.
        moved.as_mut().enable();
        if self.place().is_none_or(|place| place.offset <= offset) {
            moved.await;
        }
    }

    /// Hands a command to the dispatcher, waiting for room. Cancel safe: a cancelled command was not taken.
    pub async fn command(&self, command: Command) -> Result<(), DispatcherEnded> {
        self.commands.send(command).await.map_err(|_| DispatcherEnded)
    }

    /// The limits.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Sends what waits for a session, as far as its socket takes it. For its attendant only.
    pub fn flush(&self, outbox: &Outbox) -> Flush {
        outbox.flush(self.wheel.now(), &self.metrics.session_sent_bytes)
    }

    /// Sends what waits for a session without waiting for the kernel to announce room: it does so only when a third of
    /// its buffer is free, and a slow peer that is taking byte after byte must not seem silent until then. For its
    /// attendant only.
    pub fn press(&self, outbox: &Outbox) {
        outbox.press(self.wheel.now(), &self.metrics.session_sent_bytes);
    }

    /// Takes in a new session, once, until it ends ([`Command::Leave`]): what is told to everyone, pings, silence, the end
    /// of a closing.
    pub fn watch(&self, outbox: &Arc<Outbox>) {
        self.roster.add(outbox);
        self.wheel.watch(outbox, &self.options);
    }

    /// The coarse clock of sessions, in ticks of [`Tick::LENGTH`].
    pub fn now(&self) -> Tick {
        self.wheel.now()
    }

    /// Answers a session's ping.
    pub fn pong(&self, outbox: &Arc<Outbox>, payload: &[u8]) {
        self.attend_if(outbox.pong(payload, &self.metrics.session_sent_bytes), outbox);
    }

    /// Notes that a session's peer was heard.
    pub fn heard(&self, outbox: &Outbox) {
        outbox.heard(self.wheel.now());
    }

    /// Closes a session, unless that is under way. What is left to be sent still is, as long as the peer takes some of it
    /// within each close timeout; its answer is awaited for one more.
    pub fn close(&self, outbox: &Arc<Outbox>, close: &Close) {
        if let Some(attend) = outbox.close(close, self.now(), &self.metrics.session_sent_bytes) {
            self.wheel.watch_closing(outbox, &self.options);
            self.attend_if(attend, outbox);
        }
    }

    /// The peer's close frame came, with this code: answers it, or ends the session where it was the answer to ours.
    pub fn peer_closed(&self, outbox: &Arc<Outbox>, code: Option<CloseCode>) {
        if let Some(attend) = outbox.peer_closed(code, self.now(), &self.metrics.session_sent_bytes) {
            self.wheel.watch_closing(outbox, &self.options);
            self.attend_if(attend, outbox);
        }
    }

    /// All sessions that have not ended.
    pub fn sessions(&self) -> Vec<Arc<Outbox>> {
        self.roster.sessions()
    }

    /// Drives the wheel; runs as long as the gateway.
    pub async fn turn_wheel(self: Arc<Self>) {
        self.wheel.turn(&self).await;
    }

    /// Calls the attendant where one is needed.
    pub fn attend_if(&self, attend: Attend, outbox: &Arc<Outbox>) {
        if let (Attend::Needed, Some(attendant)) = (attend, self.attendant.get()) {
            attendant(Arc::clone(outbox));
        }
    }

    fn with_ring<T>(&self, look: impl FnOnce(&mut Ring) -> T) -> Option<T> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(look)
    }
}
