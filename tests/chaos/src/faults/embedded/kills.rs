//! Kills, and processes that want the same folder.

use super::program::{Ended, run, serve};
use super::set;
use crate::checks::RunReport;
use crate::clients::{Kind, Violation};
use crate::world::{Allowance, Case};

const TIMES: usize = 5;

/// Some kills meet a start that is not over yet.
pub(super) async fn kill_loop(case: Case) -> RunReport {
    let mut stage = set(&case).await;
    for _ in 0..TIMES {
        let (wanted, moment) = (stage.world.number(0..30), stage.world.number(0..120));
        stage.world.load_goes_on(wanted).await;
        stage.pause(moment as u64).await;
        let is_killed_early = stage.world.number(0..3) == 0;
        let early = stage.world.number(0..30);
        stage.world.nodes[0].gateway.kill9_and_start().await;
        if is_killed_early {
            stage.pause(early as u64).await;
            stage.world.nodes[0].gateway.kill9_and_start().await;
        }
    }
    stage.world.nodes[0].gateway.wait_ready().await;
    stage.world.load_goes_on(20).await;
    stage.end().await
}

/// The serving gateway is not harmed: no connection ends, and no write fails.
pub(super) async fn second_process(case: Case) -> RunReport {
    let mut stage = set(&case).await;
    stage.world.allowed = Allowance::NOTHING;
    let folder = stage.world.nodes[0].gateway.folder().join("data");
    let mut violations = Vec::new();
    for _ in 0..TIMES {
        let ended = match stage.world.number(0..3) {
            0 => run(&["check"], &folder, case.partitions).await,
            1 => run(&["check", "--repair"], &folder, case.partitions).await,
            _ => serve(&folder, case.partitions).await,
        };
        violations.extend(not_refused(&ended));
        stage.world.load_goes_on(10).await;
    }
    let mut report = stage.end().await;
    if report.unknown > 0 || !report.refused.is_empty() {
        let what = format!("writes of the first one failed: {:?}", report.refused);
        violations.push(Violation::new(Kind::Refused, what));
    }
    report.violations.extend(violations);
    report
}

fn not_refused(ended: &Ended) -> Option<Violation> {
    let is_refused = ended.code == Some(1) && ended.text.contains("another process has");
    let what = format!("the folder of another process was not refused: {ended:?}");
    (!is_refused).then(|| Violation::new(Kind::Refused, what))
}
