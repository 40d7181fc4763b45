//! The topology believes maps by their epochs, redirections for a while, and a server's own word.

use std::time::Duration;

use tokio::time::Instant;

use super::machine::{Belief, MapSources, Step, Topology};
use super::map::{Map, MapEpoch};
use crate::store::redis::connection::Address;

const A: u16 = 1;
const B: u16 = 2;
const C: u16 = 3;
const SECOND: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(10);

/// A machine at a time that only the test moves on.
struct Machine {
    topology: Topology,
    now: Instant,
    steps: Vec<Step>,
}

fn at(port: u16) -> Address {
    Address::new("node", port)
}

/// A map with the owners of the slots 0, 1, ...
fn map(number: u64, owners: &[u16]) -> Map {
    let slots = (0..).zip(owners);
    Map {
        epoch: MapEpoch {
            number,
            promotes: false,
        },
        owners: slots
            .map(|(slot, owner)| (slot..=slot, at(*owner)))
            .collect(),
        nodes: [A, B, C].map(at).to_vec(),
    }
}

impl Machine {
    /// Knows that A owns the first home and B the second, at epoch 5, and that maps come in turn.
    fn new() -> Self {
        let mut machine = Self::of(MapSources::OneByOne);
        assert_eq!(machine.map(5, &[A, B]), Belief::Believed);
        machine.tick();
        machine.answer_all();
        machine.steps.clear();
        machine
    }

    fn of(sources: MapSources) -> Self {
        Self {
            topology: Topology::new(sources, INTERVAL, vec![at(A)], [0, 1]),
            now: Instant::now(),
            steps: Vec::new(),
        }
    }

    fn map(&mut self, epoch: u64, owners: &[u16]) -> Belief {
        self.topology
            .map(&[], map(epoch, owners), self.now, &mut self.steps)
    }

    fn redirected(&mut self, home: usize, from: u16, to: u16) {
        self.topology
            .redirected(home, &at(from), &at(to), self.now, &mut self.steps);
    }

    fn doubt(&mut self, server: u16) {
        self.topology.doubt(&at(server), self.now);
    }

    fn is_replica(&mut self, server: u16) {
        self.topology
            .is_replica(&at(server), self.now, &mut self.steps);
    }

    fn owners(&self) -> Vec<Option<u16>> {
        self.topology
            .owners()
            .map(|owner| Some(owner?.port))
            .collect()
    }

    /// Ticks now; the servers that are to be asked.
    fn tick(&mut self) -> Vec<u16> {
        self.topology.tick(self.now, &mut self.steps);
        let mut asked = Vec::new();
        self.steps.retain(|step| match step {
            Step::Ask(servers) => {
                asked.extend(servers.iter().map(|server| server.port));
                false
            }
            Step::Assign => true,
        });
        asked
    }

    fn answer_all(&mut self) {
        self.topology.map(
            &[A, B, C].map(at),
            map(5, &[A, B]),
            self.now,
            &mut self.steps,
        );
    }

    /// The time until the next question.
    fn pause(&self) -> Duration {
        self.topology.due(self.now) - self.now
    }
}

#[test]
fn an_older_map_changes_nothing_and_a_newer_one_is_wanted() {
    let mut machine = Machine::new();
    assert_eq!(machine.map(4, &[B, A]), Belief::Outdated);
    assert_eq!(machine.owners(), [Some(A), Some(B)]);
    assert!(machine.steps.is_empty());
    assert!(machine.pause() < SECOND, "another node knows better");
    assert_eq!(machine.map(6, &[B, B]), Belief::Believed);
    assert_eq!(machine.owners(), [Some(B), Some(B)]);
    assert_eq!(machine.steps, [Step::Assign]);
}

#[test]
fn a_map_of_the_newest_epoch_takes_nothing_from_an_owner_that_answers() {
    let mut machine = Machine::new();
    assert_eq!(machine.map(5, &[C, C]), Belief::Believed);
    assert_eq!(machine.owners(), [Some(A), Some(B)]);
    machine.doubt(A);
    machine.map(5, &[C, C]);
    assert_eq!(machine.owners(), [Some(C), Some(B)]);
}

#[test]
fn a_redirection_is_believed_against_maps_for_a_while() {
    let mut machine = Machine::new();
    machine.redirected(0, A, C);
    assert_eq!(
        (machine.owners(), &machine.steps[..]),
        (vec![Some(C), Some(B)], &[Step::Assign][..])
    );
    assert!(machine.pause() < SECOND, "a map is wanted");
    machine.now += 9 * SECOND;
    machine.map(6, &[A, B]);
    assert_eq!(
        machine.owners(),
        [Some(C), Some(B)],
        "nodes learn an epoch before its changes"
    );
    machine.now += 2 * SECOND;
    machine.map(7, &[A, B]);
    assert_eq!(machine.owners(), [Some(A), Some(B)]);
}

#[test]
fn a_redirection_to_a_silent_server_is_worth_no_more_than_maps() {
    let mut machine = Machine::new();
    machine.redirected(0, A, C);
    machine.doubt(C);
    machine.map(5, &[A, B]);
    assert_eq!(machine.owners(), [Some(A), Some(B)]);
}

#[test]
fn a_late_redirection_of_a_former_owner_changes_nothing() {
    let mut machine = Machine::new();
    machine.redirected(0, B, C);
    machine.redirected(0, A, A);
    assert_eq!(machine.owners(), [Some(A), Some(B)]);
}

#[test]
fn servers_that_name_each_other_do_not_make_a_partition_flap() {
    let mut machine = Machine::new();
    machine.redirected(0, A, C);
    machine.redirected(0, C, A);
    assert_eq!(machine.owners(), [Some(C), Some(B)]);
    machine.map(5, &[A, B]);
    assert_eq!(machine.owners(), [Some(A), Some(B)], "a map decides");
    machine.now += 2 * SECOND;
    machine.redirected(0, A, C);
    assert_eq!(machine.owners(), [Some(C), Some(B)]);
}

#[test]
fn a_replica_owns_nothing_until_a_newer_map_or_a_redirection_names_it() {
    let mut machine = Machine::new();
    machine.is_replica(A);
    assert_eq!(
        (machine.owners(), &machine.steps[..]),
        (vec![None, Some(B)], &[Step::Assign][..])
    );
    machine.map(5, &[A, A]);
    assert_eq!(machine.owners(), [None, Some(B)], "its own word counts");
    machine.map(6, &[A, B]);
    assert_eq!(machine.owners(), [Some(A), Some(B)]);
    machine.is_replica(A);
    machine.redirected(1, B, A);
    machine.map(6, &[A, B]);
    assert_eq!(
        machine.owners(),
        [Some(A), Some(A)],
        "another owner knows that it is a master now"
    );
}

#[test]
fn a_replica_that_became_a_master_again_is_found_without_a_newer_map() {
    let mut machine = Machine::new();
    machine.is_replica(A);
    machine.now += SECOND;
    machine.map(5, &[A, B]);
    assert_eq!(machine.owners(), [None, Some(B)]);
    machine.now += 2 * SECOND;
    machine.map(5, &[A, B]);
    assert_eq!(machine.owners(), [Some(A), Some(B)]);
}

#[test]
fn a_doubt_asks_for_maps_in_short_intervals_that_grow() {
    let mut machine = Machine::new();
    assert_eq!(machine.pause(), INTERVAL);
    machine.doubt(A);
    assert_eq!(machine.pause(), Duration::from_millis(100));
    machine.doubt(C);
    machine.topology.answered(&at(A));
    assert_eq!(
        machine.pause(),
        INTERVAL,
        "a server that owns nothing is not doubted"
    );
    machine.doubt(A);
    for _ in 0..16 {
        machine.now += SECOND;
        machine.doubt(A);
        machine.tick();
        machine.answer_all();
    }
    assert_eq!(machine.pause(), SECOND);
    machine.doubt(B);
    assert_eq!(
        machine.pause(),
        Duration::from_millis(100),
        "the newest doubt sets the pace"
    );
}

#[test]
fn a_doubt_that_nothing_confirms_ends() {
    let mut machine = Machine::new();
    machine.doubt(A);
    for _ in 0..12 {
        machine.now += SECOND;
        machine.tick();
        machine.answer_all();
    }
    assert!(machine.pause() > 5 * SECOND);
}

#[test]
fn a_missing_owner_asks_for_maps_in_short_intervals() {
    let mut machine = Machine::new();
    machine.is_replica(A);
    assert_eq!(machine.pause(), Duration::from_millis(100));
    machine.map(6, &[C, B]);
    assert_eq!(machine.pause(), INTERVAL);
}

#[test]
fn maps_that_do_not_come_are_asked_for_less_often_after_a_while() {
    let mut machine = Machine::new();
    machine.now += INTERVAL;
    for _ in 0..20 {
        machine.tick();
        machine.topology.unanswered(&[A, B, C].map(at));
        assert!(machine.pause() <= SECOND);
        machine.now += SECOND;
    }
    machine.tick();
    machine.topology.unanswered(&[A, B, C].map(at));
    assert_eq!(machine.pause(), SECOND);
}

#[test]
fn nodes_are_asked_in_turn_and_doubted_ones_last() {
    let mut machine = Machine::new();
    let ask = |machine: &mut Machine| {
        machine.now += INTERVAL;
        machine.tick()
    };
    let turn: Vec<u16> = (0..3).flat_map(|_| ask(&mut machine)).collect();
    assert_eq!(turn, [B, C, A]);
    assert!(ask(&mut machine).is_empty(), "all answers are on their way");
    machine.answer_all();
    machine.doubt(B);
    machine.now += Duration::from_millis(100);
    assert_eq!(machine.tick(), [C]);
    machine.now += Duration::from_millis(100);
    assert_eq!(machine.tick(), [A]);
    machine.now += Duration::from_millis(100);
    assert_eq!(machine.tick(), [B], "there is no other");
}

#[test]
fn sentinels_are_asked_all_together_and_once_at_a_time() {
    let mut machine = Machine::of(MapSources::AllTogether);
    assert_eq!(machine.tick(), [A], "those that the url names");
    machine
        .topology
        .map(&[at(A)], map(5, &[A, B]), machine.now, &mut machine.steps);
    machine.now += INTERVAL;
    assert_eq!(machine.tick(), [A, B, C]);
    machine.doubt(A);
    machine.now += INTERVAL;
    assert!(machine.tick().is_empty(), "their answers are on their way");
    machine.topology.unanswered(&[A, B, C].map(at));
    machine.now += INTERVAL;
    assert_eq!(machine.tick(), [A, B, C]);
}
