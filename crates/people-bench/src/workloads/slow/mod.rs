//! `slow`: the effect of clients that read slowly on others, and on the server's memory.

mod unread;

use std::time::Duration;

use clap::{Args, value_parser};
use serde_json::json;

use super::figures::{WARM_UP, add_deliveries, add_end, add_resident};
use super::flags::{SecondsFlag, WriterFlag, positive, rate};
use super::target::{BenchTarget, TargetFlags};
use crate::load::plan::{ClientFormat, LoadStage, Pace, RunLength, SlowPlan, Topics};
use crate::report::figure::{OVERFLOWS, P50_MS, P99_MS, P999_MS};
use crate::report::{BenchReport, Turn, take_turns};
use crate::servers::Contestant;
use crate::trial::Trial;

/// Overflows of send queues, after which sessions catch up.
const OVERFLOWS_METRIC: &str = "people_gateway_session_overflows_total";

/// Flags of `slow`.
#[derive(Args, Debug)]
pub(crate) struct SlowFlags {
    /// Clients that read as fast as they can
    #[arg(long, default_value_t = 50, value_parser = positive())]
    pub(crate) clients: u32,
    /// Clients that read slowly
    #[arg(long = "slow", value_name = "CLIENTS", default_value_t = 50, value_parser = positive())]
    pub(crate) slow_clients: u32,
    /// The bytes per second of each slow client
    #[arg(long, default_value_t = 16_384, value_parser = value_parser!(u32).range(20..))]
    bytes_per_second: u32,
    /// Changes per second, for all clients
    #[arg(long, default_value_t = 400, value_parser = rate())]
    rate: u32,
    /// Measure the server's memory instead, for this number of connections that never read, call by
    /// call
    #[arg(long, value_name = "CONNECTIONS", value_parser = positive(),
        conflicts_with_all = ["clients", "slow_clients", "bytes_per_second", "rate"])]
    pub(crate) unread: Option<u32>,
    #[command(flatten)]
    length: SecondsFlag,
    #[command(flatten)]
    writer: WriterFlag,
    #[command(flatten)]
    target: TargetFlags,
}

/// Measures each gateway without slow clients, and with them.
pub(crate) async fn slow(flags: SlowFlags) -> anyhow::Result<()> {
    let SlowFlags {
        clients,
        slow_clients,
        bytes_per_second,
        rate,
        unread,
        length,
        writer,
        target,
    } = flags;
    let target = target.target(writer.writer, ClientFormat::Text, Topics::Everything)?;
    if let Some(connections) = unread {
        return unread::unread(connections, target).await;
    }
    let seconds = length.seconds;
    let title = format!(
        "slow: {clients} fast clients beside {slow_clients} that read {bytes_per_second} bytes a \
         second, {rate} changes a second, {seconds} seconds; median (lowest-highest) of {} turns",
        target.rounds.number
    );
    let settings = json!({
        "clients": clients, "slow": slow_clients, "bytes_per_second": bytes_per_second,
        "rate": rate, "seconds": seconds,
        "turns": target.rounds.number, "format": target.options.format,
    });
    let mut report = BenchReport::new("slow", title, settings);
    report.compare(&[P50_MS, P99_MS, P999_MS]);
    let slow_plan = SlowPlan {
        clients: usize::try_from(slow_clients)?,
        bytes_per_second,
    };
    let mut contestants = Vec::new();
    for gateway in &target.gateways {
        let base = contestants.len();
        report.add_contestant(format!("{}, fast clients only", gateway.name()), None);
        report.add_contestant(format!("{}, slow clients too", gateway.name()), Some(base));
        contestants.extend([(*gateway, None), (*gateway, Some(slow_plan))]);
    }
    let workload = SlowWorkload {
        clients,
        pace: Pace::PerSecond(rate),
        lasts: Duration::from_secs(seconds.into()),
    };
    take_turns(
        &mut report,
        target.rounds,
        &contestants,
        async |(gateway, slow)| workload.turn(*gateway, *slow, &target).await,
    )
    .await?;
    report.finish(target.json.as_ref())
}

struct SlowWorkload {
    clients: u32,
    pace: Pace,
    lasts: Duration,
}

impl SlowWorkload {
    async fn turn(
        &self,
        gateway: Contestant,
        slow: Option<SlowPlan>,
        target: &BenchTarget,
    ) -> anyhow::Result<Turn> {
        let warm_up = self.lasts.min(WARM_UP);
        let stage = LoadStage::Changes {
            pace: self.pace,
            warm_up,
            length: RunLength::Time(self.lasts),
            slow,
        };
        let plan = |server: &_| target.plan(server, self.clients, Topics::Everything, stage);
        let mut trial = Trial::open(gateway, &target.options, plan).await?;
        let before = trial.counter(OVERFLOWS_METRIC).await?;
        let measurement = trial.measure(self.lasts + warm_up).await?;
        let after = trial.counter(OVERFLOWS_METRIC).await?;
        let mut turn = Turn::default();
        turn.add_latency(measurement.outcome.latency);
        add_deliveries(&mut turn, &measurement);
        add_resident(&mut turn, &measurement);
        turn.add(
            OVERFLOWS,
            after
                .zip(before)
                .map(|(after, before)| after.saturating_sub(before) as f64),
        );
        add_end(&mut turn, &measurement, trial.server.pid.is_some());
        Ok(turn)
    }
}
