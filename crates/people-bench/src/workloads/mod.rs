//! The workloads: who takes part, for how long, and what is told of it. Each is a file.

mod deliveries;
mod idle;
mod resume;
mod slow;
mod storm;
mod unread;
mod writes;

use std::time::Duration;

pub(crate) use deliveries::{fanout, push, selective};
pub(crate) use idle::idle;
pub(crate) use resume::resume;
pub(crate) use slow::slow;
pub(crate) use storm::storm;
pub(crate) use writes::writes;

use crate::cli::Target;
use crate::floor::Writes;
use crate::load::plan::{FilterKind, Plan, Stage, Topics};
use crate::report::{Report, Turn, take_turns};
use crate::servers::{Contestant, Server};
use crate::trial::{Measured, Trial};

/// What precedes a measurement, at most.
const WARM_UP: Duration = Duration::from_secs(2);

impl Target {
    /// Lets the gateways take their turns, the floor before them if it takes part, and ends the
    /// report.
    async fn take_turns(
        &self,
        mut report: Report,
        floor: Option<Writes>,
        mut turn: impl AsyncFnMut(Contestant) -> anyhow::Result<Turn>,
    ) -> anyhow::Result<()> {
        let base = floor.map(|_| 0);
        let floors = floor.map(Contestant::Floor);
        let contestants: Vec<Contestant> = floors
            .into_iter()
            .chain(self.gateways.iter().copied())
            .collect();
        for (number, contestant) in contestants.iter().enumerate() {
            report.contender(contestant.name(), base.filter(|base| *base != number));
        }
        take_turns(&mut report, self.rounds, &contestants, async |contestant| {
            turn(*contestant).await
        })
        .await?;
        report.finish(self.json.as_ref())
    }

    /// A plan for clients of this server.
    fn plan(&self, server: &Server, clients: u32, topics: Topics, stage: Stage) -> Plan {
        Plan {
            server: server.address,
            writer: server.writer,
            clients: usize::try_from(clients).unwrap_or(usize::MAX),
            format: self.starts.format,
            topics,
            stage,
            afterwards: self.afterwards,
        }
    }
}

/// So many distinct filters of a kind; none where there are 0.
fn topics(kind: FilterKind, count: u32) -> Topics {
    if count == 0 {
        Topics::Everything
    } else {
        Topics::Filters { kind, count }
    }
}

/// Memory of the server that came with its clients, in KiB each.
fn kib_each(trial: &Trial, now: u64, clients: u32) -> Option<f64> {
    let grown = now.saturating_sub(trial.before?.now);
    Some(grown as f64 / 1024.0 / f64::from(clients))
}

/// What is told of a turn with deliveries.
fn tell_deliveries(turn: &mut Turn, measured: &Measured) {
    use crate::report::figure::{
        DELIVERIES, DELIVERIES_PER_SECOND, EGRESS_US, EVENT_US, EVENTS_PER_SECOND, FRAME_BYTES,
        LOAD_US, REDIS_US, SECOND_US, SERVER_US,
    };
    let Measured { outcome, spent, .. } = measured;
    let (deliveries, seconds) = (outcome.deliveries, outcome.lasted.as_secs_f64());
    turn.tell_micros_each(SERVER_US, spent.server, deliveries);
    turn.tell_micros_each(
        EGRESS_US,
        spent.egress.filter(|time| !time.is_zero()),
        deliveries,
    );
    turn.tell_micros_each(REDIS_US, spent.redis, deliveries);
    turn.tell_micros_each(SECOND_US, spent.second, deliveries);
    turn.tell_micros_each(LOAD_US, Some(spent.load), deliveries);
    turn.tell_micros_each(EVENT_US, spent.server, outcome.changes);
    turn.tell(EVENTS_PER_SECOND, outcome.changes as f64 / seconds);
    turn.tell(DELIVERIES, deliveries as f64);
    turn.tell(DELIVERIES_PER_SECOND, deliveries as f64 / seconds);
    turn.tell(FRAME_BYTES, outcome.bytes as f64 / deliveries as f64);
}

/// What is told at the end of every turn.
fn tell_end(turn: &mut Turn, measured: &Measured, is_local: bool) {
    turn.tell_faults(measured.outcome.lost, measured.outcome.doubled);
    // A server whose process is not known would pass for somebody else's.
    if is_local {
        turn.tell_others(measured.others, measured.elapsed);
    }
}
