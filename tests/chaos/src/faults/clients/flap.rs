//! Clients cut their connections and resume, again and again. There is one history, so no client is
//! reset.

use super::set;
use crate::checks::RunReport;
use crate::clients::Cut;
use crate::world::Case;

const TIMES: usize = 50;
/// Each time one client of so many cuts its connection.
const ONE_OF: usize = 3;

pub(super) async fn flap(case: Case) -> RunReport {
    let (_redis, mut stage) = set(&case, &[]).await;
    let world = &mut stage.world;
    for _ in 0..TIMES {
        let (gateway, first) = (world.number(0..3), world.number(0..ONE_OF));
        for watcher in (first..world.watchers.len()).step_by(ONE_OF) {
            let cut = [Cut::Finish, Cut::Reset][world.number(0..2)];
            if !world.watchers[watcher].is_paused {
                world.cut(watcher, cut, gateway).await;
            }
        }
        // Some are cut while they catch up.
        if world.number(0..4) == 0 {
            world.all_live().await;
        } else {
            let moment = world.number(0..40) as u64;
            tokio::time::sleep(std::time::Duration::from_millis(moment)).await;
        }
    }
    let mut report = stage.end().await;
    report
        .notes
        .push(format!("{TIMES} cuts of a third of all clients"));
    report
}
