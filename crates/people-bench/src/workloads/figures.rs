//! The figures that several workloads report.

use std::time::Duration;

use crate::report::Turn;
use crate::report::figure::{
    DELIVERIES, DELIVERIES_PER_SECOND, EGRESS_US, EVENT_US, EVENTS_PER_SECOND, FRAME_BYTES,
    LOAD_US, PEAK_MIB, REDIS_US, RESIDENT_MIB, SECOND_US, SERVER_US,
};
use crate::trial::{Measurement, Trial};

/// The longest warm-up before a measurement.
pub(super) const WARM_UP: Duration = Duration::from_secs(2);

/// The server's additional memory for each client, in KiB.
pub(super) fn kib_each(trial: &Trial, now: u64, clients: u32) -> Option<f64> {
    let grown = now.saturating_sub(trial.before?.now);
    Some(grown as f64 / 1024.0 / f64::from(clients))
}

/// Bytes in MiB.
pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

/// Adds the figures of a turn with deliveries.
pub(super) fn add_deliveries(turn: &mut Turn, measurement: &Measurement) {
    let Measurement { outcome, cpu, .. } = measurement;
    let (deliveries, seconds) = (outcome.deliveries, outcome.lasted.as_secs_f64());
    turn.add_micros_each(SERVER_US, cpu.server, deliveries);
    turn.add_micros_each(
        EGRESS_US,
        cpu.egress.filter(|time| !time.is_zero()),
        deliveries,
    );
    turn.add_micros_each(REDIS_US, cpu.redis, deliveries);
    turn.add_micros_each(SECOND_US, cpu.second, deliveries);
    turn.add_micros_each(LOAD_US, Some(cpu.load), deliveries);
    turn.add_micros_each(EVENT_US, cpu.server, outcome.changes);
    turn.add(EVENTS_PER_SECOND, outcome.changes as f64 / seconds);
    turn.add(DELIVERIES, deliveries as f64);
    turn.add(DELIVERIES_PER_SECOND, deliveries as f64 / seconds);
    turn.add(FRAME_BYTES, outcome.bytes as f64 / deliveries as f64);
}

/// Adds the server's memory.
pub(super) fn add_resident(turn: &mut Turn, measurement: &Measurement) {
    let resident = measurement.resident;
    turn.add(RESIDENT_MIB, resident.map(|resident| mib(resident.now)));
    turn.add(PEAK_MIB, resident.map(|resident| mib(resident.peak)));
}

/// Adds the figures at the end of every turn.
pub(super) fn add_end(turn: &mut Turn, measurement: &Measurement, is_local: bool) {
    turn.add_faults(measurement.outcome.lost, measurement.outcome.doubled);
    // Without the server's process its CPU time would count as that of others.
    if is_local {
        turn.add_others(measurement.others, measurement.elapsed);
    }
}
