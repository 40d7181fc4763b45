//! One schedule: the servers, writers and the gateway at virtual times, from a seed.

use std::time::Duration;

use super::checks;
use super::cluster::{Happening, Notice, World};
use super::gateway::{Flaw, Gateway, Signal};
use super::timeline::Timeline;

/// How long faults happen.
const FAULTY: Duration = Duration::from_secs(45);
/// How long it takes at most until everything is sound again, and then until it is proved.
const HEALED: Duration = Duration::from_secs(15);
const PROVED: Duration = Duration::from_secs(8);
/// How long nothing is written at the end.
const QUIET: Duration = Duration::from_secs(4);

/// What happens next.
pub(super) enum Event {
    World(Happening),
    Gateway(Signal),
    /// Others write to a partition.
    Write(usize),
    Check,
}

impl From<Happening> for Event {
    fn from(happening: Happening) -> Self {
        Self::World(happening)
    }
}

impl From<Signal> for Event {
    fn from(signal: Signal) -> Self {
        Self::Gateway(signal)
    }
}

/// A schedule that runs.
pub(super) struct Simulation {
    pub(super) world: World,
    pub(super) gateway: Gateway,
    pub(super) timeline: Timeline,
    is_quiet: bool,
    prints: bool,
}

impl Simulation {
    /// Runs the schedule of a seed to its end, and checks everything on the way.
    pub(super) fn run(seed: u64, flaw: Flaw, prints: bool) {
        let mut timeline = Timeline::new(seed);
        let partitions = 1 + timeline.random.below(6);
        let world = World::new(partitions, &mut timeline);
        let gateway = Gateway::new(flaw, &world, &mut timeline);
        for partition in 0..partitions {
            timeline.between(0, 200, Event::Write(partition));
        }
        timeline.after(Duration::from_millis(500), Event::Check);
        let mut this = Self {
            world,
            gateway,
            timeline,
            is_quiet: false,
            prints,
        };
        this.go_on(FAULTY);
        this.world.heal(&mut this.timeline);
        this.take_notices();
        this.go_on(HEALED);
        checks::everything_is_sound(&this);
        this.go_on(PROVED);
        this.is_quiet = true;
        this.go_on(QUIET);
        checks::everything_was_told(&this);
    }

    /// Goes on for this long.
    fn go_on(&mut self, duration: Duration) {
        let end = self.timeline.now() + duration;
        while self.timeline.now() < end {
            let due = self.gateway.keeper.due(self.timeline.instant());
            match self.timeline.next(due, end) {
                Some(event) => self.take(event),
                None if due <= self.timeline.instant() => {
                    self.gateway.tick_topology(&mut self.timeline);
                }
                None => {}
            }
        }
    }

    fn take(&mut self, event: Event) {
        let timeline = &mut self.timeline;
        match event {
            Event::World(happening) => {
                if self.prints {
                    tell(timeline.now(), &happening);
                }
                self.world.happen(happening, timeline);
            }
            Event::Gateway(Signal::Write(_)) if self.is_quiet => {}
            Event::Gateway(signal) => {
                if self.prints {
                    tell(timeline.now(), &signal);
                }
                let follows = matches!(signal, Signal::Follow);
                self.gateway.take(signal, &mut self.world, timeline);
                if follows {
                    checks::owners_are_known(self);
                }
            }
            Event::Write(partition) if !self.is_quiet => self.write(partition),
            Event::Write(_) => {}
            Event::Check => {
                self.world.reckon(timeline.now());
                self.gateway.pass_on(Vec::new(), timeline);
                timeline.after(Duration::from_millis(500), Event::Check);
                checks::owners_are_steady(self);
                checks::owners_are_known(self);
                checks::what_is_sound_is_proved(self);
                checks::subscriptions_heal(self);
            }
        }
        self.take_notices();
    }

    /// Others write, to any server that lets them.
    fn write(&mut self, partition: usize) {
        let timeline = &mut self.timeline;
        timeline.between(20, 700, Event::Write(partition));
        let writable = self.world.writable(partition, timeline.now());
        let Some(server) = timeline.random.pick(&writable) else {
            return;
        };
        let count = if timeline.random.chance(3) { 30 } else { 1 };
        for _ in 0..count {
            let id = self.world.number();
            let _ = self
                .world
                .write(server, partition, (id, false), timeline.now());
        }
    }

    fn take_notices(&mut self) {
        let timeline = &mut self.timeline;
        for notice in std::mem::take(&mut self.world.notices) {
            match notice {
                Notice::Published(server, change) => {
                    self.gateway.publish(server, &change, &self.world, timeline);
                }
                Notice::Unsubscribed(server, partition) => {
                    self.gateway.unsubscribed(server, partition, timeline);
                }
                Notice::Closed(server) => self.gateway.closed(server, timeline),
            }
        }
    }
}

#[allow(clippy::print_stderr, reason = "a schedule is printed on demand")]
fn tell(at: Duration, what: &impl std::fmt::Debug) {
    eprintln!("{:9.3} {what:?}", at.as_secs_f64());
}
