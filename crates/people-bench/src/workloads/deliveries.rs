//! Changes at a pace, or flat out, and what their deliveries cost: `fanout`, `selective` and
//! `push`.

use std::time::Duration;

use serde_json::json;

use super::{WARM_UP, kib_each, tell_deliveries, tell_end, topics};
use crate::cli::{Fanout, Push, Selective, Target};
use crate::floor::Writes;
use crate::load::plan::{ClientFormat, Length, Pace, Stage, Topics};
use crate::report::figure::{EVENT_US, Figure, KIB_CONNECTION, P50_MS, P99_MS, P999_MS, SERVER_US};
use crate::report::{Report, Turn};
use crate::servers::Contestant;
use crate::trial::Trial;

/// One of the three.
struct Deliveries {
    name: &'static str,
    clients: u32,
    topics: Topics,
    pace: Pace,
    seconds: u32,
    floor: bool,
    /// What is told as a multiple of the floor's.
    compared: &'static [Figure],
    /// What is told as a distance from the floor's.
    subtracted: &'static [Figure],
}

/// Every client gets every change.
pub(crate) async fn fanout(flags: Fanout) -> anyhow::Result<()> {
    let target = flags.target.target(
        flags.beside.writer.writer,
        ClientFormat::Text,
        Topics::Everything,
    )?;
    let workload = Deliveries {
        name: "fanout",
        clients: flags.clients,
        topics: Topics::Everything,
        pace: flags
            .in_flight
            .map_or(Pace::PerSecond(flags.rate), Pace::InFlight),
        seconds: flags.stretch.seconds,
        floor: flags.beside.floor,
        compared: &[SERVER_US, P99_MS],
        subtracted: &[],
    };
    workload.run(target).await
}

/// Few clients match a change.
pub(crate) async fn selective(flags: Selective) -> anyhow::Result<()> {
    let topics = topics(flags.filter, flags.filters);
    let target = flags
        .target
        .target(flags.beside.writer.writer, ClientFormat::Text, topics)?;
    let workload = Deliveries {
        name: "selective",
        clients: flags.clients,
        topics,
        pace: Pace::PerSecond(flags.rate),
        seconds: flags.seconds,
        floor: flags.beside.floor,
        compared: &[EVENT_US, P50_MS, P99_MS, P999_MS],
        subtracted: &[P99_MS, P999_MS],
    };
    workload.run(target).await
}

/// From the request to the frame.
pub(crate) async fn push(flags: Push) -> anyhow::Result<()> {
    let target = flags.target.target(
        flags.beside.writer.writer,
        ClientFormat::Text,
        Topics::Everything,
    )?;
    let workload = Deliveries {
        name: "push",
        clients: flags.clients,
        topics: Topics::Everything,
        pace: Pace::PerSecond(flags.rate),
        seconds: flags.stretch.seconds,
        floor: flags.beside.floor,
        compared: &[P50_MS, P99_MS, P999_MS],
        subtracted: &[],
    };
    workload.run(target).await
}

impl Deliveries {
    async fn run(self, target: Target) -> anyhow::Result<()> {
        let floor = match self.pace {
            Pace::PerSecond(_) => Writes::Each,
            // What waits for a client goes out at once: the gateway does so too.
            Pace::InFlight(_) => Writes::Together,
        };
        let turn = async |contestant| self.turn(contestant, &target).await;
        target
            .take_turns(self.report(&target), self.floor.then_some(floor), turn)
            .await
    }

    async fn turn(&self, contestant: Contestant, target: &Target) -> anyhow::Result<Turn> {
        let measured = Duration::from_secs(self.seconds.into());
        let warm_up = measured.min(WARM_UP);
        let stage = Stage::Changes {
            pace: self.pace,
            warm_up,
            length: Length::Lasting(measured),
            slow: None,
        };
        let plan = |server: &_| target.plan(server, self.clients, self.topics, stage);
        let mut trial = Trial::open(contestant, &target.starts, plan).await?;
        let measured = trial.measure(measured + warm_up).await?;
        let mut turn = Turn::default();
        tell_deliveries(&mut turn, &measured);
        turn.tell_latency(measured.outcome.latency);
        let resident = measured
            .resident
            .and_then(|resident| kib_each(&trial, resident.now, self.clients));
        turn.tell(KIB_CONNECTION, resident);
        tell_end(&mut turn, &measured, trial.server.pid.is_some());
        Ok(turn)
    }

    fn report(&self, target: &Target) -> Report {
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
            "turns": turns, "format": target.starts.format,
            "writer": format!("{:?}", target.starts.writer).to_lowercase(),
        });
        let mut report = Report::new(name, title, settings);
        report.compare(self.compared);
        report.subtract(self.subtracted);
        report
    }
}
