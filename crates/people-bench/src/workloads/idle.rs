//! `idle`: the memory of idle connections.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::time::sleep;

use super::figures::{kib_each, mib};
use super::flags::positive;
use super::target::{BenchTarget, TargetFlags, topics};
use crate::baseline::SendMode;
use crate::load::plan::{ClientFormat, FilterKind, LoadStage, Topics};
use crate::machine::ResidentMemory;
use crate::report::figure::{
    CONNECT_US, CONNECTS_PER_SECOND, KIB_AT_END, KIB_AT_REST, RESIDENT_MIB,
};
use crate::report::{BenchReport, Turn};
use crate::servers::{Contestant, WriterPlace};
use crate::trial::Trial;

/// The time for a server to settle after the last client: its allocator returns unused memory
/// within ten seconds.
const SETTLE_TIME: Duration = Duration::from_secs(12);

/// Flags of `idle`.
#[derive(Args, Debug)]
pub(crate) struct IdleFlags {
    /// Connections
    #[arg(long, default_value_t = 10_000, value_parser = positive())]
    pub(crate) clients: u32,
    /// Distinct filters; 0 for none
    #[arg(long, default_value_t = 0)]
    filters: u32,
    /// When memory is read for the last time, in seconds; the gateway pings every 15 seconds
    #[arg(long, default_value_t = 20, value_parser = positive())]
    seconds: u32,
    /// Let the baseline take its turns too
    #[arg(long)]
    baseline: bool,
    #[command(flatten)]
    target: TargetFlags,
}

/// Measures the server's memory with many idle connections.
pub(crate) async fn idle(flags: IdleFlags) -> anyhow::Result<()> {
    let IdleFlags {
        clients,
        filters,
        seconds,
        baseline,
        target,
    } = flags;
    let topics = topics(FilterKind::Equal, filters);
    let target = target.target(WriterPlace::Same, ClientFormat::Text, topics)?;
    target.check_pid("idle")?;
    let filter = if filters == 0 {
        String::new()
    } else {
        format!(" with one of {filters} filters")
    };
    let title = format!(
        "idle: {clients} clients{filter}; median (lowest-highest) of {} turns",
        target.rounds.number
    );
    let settings = json!({
        "clients": clients, "filters": filters, "seconds": seconds, "turns": target.rounds.number,
        "format": target.options.format,
    });
    let mut report = BenchReport::new("idle", title, settings);
    report.compare(&[CONNECT_US]);
    let lasts = Duration::from_secs(seconds.into());
    let turn = async |contestant| turn(contestant, &target, clients, topics, lasts).await;
    target
        .take_turns(report, baseline.then_some(SendMode::Each), turn)
        .await
}

async fn turn(
    contestant: Contestant,
    target: &BenchTarget,
    clients: u32,
    topics: Topics,
    lasts: Duration,
) -> anyhow::Result<Turn> {
    let plan = |server: &_| target.plan(server, clients, topics, LoadStage::Idle);
    let trial = Trial::open(contestant, &target.options, plan).await?;
    let mut turn = Turn::default();
    let settle_time = lasts.min(SETTLE_TIME);
    for (time, figure) in [
        (settle_time, KIB_AT_REST),
        (lasts.saturating_sub(settle_time), KIB_AT_END),
    ] {
        sleep(time).await;
        let resident = trial.server.pid.map(ResidentMemory::of).transpose()?;
        turn.add(
            figure,
            resident.and_then(|resident| kib_each(&trial, resident.now, clients)),
        );
        if figure.key == KIB_AT_END.key {
            turn.add(RESIDENT_MIB, resident.map(|resident| mib(resident.now)));
        }
    }
    turn.add_micros_each(CONNECT_US, trial.connecting, clients.into());
    turn.add(
        CONNECTS_PER_SECOND,
        f64::from(clients) / trial.load.opened.as_secs_f64(),
    );
    trial.load.end().await?;
    Ok(turn)
}
