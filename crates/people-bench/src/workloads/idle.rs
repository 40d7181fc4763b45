//! What a connection costs that nothing happens on.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::{kib_each, topics};
use crate::cli::{Idle, Target, WrongUse};
use crate::floor::Writes;
use crate::load::plan::{ClientFormat, FilterKind, Stage, Topics};
use crate::machine::Resident;
use crate::report::figure::{
    CONNECT_US, CONNECTS_PER_SECOND, KIB_AT_END, KIB_AT_REST, RESIDENT_MIB,
};
use crate::report::{Report, Turn};
use crate::servers::{Contestant, Remote, Writer};
use crate::trial::Trial;

/// What a server has to come to rest after the last client came: its allocator gives back what it
/// no longer needs within ten seconds.
const REST: Duration = Duration::from_secs(12);

/// Many connections, and the server's memory.
pub(crate) async fn idle(flags: Idle) -> anyhow::Result<()> {
    let Idle {
        clients,
        filters,
        seconds,
        floor,
        target,
    } = flags;
    let topics = topics(FilterKind::Equal, filters);
    let target = target.target(Writer::Same, ClientFormat::Text, topics)?;
    if let [Contestant::Remote(Remote { pid: None, .. })] = target.gateways[..] {
        return Err(WrongUse("idle measures memory: with --url it needs --pid".to_owned()).into());
    }
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
        "format": target.starts.format,
    });
    let mut report = Report::new("idle", title, settings);
    report.compare(&[CONNECT_US]);
    let lasts = Duration::from_secs(seconds.into());
    let turn = async |contestant| turn(contestant, &target, clients, topics, lasts).await;
    target
        .take_turns(report, floor.then_some(Writes::Each), turn)
        .await
}

async fn turn(
    contestant: Contestant,
    target: &Target,
    clients: u32,
    topics: Topics,
    lasts: Duration,
) -> anyhow::Result<Turn> {
    let plan = |server: &_| target.plan(server, clients, topics, Stage::Idle);
    let trial = Trial::open(contestant, &target.starts, plan).await?;
    let mut turn = Turn::default();
    let rest = lasts.min(REST);
    for (time, figure) in [
        (rest, KIB_AT_REST),
        (lasts.saturating_sub(rest), KIB_AT_END),
    ] {
        sleep(time).await;
        let resident = trial.server.pid.map(Resident::of).transpose()?;
        turn.tell(
            figure,
            resident.and_then(|resident| kib_each(&trial, resident.now, clients)),
        );
        if figure.key == KIB_AT_END.key {
            turn.tell(
                RESIDENT_MIB,
                resident.map(|resident| resident.now as f64 / 1024.0 / 1024.0),
            );
        }
    }
    turn.tell_micros_each(CONNECT_US, trial.connecting, clients.into());
    turn.tell(
        CONNECTS_PER_SECOND,
        f64::from(clients) / trial.load.opened.as_secs_f64(),
    );
    trial.load.end().await?;
    Ok(turn)
}
