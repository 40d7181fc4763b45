//! Thousands come back at once with a cursor that is many changes old.

use serde_json::json;
use std::time::Duration;

use super::{tell_end, topics};
use crate::cli::{Resume, Target};
use crate::load::plan::{ClientFormat, FilterKind, Stage, Topics};
use crate::report::figure::{CLIENT_US, DELIVERIES, LIVE_MS, LOG_READS, PEAK_MIB, RESIDENT_MIB};
use crate::report::{Report, Turn};
use crate::servers::Contestant;
use crate::trial::{Trial, Usage};

/// Readings of the log by sessions that memory could not catch up.
const READS: &str = "people_gateway_session_log_reads_total";
/// How long making the past may take.
const PAST: Duration = Duration::from_secs(60);

/// Everybody resumes.
pub(crate) async fn resume(flags: Resume) -> anyhow::Result<()> {
    let Resume {
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
        "format": target.starts.format,
    });
    let turn = async |contestant| turn(contestant, &target, clients, topics, changes).await;
    target
        .take_turns(Report::new("resume", title, settings), None, turn)
        .await
}

async fn turn(
    contestant: Contestant,
    target: &Target,
    clients: u32,
    topics: Topics,
    changes: u64,
) -> anyhow::Result<Turn> {
    let plan = |server: &_| target.plan(server, clients, topics, Stage::Resume { changes });
    let mut trial = Trial::open(contestant, &target.starts, plan).await?;
    trial.load.reach_begin(PAST).await?;
    let reads_before = trial.counted(READS).await?;
    let before = Usage::now(&trial.server, &trial.load)?;
    trial.load.go()?;
    let measured = trial.finish(&before, PAST).await?;
    let reads = trial.counted(READS).await?;

    let mut turn = Turn::default();
    turn.tell(LIVE_MS, measured.outcome.lasted.as_secs_f64() * 1000.0);
    turn.tell_micros_each(CLIENT_US, measured.spent.server, clients.into());
    turn.tell(
        LOG_READS,
        reads
            .zip(reads_before)
            .map(|(after, before)| after.saturating_sub(before) as f64),
    );
    turn.tell(DELIVERIES, measured.outcome.deliveries as f64);
    let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    turn.tell(
        RESIDENT_MIB,
        measured.resident.map(|resident| mib(resident.now)),
    );
    turn.tell(
        PEAK_MIB,
        measured.resident.map(|resident| mib(resident.peak)),
    );
    tell_end(&mut turn, &measured, trial.server.pid.is_some());
    Ok(turn)
}
