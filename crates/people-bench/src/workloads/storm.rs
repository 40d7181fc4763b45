//! `storm`: thousands of clients connect as fast as they can, while others get changes.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::time::sleep;

use super::figures::add_end;
use super::flags::{BaselineFlags, positive, rate};
use super::target::{BenchTarget, TargetFlags, topics};
use crate::baseline::SendMode;
use crate::load::plan::{ClientFormat, FilterKind, LoadStage, Pace, RunLength, Topics};
use crate::report::figure::{CONNECT_US, CONNECTS_PER_SECOND, DELIVERIES, P99_MS};
use crate::report::{BenchReport, Turn};
use crate::servers::Contestant;
use crate::trial::{CpuSample, Load, Trial};

/// The time before the storm, in which the cost of the changes alone is measured.
const CALM: Duration = Duration::from_secs(3);
/// The time for a server's work after its last answer.
const AFTERMATH: Duration = Duration::from_millis(300);

/// Flags of `storm`.
#[derive(Args, Debug)]
pub(crate) struct StormFlags {
    /// Clients that connect at the same time
    #[arg(long, default_value_t = 10_000, value_parser = positive())]
    pub(crate) clients: u32,
    /// Distinct filters of these clients
    #[arg(long, default_value_t = 100, value_parser = positive())]
    filters: u32,
    /// Clients that connect before the storm, and get every change
    #[arg(long, default_value_t = 100, value_parser = positive())]
    pub(crate) subscribers: u32,
    /// Changes per second for these clients
    #[arg(long, default_value_t = 20, value_parser = rate())]
    rate: u32,
    #[command(flatten)]
    baseline: BaselineFlags,
    #[command(flatten)]
    target: TargetFlags,
}

/// Measures a storm of connections.
pub(crate) async fn storm(flags: StormFlags) -> anyhow::Result<()> {
    let StormFlags {
        clients,
        filters,
        subscribers,
        rate,
        baseline,
        target,
    } = flags;
    let target = target.target(
        baseline.writer.writer,
        ClientFormat::Text,
        Topics::Everything,
    )?;
    let title = format!(
        "storm: {clients} clients connect with one of {filters} filters, {rate} changes a second \
         go to {subscribers} other clients; median (lowest-highest) of {} turns",
        target.rounds.number
    );
    let settings = json!({
        "clients": clients, "filters": filters, "subscribers": subscribers, "rate": rate,
        "turns": target.rounds.number, "format": target.options.format,
    });
    let mut report = BenchReport::new("storm", title, settings);
    report.compare(&[CONNECT_US, P99_MS]);
    let workload = StormWorkload {
        clients,
        topics: topics(FilterKind::Equal, filters),
        subscribers,
        rate,
    };
    let turn = async |contestant| workload.turn(contestant, &target).await;
    target
        .take_turns(report, baseline.baseline.then_some(SendMode::Each), turn)
        .await
}

/// The new clients, and the subscribers to the changes.
struct StormWorkload {
    clients: u32,
    topics: Topics,
    subscribers: u32,
    rate: u32,
}

impl StormWorkload {
    async fn turn(&self, contestant: Contestant, target: &BenchTarget) -> anyhow::Result<Turn> {
        let pace = Pace::PerSecond(self.rate);
        let stage = LoadStage::Changes {
            pace,
            warm_up: CALM,
            length: RunLength::UntilInput,
            slow: None,
        };
        let plan = |server: &_| target.plan(server, self.subscribers, Topics::Everything, stage);
        let mut trial = Trial::open(contestant, &target.options, plan).await?;
        let calm = CpuSample::now(&trial.server, &trial.load)?;
        trial.load.wait_for_begin(CALM).await?;
        let begin = CpuSample::now(&trial.server, &trial.load)?;
        trial.load.proceed()?;
        let newcomers = target.plan(&trial.server, self.clients, self.topics, LoadStage::Idle);
        let newcomers = Load::start(&newcomers).await?;
        sleep(AFTERMATH).await;
        let end = CpuSample::now(&trial.server, &trial.load)?;
        // Ends the changes.
        trial.load.proceed()?;
        let mut measurement = trial.finish(&begin, Duration::ZERO).await?;
        let others = &mut measurement.others.used;
        *others = others.saturating_sub(newcomers.cpu()?);

        let mut turn = Turn::default();
        turn.add_micros_each(
            CONNECT_US,
            storm_alone(&calm, &begin, &end),
            self.clients.into(),
        );
        turn.add(
            CONNECTS_PER_SECOND,
            f64::from(self.clients) / newcomers.opened.as_secs_f64(),
        );
        turn.add(DELIVERIES, measurement.outcome.deliveries as f64);
        turn.add_latency(measurement.outcome.latency);
        add_end(&mut turn, &measurement, trial.server.pid.is_some());
        newcomers.end().await?;
        Ok(turn)
    }
}

/// The server's CPU time from `begin` to `end`, without the cost of the changes, which is measured
/// from
/// `calm` to `begin`.
fn storm_alone(calm: &CpuSample, begin: &CpuSample, end: &CpuSample) -> Option<Duration> {
    let ((usual, calm), (all, storm)) = (begin.server_since(calm), end.server_since(begin));
    Some(without_usual(all?, storm, usual?, calm))
}

fn without_usual(all: Duration, lasted: Duration, usual: Duration, usually: Duration) -> Duration {
    all.saturating_sub(usual.mul_f64(lasted.as_secs_f64() / usually.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_the_changes_does_not_count_for_the_storm() {
        let [all, lasted, usual, usually] = [900, 2000, 150, 3000].map(Duration::from_millis);
        assert_eq!(
            without_usual(all, lasted, usual, usually),
            Duration::from_millis(800)
        );
        assert_eq!(without_usual(usual, usually, all, lasted), Duration::ZERO);
    }
}
