//! `resume`: thousands of clients resume together from a cursor that is many changes old.

use std::time::Duration;

use clap::{Args, value_parser};
use serde_json::json;

use super::figures::{add_end, add_resident};
use super::flags::{WriterFlag, positive};
use super::target::{BenchTarget, TargetFlags, topics};
use crate::load::plan::{ClientFormat, FilterKind, LoadStage, Topics};
use crate::report::figure::{CLIENT_US, DELIVERIES, LIVE_MS, LOG_READS};
use crate::report::{BenchReport, Turn};
use crate::servers::Contestant;
use crate::trial::{CpuSample, Trial};

/// Reads of the log by sessions whose missed changes are no longer in memory.
const LOG_READS_METRIC: &str = "people_gateway_session_log_reads_total";
/// The time limit for making the missed changes.
const MISSED_LIMIT: Duration = Duration::from_secs(60);

/// Flags of `resume`.
#[derive(Args, Debug)]
pub(crate) struct ResumeFlags {
    /// Clients that resume at the same time
    #[arg(long, default_value_t = 10_000, value_parser = positive())]
    pub(crate) clients: u32,
    /// The age of their cursor in changes
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u64).range(1..))]
    changes: u64,
    /// Distinct filters; each change matches one of them
    #[arg(long, default_value_t = 100, value_parser = positive())]
    filters: u32,
    #[command(flatten)]
    writer: WriterFlag,
    #[command(flatten)]
    target: TargetFlags,
}

/// Measures clients that resume together.
pub(crate) async fn resume(flags: ResumeFlags) -> anyhow::Result<()> {
    let ResumeFlags {
        clients,
        changes,
        filters,
        writer,
        target,
    } = flags;
    let topics = topics(FilterKind::Equal, filters);
    let target = target.target(writer.writer, ClientFormat::Json, topics)?;
    let title = format!(
        "resume: {clients} clients with one of {filters} filters, a cursor {changes} changes old; \
         median (lowest-highest) of {} turns",
        target.rounds.number
    );
    let settings = json!({
        "clients": clients, "filters": filters, "changes": changes, "turns": target.rounds.number,
        "format": target.options.format,
    });
    let turn = async |contestant| turn(contestant, &target, clients, topics, changes).await;
    target
        .take_turns(BenchReport::new("resume", title, settings), None, turn)
        .await
}

async fn turn(
    contestant: Contestant,
    target: &BenchTarget,
    clients: u32,
    topics: Topics,
    changes: u64,
) -> anyhow::Result<Turn> {
    let plan = |server: &_| target.plan(server, clients, topics, LoadStage::Resume { changes });
    let mut trial = Trial::open(contestant, &target.options, plan).await?;
    trial.load.wait_for_begin(MISSED_LIMIT).await?;
    let reads_before = trial.counter(LOG_READS_METRIC).await?;
    let before = CpuSample::now(&trial.server, &trial.load)?;
    trial.load.proceed()?;
    let measurement = trial.finish(&before, MISSED_LIMIT).await?;
    let reads = trial.counter(LOG_READS_METRIC).await?;

    let mut turn = Turn::default();
    turn.add(LIVE_MS, measurement.outcome.lasted.as_secs_f64() * 1000.0);
    turn.add_micros_each(CLIENT_US, measurement.cpu.server, clients.into());
    turn.add(
        LOG_READS,
        reads
            .zip(reads_before)
            .map(|(after, before)| after.saturating_sub(before) as f64),
    );
    turn.add(DELIVERIES, measurement.outcome.deliveries as f64);
    add_resident(&mut turn, &measurement);
    add_end(&mut turn, &measurement, trial.server.pid.is_some());
    Ok(turn)
}
