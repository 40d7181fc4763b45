//! The promise, held against every client: once the faults are over its view becomes the people who
//! match, by changes of the surviving history only, and what was lost is never taken back in
//! silence.

mod converge;
mod history;
mod sentences;
mod truth;

use std::collections::BTreeMap;
use std::time::Duration;

use self::converge::{converge, describe};
use self::history::{judge_branches, judge_changes, judge_resets};
use self::sentences::judge_text;
use self::truth::Truth;
use super::watcher::{Seen, Watcher};
use super::wire::Format;
use super::world::World;

pub(super) use self::sentences::saved;
pub(super) use self::truth::heads;

/// What became of one run.
pub(super) struct Verdicts {
    /// How long the slowest client took to hold the truth after the last fault.
    pub(super) took: Duration,
    pub(super) faults: Vec<String>,
}

/// Waits until every client holds the truth of the server on this port, then until all are shown
/// what is written after that through this gateway; what contradicts the promise.
pub(super) async fn judge(world: &mut World, gateway: usize, port: u16) -> Verdicts {
    let mut faults = Vec::new();
    world.go_on().await;
    let truth = Truth::read(world, gateway, port, BTreeMap::new()).await;
    converge(world, &truth, "after the faults", &mut faults).await;
    let took = world.mended.elapsed();

    let before = truth.heads;
    world
        .people
        .write_everywhere(&world.nodes[gateway].gateway)
        .await;
    let truth = Truth::read(world, gateway, port, before).await;
    // A watcher that was wrong before is not waited for again.
    if faults.is_empty() {
        converge(world, &truth, "after the next changes", &mut faults).await;
    }
    for watcher in &world.watchers {
        let seen = watcher.seen();
        let mut complaints = seen.fold.contradictions.clone();
        complaints.extend(judge_closes(watcher, &seen));
        if watcher.asks.format == Format::Text {
            complaints.extend(judge_text(world, watcher, &seen, &truth).await);
        } else {
            complaints.extend(judge_branches(world, &seen, &truth.log));
            complaints.extend(judge_resets(world, watcher, &seen));
            complaints.extend(judge_changes(watcher, &seen, &truth.log));
        }
        faults.extend(
            complaints
                .into_iter()
                .map(|complaint| format!("{}: {complaint}", describe(watcher))),
        );
    }
    Verdicts { took, faults }
}

/// Nobody is closed: text may be, where it could not be told otherwise.
fn judge_closes(watcher: &Watcher, seen: &Seen) -> Option<String> {
    let is_text = watcher.asks.format == Format::Text;
    let strange: Vec<_> = seen
        .closes
        .iter()
        .filter(|code| !(is_text && **code == 4010))
        .collect();
    (!strange.is_empty()).then(|| format!("it was disconnected: {strange:?}"))
}
