//! `fanout`, `selective` and `push`: the cost and latency of deliveries, at a pace or flat out.

use std::time::Duration;

use clap::{Args, value_parser};
use serde_json::json;

use super::figures::{WARM_UP, add_deliveries, add_end, kib_each};
use super::flags::{BaselineFlags, SecondsFlag, positive, rate};
use super::target::{BenchTarget, TargetFlags, topics};
use crate::baseline::SendMode;
use crate::load::plan::{ClientFormat, FilterKind, LoadStage, Pace, RunLength, Topics};
use crate::report::figure::{EVENT_US, Figure, KIB_CONNECTION, P50_MS, P99_MS, P999_MS, SERVER_US};
use crate::report::{BenchReport, Turn};
use crate::servers::Contestant;
use crate::trial::Trial;

/// Flags of `fanout`.
#[derive(Args, Debug)]
pub(crate) struct FanoutFlags {
    /// Clients, which get every change
    #[arg(long, default_value_t = 1000, value_parser = positive())]
    pub(crate) clients: u32,
    /// Changes per second
    #[arg(long, default_value_t = 20, value_parser = rate(), conflicts_with = "in_flight")]
    rate: u32,
    /// Flat out: make the next change as soon as fewer than N are in flight
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1000))]
    in_flight: Option<u32>,
    #[command(flatten)]
    length: SecondsFlag,
    #[command(flatten)]
    baseline: BaselineFlags,
    #[command(flatten)]
    target: TargetFlags,
}

/// Flags of `selective`.
#[derive(Args, Debug)]
pub(crate) struct SelectiveFlags {
    /// Clients, each with one of the filters
    #[arg(long, default_value_t = 10_000, value_parser = positive())]
    pub(crate) clients: u32,
    /// Distinct filters; each change matches one of them
    #[arg(long, default_value_t = 1000, value_parser = positive())]
    filters: u32,
    /// The kind of the filters
    #[arg(long, value_enum, default_value_t = FilterKind::Equal)]
    filter: FilterKind,
    /// Changes per second
    #[arg(long, default_value_t = 1000, value_parser = rate())]
    rate: u32,
    /// Seconds of the measurement, after a warm-up of 2 (less if this is less); in 30 every timer
    /// of the gateway fires
    #[arg(long, default_value_t = 30, value_parser = value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    #[command(flatten)]
    baseline: BaselineFlags,
    #[command(flatten)]
    target: TargetFlags,
}

/// Flags of `push`.
#[derive(Args, Debug)]
pub(crate) struct PushFlags {
    /// Clients, which get every change
    #[arg(long, default_value_t = 1000, value_parser = positive())]
    pub(crate) clients: u32,
    /// Changes per second
    #[arg(long, default_value_t = 20, value_parser = rate())]
    rate: u32,
    #[command(flatten)]
    length: SecondsFlag,
    #[command(flatten)]
    baseline: BaselineFlags,
    #[command(flatten)]
    target: TargetFlags,
}

/// One of the three workloads.
struct DeliveryWorkload {
    name: &'static str,
    clients: u32,
    topics: Topics,
    pace: Pace,
    seconds: u32,
    baseline: bool,
    /// The figures with a ratio to the baseline's.
    compared: &'static [Figure],
    /// The figures with a difference to the baseline's.
    subtracted: &'static [Figure],
}

/// Every client gets every change.
pub(crate) async fn fanout(flags: FanoutFlags) -> anyhow::Result<()> {
    let target = flags.target.target(
        flags.baseline.writer.writer,
        ClientFormat::Text,
        Topics::Everything,
    )?;
    let workload = DeliveryWorkload {
        name: "fanout",
        clients: flags.clients,
        topics: Topics::Everything,
        pace: flags
            .in_flight
            .map_or(Pace::PerSecond(flags.rate), Pace::InFlight),
        seconds: flags.length.seconds,
        baseline: flags.baseline.baseline,
        compared: &[SERVER_US, P99_MS],
        subtracted: &[],
    };
    workload.run(target).await
}

/// Few clients match each change.
pub(crate) async fn selective(flags: SelectiveFlags) -> anyhow::Result<()> {
    let topics = topics(flags.filter, flags.filters);
    let target = flags
        .target
        .target(flags.baseline.writer.writer, ClientFormat::Text, topics)?;
    let workload = DeliveryWorkload {
        name: "selective",
        clients: flags.clients,
        topics,
        pace: Pace::PerSecond(flags.rate),
        seconds: flags.seconds,
        baseline: flags.baseline.baseline,
        compared: &[EVENT_US, P50_MS, P99_MS, P999_MS],
        subtracted: &[P99_MS, P999_MS],
    };
    workload.run(target).await
}

/// The latency from the due time of a request to the frame.
pub(crate) async fn push(flags: PushFlags) -> anyhow::Result<()> {
    let target = flags.target.target(
        flags.baseline.writer.writer,
        ClientFormat::Text,
        Topics::Everything,
    )?;
    let workload = DeliveryWorkload {
        name: "push",
        clients: flags.clients,
        topics: Topics::Everything,
        pace: Pace::PerSecond(flags.rate),
        seconds: flags.length.seconds,
        baseline: flags.baseline.baseline,
        compared: &[P50_MS, P99_MS, P999_MS],
        subtracted: &[],
    };
    workload.run(target).await
}

impl DeliveryWorkload {
    async fn run(self, target: BenchTarget) -> anyhow::Result<()> {
        let mode = match self.pace {
            Pace::PerSecond(_) => SendMode::Each,
            // The gateway also sends all frames that wait for a client together.
            Pace::InFlight(_) => SendMode::Together,
        };
        let turn = async |contestant| self.turn(contestant, &target).await;
        target
            .take_turns(self.report(&target), self.baseline.then_some(mode), turn)
            .await
    }

    async fn turn(&self, contestant: Contestant, target: &BenchTarget) -> anyhow::Result<Turn> {
        let length = Duration::from_secs(self.seconds.into());
        let warm_up = length.min(WARM_UP);
        let stage = LoadStage::Changes {
            pace: self.pace,
            warm_up,
            length: RunLength::Time(length),
            slow: None,
        };
        let plan = |server: &_| target.plan(server, self.clients, self.topics, stage);
        let mut trial = Trial::open(contestant, &target.options, plan).await?;
        let measurement = trial.measure(length + warm_up).await?;
        let mut turn = Turn::default();
        add_deliveries(&mut turn, &measurement);
        turn.add_latency(measurement.outcome.latency);
        let resident = measurement
            .resident
            .and_then(|resident| kib_each(&trial, resident.now, self.clients));
        turn.add(KIB_CONNECTION, resident);
        add_end(&mut turn, &measurement, trial.server.pid.is_some());
        Ok(turn)
    }

    fn report(&self, target: &BenchTarget) -> BenchReport {
        let Self {
            name,
            clients,
            seconds,
            ..
        } = self;
        let pace = match self.pace {
            Pace::PerSecond(rate) => format!("{rate} changes a second"),
            Pace::InFlight(most) => format!("{most} changes in flight"),
        };
        let filters = match self.topics {
            Topics::Everything => String::new(),
            Topics::Filters { kind, count } => format!(" with one of {count} filters ({kind:?})"),
        };
        let turns = target.rounds.number;
        let title = format!(
            "{name}: {clients} clients{filters}, {pace}, {seconds} seconds; median \
             (lowest-highest) of {turns} turns"
        );
        let settings = json!({
            "clients": clients, "pace": self.pace, "seconds": seconds, "topics": self.topics,
            "turns": turns, "format": target.options.format,
            "writer": format!("{:?}", target.options.writer).to_lowercase(),
        });
        let mut report = BenchReport::new(name, title, settings);
        report.compare(self.compared);
        report.subtract(self.subtracted);
        report
    }
}
