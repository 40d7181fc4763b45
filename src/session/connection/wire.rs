//! A connection: socket, queue and state of one session, and its view.
//!
//! Whatever writes is lent the counter of sent bytes: an idle session has no room for one of its
//! own. The dispatcher counts its writes itself, once a step.

mod token;

pub(in crate::session) use token::TokenStep;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;

use super::catch_up::CatchUp;
use super::member_slot::MemberSlot;
use super::send_queue::SendQueue;
use super::socket::{Gone, Socket};
use crate::history::Checkpoint;
use crate::protocol::close::CloseCode;
use crate::protocol::format::WireFormat;
use crate::protocol::frame;
use crate::protocol::message::Message;
use crate::session::state::{SessionState, WireEffect, WireInput, WireState};
use crate::session::subscription::Subscription;
use crate::session::tick::Tick;
use crate::session::token::HeldToken;

/// One client's connection, and the view that it is sent.
#[derive(Debug)]
pub struct Connection {
    pub(super) socket: Socket,
    state: Mutex<ConnectionState>,
    /// When the peer last sent something, or took something of what waited for it.
    heard: AtomicU32,
    /// While the wire is open: when the next ping is due. Then: when the socket last took something
    /// of what is left. Changed under the lock.
    timer: AtomicU32,
    /// What the dispatching thread knows of the view.
    pub(super) marks: ViewMarks,
}

/// The right to empty a connection's queue: one exists exactly as long as there is a queue. Its
/// receiver hands it to a drainer.
#[derive(Debug)]
#[must_use]
pub struct DrainHandle(Arc<Connection>);

/// What is read and written without the connection's lock.
#[derive(Debug)]
pub(super) struct ViewMarks {
    /// The view's slot in its group; only the dispatcher moves it.
    pub(super) slot: AtomicU64,
    /// The offset up to which the client knows its position.
    pub(super) announced: AtomicU64,
}

#[derive(Debug)]
pub(super) struct ConnectionState {
    pub(super) session: SessionState,
    /// Whether the last continuity message that the view got, or that waits, is `stale`. It stands
    /// here because there is room beside the state (see the test of the size).
    pub(super) believes_stale: bool,
    /// Exists exactly as long as a drainer empties it.
    pub(super) queue: Option<Box<SendQueue>>,
    pub(super) view: ClientView,
    /// The client's token, where callers need one.
    token: Option<Box<HeldToken>>,
}

/// What the client is sent.
#[derive(Debug)]
pub(super) struct ClientView {
    pub(super) subscription: Arc<Subscription>,
    /// What it is to be sent before the dispatcher serves it; none while it is live.
    pub(super) catch_up: Option<Box<CatchUp>>,
}

impl DrainHandle {
    pub(super) fn new(connection: &Arc<Connection>) -> Self {
        Self(Arc::clone(connection))
    }

    /// A second handle, for a test that stands in for the drainer.
    #[cfg(test)]
    pub(crate) fn of(session: &super::ServeHandle) -> Self {
        Self::new(session.connection())
    }

    /// Whose queue it is.
    pub fn connection(&self) -> &Arc<Connection> {
        &self.0
    }
}

impl ClientView {
    pub(super) fn format(&self) -> WireFormat {
        self.subscription.format
    }

    pub(super) fn message(&self, message: &Message<'_>) -> Option<Bytes> {
        self.subscription.message(message)
    }
}

impl Connection {
    /// A session that is to be sent `greeting`, then what its catch-up says. The handle goes to its
    /// drainer.
    pub fn open(
        socket: Socket,
        subscription: Subscription,
        catch_up: CatchUp,
        greeting: Option<Bytes>,
    ) -> DrainHandle {
        let mut queue = Box::<SendQueue>::default();
        let announced = match &catch_up {
            CatchUp::Replay { from, .. } => from.offset,
            CatchUp::Snapshot { .. } => Checkpoint::BEFORE_MEMORY,
        };
        if let Some(greeting) = greeting {
            queue.push_message(greeting);
        }
        let connection = Arc::new(Self {
            socket,
            state: Mutex::new(ConnectionState {
                session: SessionState::new(),
                believes_stale: false,
                queue: Some(queue),
                view: ClientView {
                    subscription: Arc::new(subscription),
                    catch_up: Some(Box::new(catch_up)),
                },
                token: None,
            }),
            heard: AtomicU32::new(0),
            timer: AtomicU32::new(0),
            marks: ViewMarks {
                slot: AtomicU64::new(MemberSlot::to_bits(None)),
                announced: AtomicU64::new(announced),
            },
        });
        DrainHandle::new(&connection)
    }

    /// The socket, for reading and for waiting until it is writable. All writing is done here.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// What the session wants to be sent.
    pub fn subscription(&self) -> Arc<Subscription> {
        Arc::clone(&self.lock().view.subscription)
    }

    /// The state of the wire, and since when its socket took nothing if it is closing.
    pub(in crate::session) fn wire(&self) -> (WireState, Tick) {
        let state = self.lock();
        (state.session.wire(), Tick(self.timer.load(Relaxed)))
    }

    /// Whether a close frame is the last that it is sent, or nothing more is.
    pub fn is_closing(&self) -> bool {
        self.lock().session.is_closing()
    }

    /// Answers a ping.
    pub(in crate::session) fn pong(
        self: &Arc<Self>,
        payload: &[u8],
        sent: &Counter,
    ) -> Option<DrainHandle> {
        self.send_control(sent, |_| frame::pong(payload), SendQueue::push_pong)
    }

    /// Sends a ping. Where the format has no answer to it, it is the sign of life that the socket
    /// takes it.
    pub(in crate::session) fn ping(
        self: &Arc<Self>,
        now: Tick,
        sent: &Counter,
    ) -> Option<DrainHandle> {
        let drain = self.send_control(sent, WireFormat::ping, SendQueue::push_ping);
        let state = self.lock();
        if !state.view.format().answers_pings() && state.queue.is_none() {
            self.note_heard(now);
        }
        drain
    }

    fn send_control(
        self: &Arc<Self>,
        sent: &Counter,
        frame: impl FnOnce(WireFormat) -> Bytes,
        wait: impl FnOnce(&mut SendQueue, Bytes),
    ) -> Option<DrainHandle> {
        let mut state = self.lock();
        if state.session.is_closing() {
            return None;
        }
        let frame = frame(state.view.format());
        self.send_or_queue(&mut state, sent, frame, wait)
    }

    /// Sends a frame, or lets it wait behind what waits; what the socket does not take becomes a
    /// queue, and needs a drainer.
    pub(super) fn send_or_queue(
        self: &Arc<Self>,
        state: &mut ConnectionState,
        sent: &Counter,
        frame: Bytes,
        wait: impl FnOnce(&mut SendQueue, Bytes),
    ) -> Option<DrainHandle> {
        if let Some(queue) = &mut state.queue {
            wait(queue, frame);
            return None;
        }
        match self.send(&frame, sent) {
            Ok(taken) if taken == frame.len() => None,
            Ok(taken) => {
                let mut queue = Box::<SendQueue>::default();
                wait(&mut queue, frame);
                queue.advance(taken);
                state.queue = Some(queue);
                Some(DrainHandle::new(self))
            }
            Err(_) => {
                self.end_locked(state, CloseCode::ABNORMAL);
                None
            }
        }
    }

    /// One non-blocking write, counted.
    pub(super) fn send(&self, bytes: &[u8], sent: &Counter) -> Result<usize, Gone> {
        let taken = self.socket.send(bytes)?;
        sent.inc_by(taken as u64);
        Ok(taken)
    }

    /// Sends until the kernel takes no more; whether it took anything.
    pub(super) fn fill(&self, queue: &mut SendQueue, sent: &Counter) -> bool {
        let left = queue.left();
        while let Some(slice) = queue.slices().first() {
            match self.send(slice, sent) {
                Ok(0) | Err(_) => break,
                Ok(taken) => queue.advance(taken),
            }
        }
        queue.left() < left
    }

    /// Ends the session now; the reader notices and cleans up. Returns the code with which it
    /// ended: a session that had one keeps it.
    pub fn end(&self, code: CloseCode) -> CloseCode {
        self.end_locked(&mut self.lock(), code)
    }

    pub(super) fn end_locked(&self, state: &mut ConnectionState, code: CloseCode) -> CloseCode {
        self.apply_to_wire(state, WireInput::End(code));
        match state.session.wire() {
            WireState::Closed(code) => code,
            WireState::Open | WireState::Closing { .. } => unreachable!("it has just ended"),
        }
    }

    /// Changes the state of the wire, and does to the socket what follows.
    pub(super) fn apply_to_wire(
        &self,
        state: &mut ConnectionState,
        input: WireInput,
    ) -> WireEffect {
        let effect = state.session.apply_to_wire(input);
        match effect {
            WireEffect::ShutDown => self.socket.shutdown(std::net::Shutdown::Both),
            WireEffect::ShutDownSending => self.socket.shutdown(std::net::Shutdown::Write),
            _ => {}
        }
        effect
    }

    /// Bytes that wait for the socket.
    #[cfg(test)]
    pub(crate) fn left(&self) -> usize {
        self.lock().queue.as_ref().map_or(0, |queue| queue.left())
    }

    /// Notes that the socket took something of what waited: the peer lives, and a closing gets more
    /// time.
    pub(super) fn note_taken(&self, state: &mut ConnectionState, now: Tick) {
        self.note_heard(now);
        if state.session.is_closing() {
            self.note_closing(now);
        }
    }

    /// Notes that the peer was heard.
    pub(in crate::session) fn note_heard(&self, now: Tick) {
        self.heard.store(now.0, Relaxed);
    }

    /// When the peer last showed that it lives.
    pub(in crate::session) fn heard(&self) -> Tick {
        Tick(self.heard.load(Relaxed))
    }

    pub(in crate::session) fn ping_due(&self) -> Tick {
        Tick(self.timer.load(Relaxed))
    }

    /// Sets the next ping of a session that is not closing.
    pub(in crate::session) fn set_ping_due(&self, due: Tick) {
        let state = self.lock();
        if !state.session.is_closing() {
            self.timer.store(due.0, Relaxed);
        }
    }

    /// Notes that a closing began, or that the socket took something of what is left. The caller
    /// holds the lock.
    pub(super) fn note_closing(&self, now: Tick) {
        self.timer.store(now.0, Relaxed);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ConnectionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An `Arc` of a connection, with its two counts, is one allocation of 128 bytes: the next size
    /// of jemalloc is 160, which every idle session would cost.
    #[test]
    fn an_idle_connection_is_one_small_allocation() {
        assert!(size_of::<Connection>() + 2 * size_of::<usize>() <= 128);
    }
}
