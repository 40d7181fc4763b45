//! Clients that read slowly, and what others notice of them.

use std::time::Duration;

use serde_json::json;

use super::{WARM_UP, tell_deliveries, tell_end};
use crate::cli::{Slow as Flags, Target};
use crate::load::plan::{ClientFormat, Length, Pace, Slow, Stage, Topics};
use crate::report::figure::{OVERFLOWS, P50_MS, P99_MS, P999_MS, PEAK_MIB, RESIDENT_MIB};
use crate::report::{Report, Turn, take_turns};
use crate::servers::Contestant;
use crate::trial::Trial;

/// Sessions that were so far behind that they have to catch up.
const OVERFLOWED: &str = "people_gateway_session_overflows_total";

/// Each gateway in turn without slow clients, and with them.
pub(crate) async fn slow(flags: Flags) -> anyhow::Result<()> {
    let Flags {
        clients,
        burden: slow_ones,
        bytes_per_second,
        rate,
        unread,
        stretch,
        writer,
        target,
    } = flags;
    let target = target.target(writer.writer, ClientFormat::Text, Topics::Everything)?;
    if let Some(connections) = unread {
        return super::unread::unread(connections, target).await;
    }
    let seconds = stretch.seconds;
    let title = format!(
        "slow: {clients} fast clients beside {slow_ones} that read {bytes_per_second} bytes a \
         second, {rate} changes a second, {seconds} seconds; median (lowest-highest) of {} turns",
        target.rounds.number
    );
    let settings = json!({
        "clients": clients, "slow": slow_ones, "bytes_per_second": bytes_per_second, "rate": rate,
        "seconds": seconds, "turns": target.rounds.number, "format": target.starts.format,
    });
    let mut report = Report::new("slow", title, settings);
    report.compare(&[P50_MS, P99_MS, P999_MS]);
    let burden = Slow {
        clients: usize::try_from(slow_ones)?,
        bytes_per_second,
    };
    let mut contestants = Vec::new();
    for gateway in &target.gateways {
        let base = contestants.len();
        report.contender(format!("{}, fast clients only", gateway.name()), None);
        report.contender(format!("{}, slow clients too", gateway.name()), Some(base));
        contestants.extend([(*gateway, None), (*gateway, Some(burden))]);
    }
    let workload = Workload {
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

struct Workload {
    clients: u32,
    pace: Pace,
    lasts: Duration,
}

impl Workload {
    async fn turn(
        &self,
        gateway: Contestant,
        slow: Option<Slow>,
        target: &Target,
    ) -> anyhow::Result<Turn> {
        let warm_up = self.lasts.min(WARM_UP);
        let stage = Stage::Changes {
            pace: self.pace,
            warm_up,
            length: Length::Lasting(self.lasts),
            slow,
        };
        let plan = |server: &_| target.plan(server, self.clients, Topics::Everything, stage);
        let mut trial = Trial::open(gateway, &target.starts, plan).await?;
        let before = trial.counted(OVERFLOWED).await?;
        let measured = trial.measure(self.lasts + warm_up).await?;
        let after = trial.counted(OVERFLOWED).await?;
        let mut turn = Turn::default();
        turn.tell_latency(measured.outcome.latency);
        tell_deliveries(&mut turn, &measured);
        let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
        turn.tell(
            RESIDENT_MIB,
            measured.resident.map(|resident| mib(resident.now)),
        );
        turn.tell(
            PEAK_MIB,
            measured.resident.map(|resident| mib(resident.peak)),
        );
        turn.tell(
            OVERFLOWS,
            after
                .zip(before)
                .map(|(after, before)| after.saturating_sub(before) as f64),
        );
        tell_end(&mut turn, &measured, trial.server.pid.is_some());
        Ok(turn)
    }
}
