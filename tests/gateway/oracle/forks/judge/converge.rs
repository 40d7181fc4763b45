//! Every client comes to hold the truth in time; one that does not is a fault.

use std::time::{Duration, Instant};

use people_gateway::domain::LogPosition;
use people_gateway::filter::{Filter, Kinds};

use super::sentences::{of_people, sentences_since};
use super::truth::{Truth, difference};
use crate::oracle::forks::watcher::Watcher;
use crate::oracle::forks::wire::Format;
use crate::oracle::forks::world::World;

/// A client that is not told the truth by then never will be. The promise is 3 s; a machine may be
/// slow.
const NEVER: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits until every client is told the truth; who is not in the end is a fault.
pub(super) async fn converge(world: &World, truth: &Truth, when: &str, faults: &mut Vec<String>) {
    let deadline = Instant::now() + NEVER;
    while let Some(watcher) = world
        .watchers
        .iter()
        .find(|watcher| is_wrong(watcher, truth).is_some())
    {
        if Instant::now() > deadline || watcher.has_failed() {
            let wrong = world
                .watchers
                .iter()
                .filter_map(|watcher| is_wrong(watcher, truth).map(|why| (watcher, why)));
            faults
                .extend(wrong.map(|(watcher, why)| format!("{} {when}: {why}", describe(watcher))));
            return;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// What a client does not know yet, or knows wrongly.
fn is_wrong(watcher: &Watcher, truth: &Truth) -> Option<String> {
    if watcher.has_failed() {
        return Some("it could not read what it was sent".to_owned());
    }
    let filter = Filter::parse(&watcher.asks.condition).expect("a filter");
    if watcher.asks.format == Format::Text {
        let before = |at: LogPosition| {
            truth
                .before
                .get(&at.partition)
                .map(|before| before.position)
        };
        let due = sentences_since(watcher, &filter, truth, before);
        return watcher.look(|seen| {
            let heard = of_people(&seen.fold.heard, &due);
            (heard != due)
                .then(|| format!("of the last changes it heard {heard:?} instead of {due:?}"))
        });
    }
    watcher.look(|seen| {
        let Some(cursor) = &seen.fold.cursor else {
            return Some("it is not live".to_owned());
        };
        let behind = truth
            .heads
            .values()
            .find(|at| cursor.get(at.partition) != Some(at.position));
        if let Some(at) = behind {
            return Some(format!("its cursor {cursor} never came to {at}"));
        }
        let is_exact = watcher.asks.kinds == Kinds::All && seen.fold.now().has_pages;
        let matching = truth.matching(&filter);
        (is_exact && seen.fold.people != matching).then(|| difference(&seen.fold.people, &matching))
    })
}

pub(super) fn describe(watcher: &Watcher) -> String {
    let asks = &watcher.asks;
    let from = if asks.begins_with_snapshot {
        "snapshot"
    } else {
        "now"
    };
    format!(
        "{} {:?} {:?} where {:?} from {from}",
        watcher.name, asks.format, asks.kinds, asks.condition
    )
}
