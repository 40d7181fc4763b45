//! A timer wheel for the pings and deadlines of all sessions: an idle session holds no timer
//! (G. Varghese, T. Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987).
//!
//! A session lies in the slot of the tick at which it is next visited; the visit says when the next
//! one is. Only weak references are kept: an ended session falls out when its slot comes.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::time::{Instant, MissedTickBehavior};

use super::roster::phase;
use crate::session::connection::Connection;
use crate::session::options::Options;
use crate::session::tick::Tick;

/// 51 seconds at 50 ms; a session that is due later gets a visit in between.
const SLOTS: u32 = 1024;

/// Sessions by the tick of their next visit.
pub(in crate::session) struct TimerWheel {
    now: AtomicU32,
    slots: Vec<Mutex<Vec<Watched>>>,
}

struct Watched {
    connection: Weak<Connection>,
    purpose: Purpose,
}

/// What a visit is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Purpose {
    /// Pings, and watches for silence.
    Liveness,
    /// Ends a closing in which the peer took nothing, or did not answer, for too long.
    Closing,
    /// Warns that the token of this number expires, and ends the session with it.
    Token(u8),
}

impl TimerWheel {
    pub(super) fn new() -> Self {
        Self {
            now: AtomicU32::new(0),
            slots: (0..SLOTS).map(|_| Mutex::default()).collect(),
        }
    }

    /// The current tick.
    pub(in crate::session) fn now(&self) -> Tick {
        Tick(self.now.load(Relaxed))
    }

    /// Begins to watch a new session. Sessions that came together are pinged at different times:
    /// their first ping comes at some time within the interval.
    pub(in crate::session) fn watch(&self, connection: &Arc<Connection>, options: &Options) {
        let now = self.now();
        connection.note_heard(now);
        connection.set_ping_due(
            now.after(
                options
                    .ping_interval
                    .mul_f64(f64::from(phase(connection)) / f64::from(u32::MAX)),
            ),
        );
        let due = connection.ping_due().min(now.after(options.silence_limit));
        self.put(
            Watched {
                connection: Arc::downgrade(connection),
                purpose: Purpose::Liveness,
            },
            due,
        );
    }

    /// Ends a session that is closing when the peer has not answered in time.
    pub(in crate::session) fn watch_closing(
        &self,
        connection: &Arc<Connection>,
        options: &Options,
    ) {
        let due = self.now().after(options.close_timeout);
        self.put(
            Watched {
                connection: Arc::downgrade(connection),
                purpose: Purpose::Closing,
            },
            due,
        );
    }

    /// Visits the token of this number first at `due`.
    pub(in crate::session) fn watch_token(
        &self,
        connection: &Arc<Connection>,
        generation: u8,
        due: Tick,
    ) {
        let watched = Watched {
            connection: Arc::downgrade(connection),
            purpose: Purpose::Token(generation),
        };
        self.put(watched, due);
    }

    /// Turns for ever, at the pace of the clock. `visit` returns when to visit again.
    pub(in crate::session) async fn turn(
        &self,
        visit: impl Fn(&Arc<Connection>, Purpose, Tick) -> Option<Tick>,
    ) {
        let start = Instant::now();
        let mut interval = tokio::time::interval(Tick::LENGTH);
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            interval.tick().await;
            let elapsed = start.elapsed().as_millis() / Tick::LENGTH.as_millis();
            let until = Tick(u32::try_from(elapsed).unwrap_or(u32::MAX));
            while self.now() < until {
                for watched in self.step() {
                    let Some(connection) = watched.connection.upgrade() else {
                        continue;
                    };
                    if let Some(due) = visit(&connection, watched.purpose, self.now()) {
                        self.put(watched, due);
                    }
                }
            }
        }
    }

    /// Turns by one tick; returns what is due then. For one thread only.
    fn step(&self) -> Vec<Watched> {
        let now = Tick(self.now().0 + 1);
        self.now.store(now.0, Relaxed);
        std::mem::take(&mut *self.slot(now))
    }

    fn put(&self, watched: Watched, due: Tick) {
        loop {
            let now = self.now().0;
            let tick = Tick(
                due.0
                    .clamp(now.saturating_add(1), now.saturating_add(SLOTS - 1)),
            );
            let mut slot = self.slot(tick);
            // Meanwhile the wheel may have turned past the slot, and what lies behind it waits for
            // a whole turn. The wheel turns before it takes the slot, so the clock that is read
            // under the slot's lock is not older than the slot's last visit.
            if self.now() < tick {
                slot.push(watched);
                return;
            }
        }
    }

    fn slot(&self, tick: Tick) -> std::sync::MutexGuard<'_, Vec<Watched>> {
        self.slots[(tick.0 % SLOTS) as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl TimerWheel {
    /// Turns to a tick, and forgets what was due until then.
    pub(in crate::session) fn turn_to(&self, tick: Tick) {
        while self.now() < tick {
            drop(self.step());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::connection::CatchUp;
    use crate::session::subscription::Subscription;

    #[test]
    fn the_wheel_puts_no_session_into_a_slot_that_it_has_just_left() {
        let wheel = TimerWheel::new();
        let watched = || Watched {
            connection: Weak::new(),
            purpose: Purpose::Liveness,
        };
        std::thread::scope(|scope| {
            let putting = scope.spawn(|| {
                (0..200_000).for_each(|_| wheel.put(watched(), wheel.now().after(Tick::LENGTH)));
            });
            while !putting.is_finished() {
                // The wheel catches up, as after a pause.
                (0..20).for_each(|_| drop(wheel.step()));
                std::thread::yield_now();
            }
        });
        // Each session was due one tick after its put, so the next turn finds the last one.
        drop(wheel.step());
        let left: usize = wheel
            .slots
            .iter()
            .map(|slot| slot.lock().unwrap().len())
            .sum();
        assert_eq!(left, 0, "sessions left behind would wait for a whole turn");
    }

    #[tokio::test]
    async fn first_pings_of_simultaneous_sessions_are_spread_over_the_interval() {
        let (wheel, options) = (TimerWheel::new(), Options::default());
        let session = || {
            let socket = tokio::net::UnixStream::pair()
                .expect("two file descriptors")
                .0;
            let catch_up = CatchUp::Snapshot { reset: None };
            let drain = Connection::open(socket.into(), Subscription::default(), catch_up, None);
            Arc::clone(drain.connection())
        };
        let sessions: Vec<_> = (0..400).map(|_| session()).collect();
        for session in &sessions {
            wheel.watch(session, &options);
        }
        let mut quarters = [0; 4];
        for due in sessions
            .iter()
            .map(|session| session.ping_due().since(wheel.now()))
        {
            assert!(!due.is_zero() && due <= options.ping_interval, "{due:?}");
            let quarter = 4 * due.as_millis() / options.ping_interval.as_millis();
            quarters[usize::try_from(quarter).unwrap().min(3)] += 1;
        }
        assert!(
            quarters.iter().all(|pinged| (50..150).contains(pinged)),
            "{quarters:?}"
        );
    }
}
