//! Thousands connect as fast as they go, while others are being served.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::{tell_end, topics};
use crate::cli::{Storm, Target};
use crate::floor::Writes;
use crate::load::plan::{ClientFormat, FilterKind, Length, Pace, Stage, Topics};
use crate::report::figure::{CONNECT_US, CONNECTS_PER_SECOND, DELIVERIES, P99_MS};
use crate::report::{Report, Turn};
use crate::servers::Contestant;
use crate::trial::{Load, Trial, Usage};

/// How long it is calm before the storm: what the changes cost by themselves is subtracted.
const CALM: Duration = Duration::from_secs(3);
/// What a server has to do for the last clients after it answered them.
const AFTERMATH: Duration = Duration::from_millis(300);

/// A storm of connections.
pub(crate) async fn storm(flags: Storm) -> anyhow::Result<()> {
    let Storm {
        clients,
        filters,
        standing,
        rate,
        beside,
        target,
    } = flags;
    let target = target.target(beside.writer.writer, ClientFormat::Text, Topics::Everything)?;
    let title = format!(
        "storm: {clients} clients connect with one of {filters} filters, {rate} changes a second \
         go to {standing} others; median (lowest-highest) of {} turns",
        target.rounds.number
    );
    let settings = json!({
        "clients": clients, "filters": filters, "standing": standing, "rate": rate,
        "turns": target.rounds.number, "format": target.starts.format,
    });
    let mut report = Report::new("storm", title, settings);
    report.compare(&[CONNECT_US, P99_MS]);
    let crowds = Crowds {
        clients,
        topics: topics(FilterKind::Equal, filters),
        standing,
        rate,
    };
    let turn = async |contestant| crowds.turn(contestant, &target).await;
    target
        .take_turns(report, beside.floor.then_some(Writes::Each), turn)
        .await
}

/// Who comes, and who is there.
struct Crowds {
    clients: u32,
    topics: Topics,
    standing: u32,
    rate: u32,
}

impl Crowds {
    async fn turn(&self, contestant: Contestant, target: &Target) -> anyhow::Result<Turn> {
        let pace = Pace::PerSecond(self.rate);
        let stage = Stage::Changes {
            pace,
            warm_up: CALM,
            length: Length::UntilTold,
            slow: None,
        };
        let plan = |server: &_| target.plan(server, self.standing, Topics::Everything, stage);
        let mut trial = Trial::open(contestant, &target.starts, plan).await?;
        let calm = Usage::now(&trial.server, &trial.load)?;
        trial.load.reach_begin(CALM).await?;
        let begin = Usage::now(&trial.server, &trial.load)?;
        trial.load.go()?;
        let newcomers = target.plan(&trial.server, self.clients, self.topics, Stage::Idle);
        let newcomers = Load::start(&newcomers).await?;
        sleep(AFTERMATH).await;
        let end = Usage::now(&trial.server, &trial.load)?;
        // Enough changes.
        trial.load.go()?;
        let mut measured = trial.finish(&begin, Duration::ZERO).await?;
        measured.others.used = measured.others.used.saturating_sub(newcomers.cpu()?);

        let mut turn = Turn::default();
        turn.tell_micros_each(
            CONNECT_US,
            storm_alone(&calm, &begin, &end),
            self.clients.into(),
        );
        turn.tell(
            CONNECTS_PER_SECOND,
            f64::from(self.clients) / newcomers.opened.as_secs_f64(),
        );
        turn.tell(DELIVERIES, measured.outcome.deliveries as f64);
        turn.tell_latency(measured.outcome.latency);
        tell_end(&mut turn, &measured, trial.server.pid.is_some());
        newcomers.end().await?;
        Ok(turn)
    }
}

/// The server's CPU time from `begin` to `end`, without what the changes alone cost between `calm`
/// and `begin`.
fn storm_alone(calm: &Usage, begin: &Usage, end: &Usage) -> Option<Duration> {
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
    fn what_the_changes_cost_anyway_is_not_the_storms() {
        let [all, lasted, usual, usually] = [900, 2000, 150, 3000].map(Duration::from_millis);
        assert_eq!(
            without_usual(all, lasted, usual, usually),
            Duration::from_millis(800)
        );
        assert_eq!(without_usual(usual, usually, all, lasted), Duration::ZERO);
    }
}
