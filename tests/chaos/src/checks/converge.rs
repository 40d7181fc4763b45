//! Every client converges to the server's state in time.

use std::time::{Duration, Instant};

use people_gateway::domain::LogPosition;
use people_gateway::filter::{Filter, Kinds};

use super::sentences::{sentences_of, sentences_since};
use super::truth::{Truth, difference};
use crate::clients::{Format, Kind, Violation, Watcher};
use crate::world::World;

/// Time limit of convergence. The promise is 3 s; the rest is for slow machines.
const CONVERGENCE_LIMIT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until every client has converged. Adds a violation for each client that has not in time.
pub(super) async fn converge(
    world: &World,
    truth: &Truth,
    when: &str,
    violations: &mut Vec<Violation>,
) {
    let deadline = Instant::now() + CONVERGENCE_LIMIT;
    while mismatches(world, truth).next().is_some() {
        let has_failed = world.watchers.iter().any(Watcher::has_failed);
        if Instant::now() > deadline || has_failed {
            violations.extend(mismatches(world, truth).map(|(client, why)| {
                let what = format!("{client} {when}: {why}");
                Violation::new(Kind::WrongView, what)
            }));
            return;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// The clients that have not converged, and why.
fn mismatches(world: &World, truth: &Truth) -> impl Iterator<Item = (String, String)> {
    let watchers = world.watchers.iter();
    let wrong = watchers.filter_map(|it| Some((describe(it), mismatch(it, truth)?)));
    let heads: Vec<LogPosition> = truth.heads.values().copied().collect();
    wrong.chain(world.library_clients.iter().filter_map(move |client| {
        let filter = Filter::parse(&client.condition).expect("a filter");
        let mismatch = client.mismatch(&truth.matching(&filter), &heads)?;
        Some((client.name.clone(), mismatch))
    }))
}

/// The difference between a client's view and the truth.
fn mismatch(watcher: &Watcher, truth: &Truth) -> Option<String> {
    if watcher.has_failed() {
        return Some("it could not parse a message".to_owned());
    }
    if !watcher.is_live() {
        return Some("it is not live".to_owned());
    }
    if watcher.inspect(|state| state.fold.is_stale) {
        return Some("it was not told that all is proved again".to_owned());
    }
    let filter = Filter::parse(&watcher.options.condition).expect("a filter");
    if watcher.options.format == Format::Text {
        let before = |at: LogPosition| {
            truth
                .before
                .get(&at.partition)
                .map(|before| before.position)
        };
        let expected = sentences_since(watcher, &filter, truth, before);
        return watcher.inspect(|state| {
            let received = sentences_of(&state.fold.received_sentences, &expected);
            (received != expected).then(|| {
                format!("of the last changes it received {received:?} instead of {expected:?}")
            })
        });
    }
    watcher.inspect(|state| {
        let cursor = state.fold.cursor.as_ref()?;
        let missing = truth
            .heads
            .values()
            .find(|at| cursor.get(at.partition) != Some(at.position));
        if let Some(at) = missing {
            return Some(format!("its cursor {cursor} did not reach {at}"));
        }
        let is_exact =
            watcher.options.kinds == Kinds::All && state.fold.current_segment().has_pages;
        let matching = truth.matching(&filter);
        (is_exact && state.fold.people != matching)
            .then(|| difference(&state.fold.people, &matching))
    })
}

pub(super) fn describe(watcher: &Watcher) -> String {
    let options = &watcher.options;
    let from = if options.begins_with_snapshot {
        "snapshot"
    } else {
        "now"
    };
    format!(
        "{} {:?} {:?} where {:?} from {from}",
        watcher.name, options.format, options.kinds, options.condition
    )
}
