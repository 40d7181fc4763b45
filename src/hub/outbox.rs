//! A session's sending half: its socket, what waits for it, and where it stands.
//!
//! Whoever sends (dispatcher, reader, wheel, attendant) holds the lock for one non-blocking write at most per step, and
//! nobody writes past a backlog. A backlog exists exactly as long as an attendant looks after it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustix::net::SendFlags;
use tokio::net::TcpStream;

use super::backlog::Backlog;
use super::registry::Subscription;
use super::standing::{Attend, Delivery, Flush, Seat, Standing};
use super::wheel::Tick;
use super::{Burst, Options, Place, Shown};
use crate::protocol::close::CloseCode;
use crate::protocol::frame;

/// A session as the hub sees it.
#[derive(Debug)]
pub struct Outbox {
    pub(super) socket: TcpStream,
    state: Mutex<State>,
    /// Where it sits in the registry; only the dispatcher moves it.
    seat: AtomicU64,
    /// When the peer last sent something, or took something of what waited for it.
    alive: AtomicU32,
    /// When the next ping is due.
    ping_due: AtomicU32,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) standing: Standing,
    subscription: Arc<Subscription>,
    pub(super) backlog: Option<Box<Backlog>>,
}

impl Outbox {
    /// A session that stands at `place`. Its maker attends to it.
    pub fn new(socket: TcpStream, subscription: Subscription, place: Place) -> Arc<Self> {
        let backlog = Some(Box::new(Backlog::new()));
        let standing = Standing::Behind(Box::new(place));
        Arc::new(Self {
            socket,
            state: Mutex::new(State { standing, subscription: Arc::new(subscription), backlog }),
            seat: AtomicU64::new(Seat::NONE),
            alive: AtomicU32::new(0),
            ping_due: AtomicU32::new(0),
        })
    }

    /// The socket, for reading and for waiting until it is writable. All writing is done here.
    pub fn socket(&self) -> &TcpStream {
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

    /// Sends a burst, or lets it wait.
    pub(super) fn deliver(&self, burst: &Burst, options: &Options) -> Delivery {
        let mut state = self.lock();
        if state.standing != Standing::Live {
            return Delivery::Gone;
        }
        let mut attend = Attend::Settled;
        if let Some(backlog) = &mut state.backlog {
            backlog.push(&burst.before, &burst.shown);
        } else {
            match self.send(&burst.gathered) {
                Ok(sent) if sent == burst.gathered.len() => return Delivery::Taken(attend),
                Ok(sent) => state.backlog = Some(Box::new(Backlog::rest_of(burst, sent))),
                Err(_) => {
                    self.end_locked(&mut state, CloseCode::ABNORMAL);
                    return Delivery::Gone;
                }
            }
            attend = Attend::Needed;
        }
        match &mut state.backlog {
            Some(backlog) if backlog.overflows(options) => {
                let reached = backlog.reached().unwrap_or(&burst.before).clone();
                backlog.drop_changes();
                state.standing = Standing::Behind(Box::new(reached));
                Delivery::Overflowed(attend)
            }
            _ => Delivery::Taken(attend),
        }
    }

    /// Answers a ping.
    pub fn pong(&self, payload: &[u8]) -> Attend {
        self.control(frame::pong(payload), Backlog::push_pong)
    }

    pub(super) fn ping(&self) -> Attend {
        self.control(frame::ping(), Backlog::push_ping)
    }

    fn control(&self, frame: Bytes, wait: impl FnOnce(&mut Backlog, Bytes)) -> Attend {
        let mut state = self.lock();
        if matches!(state.standing, Standing::Closing { .. } | Standing::Ended(_)) {
            return Attend::Settled;
        }
        if let Some(backlog) = &mut state.backlog {
            wait(backlog, frame);
            return Attend::Settled;
        }
        self.send_or_keep(&mut state, frame, wait)
    }

    /// Sends a frame where nothing waits; what the socket does not take becomes a backlog.
    pub(super) fn send_or_keep(
        &self,
        state: &mut State,
        frame: Bytes,
        wait: impl FnOnce(&mut Backlog, Bytes),
    ) -> Attend {
        match self.send(&frame) {
            Ok(sent) if sent == frame.len() => Attend::Settled,
            Ok(sent) => {
                let mut backlog = Box::new(Backlog::new());
                wait(&mut backlog, frame);
                backlog.advance(sent);
                state.backlog = Some(backlog);
                Attend::Needed
            }
            Err(_) => {
                self.end_locked(state, CloseCode::ABNORMAL);
                Attend::Settled
            }
        }
    }

    /// Sends until the kernel takes no more; whether it took anything.
    pub(super) fn fill(&self, backlog: &mut Backlog) -> bool {
        let left = backlog.left();
        while let Some(slice) = backlog.slices().first() {
            match self.send(slice) {
                Ok(0) | Err(_) => break,
                Ok(sent) => backlog.advance(sent),
            }
        }
        backlog.left() < left
    }

    /// Sends what the kernel takes, although it has not said that it takes anything. For the attendant only.
    pub(super) fn press(&self, now: Tick) {
        if self.lock().backlog.as_mut().is_some_and(|backlog| self.fill(backlog)) {
            self.heard(now);
        }
    }

    /// Bytes that wait for the socket.
    pub(super) fn left(&self) -> usize {
        self.lock().backlog.as_ref().map_or(0, |backlog| backlog.left())
    }

    /// Sends what waits, as far as the socket takes it. For the attendant only.
    pub(super) fn flush(&self, now: Tick) -> Flush {
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
                    backlog.advance(taken);
                    self.heard(now);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Flush::Blocked,
                Err(_) => drop(self.end_locked(state, CloseCode::ABNORMAL)),
            }
        }
        if let Standing::Behind(place) = &state.standing {
            return Flush::Behind((**place).clone(), Arc::clone(&state.subscription));
        }
        self.sent_all(state);
        state.backlog = None;
        Flush::Done
    }

    /// Lets wait what a session that is behind was shown up to `place`. Returns false, and takes nothing, when it is no
    /// longer behind or has another subscription than the one that judged. For the attendant only.
    pub fn refill(&self, judged_by: &Arc<Subscription>, shown: &[Shown], place: Place) -> bool {
        let mut state = self.lock();
        let state = &mut *state;
        match (&mut state.standing, &mut state.backlog) {
            (Standing::Behind(stands), Some(backlog)) if Arc::ptr_eq(&state.subscription, judged_by) => {
                backlog.push(stands, shown);
                **stands = place;
                true
            }
            _ => false,
        }
    }

    /// Declares that the session has caught up. Returns false when there still is something to send or to judge. For the
    /// attendant only: after true it sends [`Command::Join`](super::Command::Join) and ends.
    pub fn begin_join(&self, judged_by: &Arc<Subscription>) -> bool {
        let mut state = self.lock();
        let state = &mut *state;
        match (&state.standing, &state.backlog) {
            (Standing::Behind(place), Some(backlog))
                if backlog.is_empty() && Arc::ptr_eq(&state.subscription, judged_by) =>
            {
                state.standing = Standing::Joining(place.clone());
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

    /// Sends a live session back to catching up from `place`.
    pub(super) fn fall_behind(&self, place: Place) -> Attend {
        let mut state = self.lock();
        if state.standing != Standing::Live {
            return Attend::Settled;
        }
        state.standing = Standing::Behind(Box::new(place));
        if state.backlog.is_some() {
            return Attend::Settled;
        }
        state.backlog = Some(Box::new(Backlog::new()));
        Attend::Needed
    }

    /// Changes the subscription. It takes hold where the session stands: what waits stays, unless the queue overflows.
    /// Then the session goes back to the last change that began to be sent, and the new subscription judges from there.
    pub(super) fn subscribe(&self, subscription: Arc<Subscription>) {
        let mut state = self.lock();
        state.subscription = subscription;
        if let Some(backlog) = &mut state.backlog {
            backlog.moved();
        }
    }

    /// Replaces the subscription by an equal one that others hold too.
    pub(super) fn share(&self, equal: &Arc<Subscription>) {
        self.lock().subscription = Arc::clone(equal);
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

    /// One non-blocking write; 0 where the socket takes nothing now.
    fn send(&self, bytes: &[u8]) -> Result<usize, rustix::io::Errno> {
        match rustix::net::send(&self.socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(0),
            sent => sent,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
