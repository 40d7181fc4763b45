//! What has to hold during a schedule and at its end.

use std::collections::BTreeSet;
use std::time::Duration;

use super::simulation::Simulation;
use crate::domain::Change;

/// Probes that may fail to prove a partition whose owner answers.
const PROBES: usize = 3;
/// The time of these probes, after an attempt that hangs at a frozen server.
const PROVED_AFTER: Duration = Duration::from_millis(5_500);
/// The longest pause between two attempts to subscribe, and an attempt at a frozen server.
const SUBSCRIBED_AFTER: Duration = Duration::from_millis(5_500);
/// The time in which the log heals what was missed without a subscription.
const HEALS_AFTER: Duration = Duration::from_millis(400);
/// Changes of a partition's owner within a time that are too many for one fault.
const FLAPS: usize = 12;
const FLAPS_IN: Duration = Duration::from_secs(2);
/// The time after which no question hangs at a server that was frozen.
const UNHAMPERED_AFTER: Duration = Duration::from_secs(4);

/// No partition gets one owner after another.
pub(super) fn owners_are_steady(simulation: &mut Simulation) {
    let Simulation {
        world,
        gateway,
        timeline,
        ..
    } = simulation;
    let now = timeline.now();
    for partition in 0..world.breaks.len() {
        // Servers that don't know of a master that died make it flap.
        let since = now
            .saturating_sub(FLAPS_IN)
            .max(world.masterless_until[partition]);
        let changes = gateway.keeper.changes_since(partition, since);
        let is_steady = changes < FLAPS;
        assert!(
            is_steady,
            "partition {partition} had {changes} owners within {FLAPS_IN:?}"
        );
    }
}

/// The owner of a partition is known soon, and stays known, whatever happens to other partitions.
pub(super) fn owners_are_known(simulation: &Simulation) {
    let (world, keeper) = (&simulation.world, &simulation.gateway.keeper);
    for (partition, since) in world.sound_since.iter().enumerate() {
        let Some(since) = *since else { continue };
        if simulation.timeline.now() > since + PROVED_AFTER {
            let (believed, owner) = (keeper.owner(partition), world.truth().owner(partition));
            assert_eq!(
                believed,
                Some(owner),
                "partition {partition} since {since:?}"
            );
        }
    }
}

/// What a partition had when it was subscribed is passed on soon: no probe is needed for it.
pub(super) fn subscriptions_heal(simulation: &mut Simulation) {
    let Simulation {
        world,
        gateway,
        timeline,
        ..
    } = simulation;
    let Some(before) = timeline.now().checked_sub(HEALS_AFTER) else {
        return;
    };
    for (partition, head, told) in gateway.relay.overdue(before) {
        let is_calm =
            world.sound_since[partition].is_some_and(|since| since + UNHAMPERED_AFTER < told);
        let last = gateway.relay.last(partition);
        let is_healed = last.epoch == head.epoch && last.seq >= head.seq;
        assert!(
            !is_calm || is_healed,
            "{head} of partition {partition}, after a subscription"
        );
    }
}

/// A partition with an owner that answers is proved, and subscribed there.
pub(super) fn what_is_sound_is_proved(simulation: &mut Simulation) {
    let Simulation {
        world,
        gateway,
        timeline,
        ..
    } = simulation;
    let now = timeline.now();
    for (partition, since) in world.sound_since.iter().enumerate() {
        let Some(since) = *since else { continue };
        let (following, owner) = (
            &gateway.relay.following[partition],
            world.truth().owner(partition),
        );
        if let Some(connected) = following.connected {
            let since = since.max(connected);
            let failed = following
                .unproved
                .iter()
                .filter(|asked| **asked >= since)
                .count();
            assert!(
                failed < PROBES,
                "partition {partition} is not proved by {PROBES} probes"
            );
            let is_proved = following.proved >= since || now <= since + PROVED_AFTER;
            assert!(
                is_proved,
                "partition {partition} is not proved since {since:?}"
            );
        }
        if gateway.is_subscribed(owner, partition) {
            gateway.relay.following[partition].subscribed = now;
        }
        let subscribed = gateway.relay.following[partition].subscribed.max(since);
        assert!(
            now <= subscribed + SUBSCRIBED_AFTER,
            "partition {partition} is not subscribed at its owner {owner} since {subscribed:?}"
        );
    }
}

/// The servers and the schedule themselves are as they should be.
pub(super) fn everything_is_sound(simulation: &Simulation) {
    let sound = &simulation.world.sound_since;
    assert!(
        sound.iter().all(Option::is_some),
        "the servers are healed: {sound:?}"
    );
}

/// Each client has exactly what the log has, since the last reset, and there was one reset for a
/// break at most.
pub(super) fn everything_was_told(simulation: &Simulation) {
    let Simulation { world, gateway, .. } = simulation;
    for (partition, following) in gateway.relay.following.iter().enumerate() {
        let log = world.log(partition).expect("a log");
        let breaks = world.breaks[partition];
        assert!(
            following.resets <= breaks,
            "partition {partition}: {} resets, and its history broke {breaks} times",
            following.resets
        );
        assert!(
            log.has(following.begin),
            "partition {partition} begins at a position of the log"
        );
        let after = usize::try_from(following.begin.seq.get()).expect("a small number");
        let expected: Vec<&Change> = log.changes().skip(after).collect();
        let passed: Vec<&Change> = following.changes.iter().collect();
        let (has, passed_on) = (expected.len(), passed.len());
        assert!(
            expected == passed,
            "partition {partition}: {passed_on} changes, not {has}"
        );
        let ids: BTreeSet<u128> = log
            .changes()
            .map(|change| change.id.uuid().as_u128())
            .collect();
        assert_eq!(ids.len(), log.changes().count(), "a write happened twice");
        if breaks == 0 {
            let own = gateway
                .acknowledged
                .iter()
                .filter(|(of, _)| *of == partition);
            let lost = own
                .filter(|(_, id)| !ids.contains(&u128::from(*id)))
                .count();
            assert_eq!(
                lost, 0,
                "acknowledged writes of partition {partition} are lost"
            );
        }
    }
}
