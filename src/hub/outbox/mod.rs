//! A session's sending half: its socket, what waits for it, and where it stands.
//!
//! Whoever sends (dispatcher, reader, wheel, attendant) holds the lock for one non-blocking write at most per step, and
//! nobody writes past a backlog. A backlog exists exactly as long as an attendant looks after it.
//!
//! Whatever writes is lent the counter of sent bytes: an idle session has no room for one of its own. The dispatcher
//! counts its writes itself, once a step.

mod backlog;
mod closing;
mod continuity;
mod delivery;
mod pair;
mod socket;
mod standing;

pub(super) use backlog::TooMuchAsked;
pub(super) use delivery::{Parcel, Sending};
pub use pair::PairEnd;
pub(super) use socket::Gone;
pub use socket::Socket;
pub use standing::{Attend, Course, Flush, Wish};
pub(super) use standing::{Delivery, Seat, Standing};

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;

use super::wheel::Tick;
use super::{Place, Subscription};
use crate::protocol::close::CloseCode;
use crate::protocol::dress::Dress;
use crate::protocol::frame;
use backlog::Backlog;

/// A session as the hub sees it.
#[derive(Debug)]
pub struct Outbox {
    socket: Socket,
    state: Mutex<State>,
    /// Where it sits in the registry; only the dispatcher moves it.
    seat: AtomicU64,
    /// When the peer last sent something, or took something of what waited for it.
    alive: AtomicU32,
    /// When the next ping is due.
    ping_due: AtomicU32,
    /// The offset up to which the client knows its position.
    told: AtomicU64,
}

#[derive(Debug)]
struct State {
    standing: Standing,
    subscription: Arc<Subscription>,
    backlog: Option<Box<Backlog>>,
    /// Whether the last word on continuity that it was sent, or that waits for it, is that it is unproved.
    thinks_stale: bool,
}

impl Outbox {
    /// A session that is to be sent `greeting`, then what its course says. Its maker attends to it.
    pub fn new(socket: Socket, subscription: Subscription, course: Course, greeting: Option<Bytes>) -> Arc<Self> {
        let mut backlog = Box::<Backlog>::default();
        let told = match &course {
            Course::Missed { from, .. } => from.offset,
            Course::Snapshot { .. } => Place::BEFORE_MEMORY,
        };
        if let Some(greeting) = greeting {
            backlog.push_message(greeting);
        }
        let standing = Standing::Behind(Box::new(course));
        Arc::new(Self {
            socket,
            state: Mutex::new(State {
                standing,
                subscription: Arc::new(subscription),
                backlog: Some(backlog),
                thinks_stale: false,
            }),
            seat: AtomicU64::new(Seat::NONE),
            alive: AtomicU32::new(0),
            ping_due: AtomicU32::new(0),
            told: AtomicU64::new(told),
        })
    }

    /// The socket, for reading and for waiting until it is writable. All writing is done here.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// What the session wants to be sent.
    pub fn subscription(&self) -> Arc<Subscription> {
        Arc::clone(&self.lock().subscription)
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.lock().standing.clone()
    }

    /// Whether a close frame is the last that it is sent, or nothing more is.
    pub fn is_closing(&self) -> bool {
        self.lock().standing.is_closing()
    }

    /// Answers a ping.
    pub(super) fn pong(&self, payload: &[u8], sent: &Counter) -> Attend {
        self.control(sent, |_| frame::pong(payload), Backlog::push_pong)
    }

    /// Sends a ping. Where the dress has no answer to it, it is the sign of life that the socket takes it.
    pub(super) fn ping(&self, now: Tick, sent: &Counter) -> Attend {
        let attend = self.control(sent, Dress::ping, Backlog::push_ping);
        let state = self.lock();
        if state.subscription.dress == Dress::Sse && state.backlog.is_none() {
            self.heard(now);
        }
        attend
    }

    fn control(
        &self,
        sent: &Counter,
        frame: impl FnOnce(Dress) -> Bytes,
        wait: impl FnOnce(&mut Backlog, Bytes),
    ) -> Attend {
        let mut state = self.lock();
        if state.standing.is_closing() {
            return Attend::Settled;
        }
        let dress = state.subscription.dress;
        if let Some(backlog) = &mut state.backlog {
            wait(backlog, frame(dress));
            return Attend::Settled;
        }
        self.send_or_keep(&mut state, sent, frame(dress), wait)
    }

    /// Sends a frame where nothing waits; what the socket does not take becomes a backlog.
    fn send_or_keep(
        &self,
        state: &mut State,
        sent: &Counter,
        frame: Bytes,
        wait: impl FnOnce(&mut Backlog, Bytes),
    ) -> Attend {
        match self.send(&frame, sent) {
            Ok(taken) if taken == frame.len() => Attend::Settled,
            Ok(taken) => {
                let mut backlog = Box::<Backlog>::default();
                wait(&mut backlog, frame);
                backlog.advance(taken);
                state.backlog = Some(backlog);
                Attend::Needed
            }
            Err(_) => {
                self.end_locked(state, CloseCode::ABNORMAL);
                Attend::Settled
            }
        }
    }

    /// One non-blocking write, counted.
    fn send(&self, bytes: &[u8], sent: &Counter) -> Result<usize, Gone> {
        let taken = self.socket.send(bytes)?;
        sent.inc_by(taken as u64);
        Ok(taken)
    }

    /// Sends until the kernel takes no more; whether it took anything.
    fn fill(&self, backlog: &mut Backlog, sent: &Counter) -> bool {
        let left = backlog.left();
        while let Some(slice) = backlog.slices().first() {
            match self.send(slice, sent) {
                Ok(0) | Err(_) => break,
                Ok(taken) => backlog.advance(taken),
            }
        }
        backlog.left() < left
    }

    /// Sends what the kernel takes, although it has not said that it takes anything. For the attendant only.
    pub(super) fn press(&self, now: Tick, sent: &Counter) {
        let mut state = self.lock();
        if state.backlog.as_mut().is_some_and(|backlog| self.fill(backlog, sent)) {
            self.took(&mut state.standing, now);
        }
    }

    /// Bytes that wait for the socket.
    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.lock().backlog.as_ref().map_or(0, |backlog| backlog.left())
    }

    /// Notes that the socket took something of what waited: the peer lives, and a closing gets more time.
    fn took(&self, standing: &mut Standing, now: Tick) {
        self.heard(now);
        if let Standing::Closing { since, .. } = standing {
            *since = now;
        }
    }

    /// Sends what waits, as far as the socket takes it. For the attendant only.
    pub(super) fn flush(&self, now: Tick, sent: &Counter) -> Flush {
        let mut state = self.lock();
        let state = &mut *state;
        loop {
            if matches!(state.standing, Standing::Ended(_)) {
                state.backlog = None;
            }
            let Some(backlog) = &mut state.backlog else { return Flush::Done };
            if backlog.is_empty() {
                break;
            }
            match self.socket.try_write_vectored(&backlog.slices()) {
                Ok(0) => drop(self.end_locked(state, CloseCode::ABNORMAL)),
                Ok(taken) => {
                    sent.inc_by(taken as u64);
                    backlog.advance(taken);
                    self.took(&mut state.standing, now);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Flush::Blocked,
                Err(_) => drop(self.end_locked(state, CloseCode::ABNORMAL)),
            }
        }
        if let (Standing::Behind(course), Some(backlog)) = (&state.standing, &mut state.backlog) {
            return Flush::Behind((**course).clone(), Arc::clone(&state.subscription), backlog.next_wish());
        }
        self.sent_all(state);
        state.backlog = None;
        Flush::Done
    }

    /// Lets wait what a session that is behind is to be sent, and sets its course from there. `told` is the offset up to
    /// which the client then knows its position, where that changes. For the attendant only; what is not behind any more
    /// takes nothing.
    pub fn show(&self, frames: impl IntoIterator<Item = Bytes>, course: Course, told: Option<u64>) {
        let mut state = self.lock();
        let state = &mut *state;
        let (Standing::Behind(stands), Some(backlog)) = (&mut state.standing, &mut state.backlog) else { return };
        backlog.push_steps(frames);
        **stands = course;
        if let Some(told) = told {
            self.told.store(told, Relaxed);
        }
    }

    /// Keeps a wish until nothing else waits, and takes the session out of the stream until then. `place` is where the
    /// hub stands. Called between two bursts.
    pub(super) fn ask(&self, wish: Wish, place: &Place) -> Result<Attend, TooMuchAsked> {
        let mut state = self.lock();
        let state = &mut *state;
        let from = match &state.standing {
            Standing::Closing { .. } | Standing::Ended(_) => return Ok(Attend::Settled),
            Standing::Behind(_) => None,
            Standing::Live => Some(place.clone()),
            Standing::Joining(place) => Some((**place).clone()),
        };
        if let Some(from) = from {
            state.standing = Standing::Behind(Box::new(Course::Missed { from, owes_live: None }));
        }
        let attend = if state.backlog.is_some() { Attend::Settled } else { Attend::Needed };
        state.backlog.get_or_insert_default().wish(wish)?;
        Ok(attend)
    }

    /// Declares that the session has caught up. Returns false when there still is something to send or to carry out. For
    /// the attendant only: after true it sends [`Command::Join`](super::Command::Join) and ends.
    pub fn begin_join(&self) -> bool {
        let mut state = self.lock();
        let state = &mut *state;
        match (&state.standing, &state.backlog) {
            (Standing::Behind(course), Some(backlog)) if backlog.is_idle() => {
                let Course::Missed { from, owes_live: None } = &**course else { return false };
                state.standing = Standing::Joining(Box::new(from.clone()));
                state.backlog = None;
                true
            }
            _ => false,
        }
    }

    /// Makes a joining session live; returns the place from which it is to be served.
    pub(super) fn join(&self) -> Option<Place> {
        let mut state = self.lock();
        let Standing::Joining(place) = &state.standing else { return None };
        let place = (**place).clone();
        state.standing = Standing::Live;
        Some(place)
    }

    /// Sends a live session on a course of its own.
    pub(super) fn leave_stream(&self, course: Course) -> Attend {
        let mut state = self.lock();
        if state.standing != Standing::Live {
            return Attend::Settled;
        }
        state.standing = Standing::Behind(Box::new(course));
        if state.backlog.is_some() {
            return Attend::Settled;
        }
        state.backlog = Some(Box::default());
        Attend::Needed
    }

    /// Changes the subscription of a session that is behind. For the attendant only.
    pub fn subscribe(&self, subscription: Arc<Subscription>) {
        self.lock().subscription = subscription;
    }

    /// Replaces the subscription by an equal one that others hold too.
    pub(super) fn share(&self, equal: &Arc<Subscription>) {
        self.lock().subscription = Arc::clone(equal);
    }

    /// Whether the client knows its position at this place.
    pub(super) fn knows(&self, place: &Place) -> bool {
        self.told.load(Relaxed) >= place.offset
    }

    pub(super) fn seat(&self) -> Option<Seat> {
        let seat = self.seat.load(Relaxed);
        (seat != Seat::NONE).then_some(Seat(seat))
    }

    pub(super) fn take_seat(&self, seat: Option<Seat>) {
        self.seat.store(seat.map_or(Seat::NONE, |seat| seat.0), Relaxed);
    }

    pub(super) fn heard(&self, now: Tick) {
        self.alive.store(now.0, Relaxed);
    }

    /// When the peer last showed that it lives.
    pub(super) fn alive(&self) -> Tick {
        Tick(self.alive.load(Relaxed))
    }

    pub(super) fn ping_due(&self) -> Tick {
        Tick(self.ping_due.load(Relaxed))
    }

    pub(super) fn set_ping_due(&self, due: Tick) {
        self.ping_due.store(due.0, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
