//! One wheel for the pings and deadlines of all sessions: an idle session holds no timer.
//!
//! A session lies in the slot of the tick at which it is next looked at; there it is pinged, dropped or put into a later
//! slot. Only weak references are kept: an ended session falls out when its slot comes.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::outbox::Standing;
use super::roster::phase;
use super::{Hub, Options, Outbox};
use crate::protocol::close::{Close, CloseCode};

/// Time in turns of the wheel, from its start: coarse, but four bytes. They last for six years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub(super) u32);

/// 51 seconds at 50 ms; what is due later is looked at once in between.
const SLOTS: u32 = 1024;

pub(super) struct Wheel {
    now: AtomicU32,
    slots: Vec<Mutex<Vec<Watched>>>,
}

struct Watched {
    outbox: Weak<Outbox>,
    purpose: Purpose,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Pings, and watches for silence.
    Liveness,
    /// Ends a closing in which the peer took nothing, or did not answer, for too long.
    Closing,
}

impl Tick {
    /// How long one is.
    pub const LENGTH: Duration = Duration::from_millis(50);

    /// The first tick at which `duration` is over.
    #[must_use]
    pub(super) fn after(self, duration: Duration) -> Self {
        let ticks = duration.as_millis().div_ceil(Self::LENGTH.as_millis()).max(1);
        Self(self.0.saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX)))
    }

    /// How long ago an earlier tick was.
    pub fn since(self, earlier: Self) -> Duration {
        Self::LENGTH * self.0.saturating_sub(earlier.0)
    }
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self { now: AtomicU32::new(0), slots: (0..SLOTS).map(|_| Mutex::default()).collect() }
    }

    /// The current tick.
    pub(super) fn now(&self) -> Tick {
        Tick(self.now.load(Relaxed))
    }

    /// Begins to watch a new session. Sessions that came together are pinged at different times: their first ping comes
    /// somewhen within the interval.
    pub(super) fn watch(&self, outbox: &Arc<Outbox>, options: &Options) {
        let now = self.now();
        outbox.heard(now);
        outbox.set_ping_due(now.after(options.ping_interval.mul_f64(f64::from(phase(outbox)) / f64::from(u32::MAX))));
        let due = outbox.ping_due().min(now.after(options.silence_limit));
        self.put(Watched { outbox: Arc::downgrade(outbox), purpose: Purpose::Liveness }, due);
    }

    /// Ends a session that is closing when the peer has not answered in time.
    pub(super) fn watch_closing(&self, outbox: &Arc<Outbox>, options: &Options) {
        let due = self.now().after(options.close_timeout);
        self.put(Watched { outbox: Arc::downgrade(outbox), purpose: Purpose::Closing }, due);
    }

    /// Turns for ever, at the pace of the clock.
    pub(super) async fn turn(&self, hub: &Hub) {
        let start = Instant::now();
        let mut interval = tokio::time::interval(Tick::LENGTH);
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            interval.tick().await;
            let elapsed = start.elapsed().as_millis() / Tick::LENGTH.as_millis();
            let until = Tick(u32::try_from(elapsed).unwrap_or(u32::MAX));
            while self.now() < until {
                for watched in self.step() {
                    let Some(outbox) = watched.outbox.upgrade() else { continue };
                    if let Some(due) = visit(hub, &outbox, watched.purpose, self.now()) {
                        self.put(watched, due);
                    }
                }
            }
        }
    }

    /// Turns by one tick; whoever is to be looked at then. For one thread only.
    fn step(&self) -> Vec<Watched> {
        let now = Tick(self.now().0 + 1);
        self.now.store(now.0, Relaxed);
        std::mem::take(&mut *self.slot(now))
    }

    fn put(&self, watched: Watched, due: Tick) {
        loop {
            let now = self.now().0;
            let tick = Tick(due.0.clamp(now.saturating_add(1), now.saturating_add(SLOTS - 1)));
            let mut slot = self.slot(tick);
            // Meanwhile the wheel may have turned past it, and who lies behind it waits for a whole turn. It turns before
            // it takes the slot, so what the slot's lock shows us is not older than its last visit.
            if self.now() < tick {
                slot.push(watched);
                return;
            }
        }
    }

    fn slot(&self, tick: Tick) -> std::sync::MutexGuard<'_, Vec<Watched>> {
        self.slots[(tick.0 % SLOTS) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at one session; returns when to look again.
fn visit(hub: &Hub, outbox: &Arc<Outbox>, purpose: Purpose, now: Tick) -> Option<Tick> {
    let options = hub.options();
    match (outbox.standing(), purpose) {
        (Standing::Closing { since, .. }, Purpose::Closing) => {
            let due = since.after(options.close_timeout);
            if now < due {
                return Some(due);
            }
            outbox.end(CloseCode::ABNORMAL);
            return None;
        }
        (Standing::Closing { .. }, Purpose::Liveness) => return Some(now.after(options.close_timeout)),
        (Standing::Ended(_), _) | (_, Purpose::Closing) => return None,
        _ => {}
    }
    let silent_from = outbox.alive().after(options.silence_limit);
    if now >= silent_from {
        hub.close(outbox, &Close::new(CloseCode::STALLED, "nothing was sent or taken for too long"));
        return Some(now.after(options.close_timeout));
    }
    if now >= outbox.ping_due() {
        outbox.set_ping_due(now.after(options.ping_interval));
        hub.attend_if(outbox.ping(now, &hub.metrics().session_sent_bytes), outbox);
    }
    Some(outbox.ping_due().min(silent_from))
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;

    use super::*;
    use crate::hub::{Course, Subscription};
    use crate::protocol::dress::Dress;
    use crate::telemetry::Metrics;

    #[tokio::test]
    async fn the_peers_close_frame_is_awaited_once_from_when_the_last_byte_was_taken() {
        let (hub, _dispatcher) = Hub::new(Options::default(), Metrics::default());
        let turn_to = |tick| {
            while hub.now() < tick {
                drop(hub.wheel.step());
            }
        };
        let second = |seconds| Tick(0).after(Duration::from_secs(seconds));
        let (near, _far) = UnixStream::pair().expect("two file descriptors");
        let subscription = Subscription { dress: Dress::Json, ..Subscription::default() };
        let outbox = Outbox::new(near.into(), subscription, Course::Snapshot { reset: None }, None);
        hub.close(&outbox, &Close::new(CloseCode::NORMAL, ""));
        turn_to(second(3));
        // The close frame has waited for the attendant so long.
        drop(hub.flush(&outbox));
        turn_to(second(5));
        assert_eq!(visit(&hub, &outbox, Purpose::Closing, hub.now()), Some(second(8)));
        turn_to(second(8));
        assert_eq!(visit(&hub, &outbox, Purpose::Closing, hub.now()), None);
        assert_eq!(outbox.standing(), Standing::Ended(CloseCode::NORMAL));
    }

    #[test]
    fn nobody_is_put_where_the_wheel_has_just_been() {
        let wheel = Wheel::new();
        let nobody = || Watched { outbox: Weak::new(), purpose: Purpose::Liveness };
        std::thread::scope(|scope| {
            let putting =
                scope.spawn(|| (0..200_000).for_each(|_| wheel.put(nobody(), wheel.now().after(Tick::LENGTH))));
            while !putting.is_finished() {
                // As after a pause in which it could not turn.
                (0..20).for_each(|_| drop(wheel.step()));
                std::thread::yield_now();
            }
        });
        // Each was due one tick after it was put, so the next turn finds the last of them.
        drop(wheel.step());
        let left: usize = wheel.slots.iter().map(|slot| slot.lock().unwrap().len()).sum();
        assert_eq!(left, 0, "they would wait for a whole turn");
    }

    #[tokio::test]
    async fn sessions_that_came_together_are_pinged_all_over_the_interval() {
        let (wheel, options) = (Wheel::new(), Options::default());
        let session = || {
            let socket = tokio::net::UnixStream::pair().expect("two file descriptors").0;
            Outbox::new(socket.into(), Subscription::default(), Course::Snapshot { reset: None }, None)
        };
        let sessions: Vec<_> = (0..400).map(|_| session()).collect();
        for session in &sessions {
            wheel.watch(session, &options);
        }
        let mut quarters = [0; 4];
        for due in sessions.iter().map(|session| session.ping_due().since(wheel.now())) {
            assert!(!due.is_zero() && due <= options.ping_interval, "{due:?}");
            let quarter = 4 * due.as_millis() / options.ping_interval.as_millis();
            quarters[usize::try_from(quarter).unwrap().min(3)] += 1;
        }
        assert!(quarters.iter().all(|pinged| (50..150).contains(pinged)), "{quarters:?}");
    }
}
