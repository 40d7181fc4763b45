//! A client is told one history between two resets, is reset no more often than history broke, and
//! is shown the changes of the log since its `live`, each once.

use people_gateway::domain::{Change, LogPosition};
use people_gateway::filter::{Filter, Verdict, View};

use crate::oracle::forks::fold::Segment;
use crate::oracle::forks::watcher::{Seen, Watcher};
use crate::oracle::forks::world::World;

/// From a `live` on, all that is told belongs to one history until a reset; in the end to the
/// surviving one.
pub(super) fn judge_branches(world: &World, seen: &Seen, surviving: &[Change]) -> Vec<String> {
    let histories: Vec<&[Change]> = std::iter::once(surviving)
        .chain(world.lost.iter().map(Vec::as_slice))
        .collect();
    let mut complaints = Vec::new();
    for (number, segment) in seen.fold.segments.iter().enumerate() {
        let is_last = number + 1 == seen.fold.segments.len();
        let possible = if is_last {
            &histories[..1]
        } else {
            &histories[..]
        };
        let mut partitions: Vec<_> = segment.told.iter().map(|at| at.partition).collect();
        partitions.sort_unstable();
        partitions.dedup();
        for partition in partitions {
            let told: Vec<_> = segment
                .told
                .iter()
                .filter(|at| at.partition == partition)
                .collect();
            if !possible
                .iter()
                .any(|history| told.iter().all(|at| holds(history, at)))
            {
                let stretch = if is_last {
                    "lost history after the last live"
                } else {
                    "two histories after one live"
                };
                complaints.push(format!(
                    "it was told of {stretch} of partition {partition}: {told:?}"
                ));
            }
        }
    }
    complaints
}

/// Whether a history went through this place.
pub(super) fn holds(history: &[Change], at: &LogPosition) -> bool {
    at.position.seq.get() == 0 || history.iter().any(|change| change.at == *at)
}

/// A view is reset at most once for each time that history broke at a gateway of its client, and
/// once for each time that the client moved to a gateway that was at another history.
pub(super) fn judge_resets(world: &World, watcher: &Watcher, seen: &Seen) -> Option<String> {
    let (resets, most) = (
        seen.fold.resets(),
        world.breaks * (watcher.moves + 1) + watcher.moves,
    );
    let began = |segment: &Segment| {
        segment
            .began
            .as_ref()
            .map_or_else(|| "never live".to_owned(), ToString::to_string)
    };
    let segments = || seen.fold.segments.iter().map(began).collect::<Vec<_>>();
    (resets > most).then(|| {
        format!(
            "it was reset {resets} times, {most} at most were due; it was live at {:?}",
            segments()
        )
    })
}

/// Where nothing was composed, the changes since `live` are those of the log, each once.
pub(super) fn judge_changes(watcher: &Watcher, seen: &Seen, log: &[Change]) -> Option<String> {
    let segment = seen.fold.now();
    let began = segment.began.as_ref()?;
    if segment.has_batches {
        return None;
    }
    let filter = Filter::parse(&watcher.asks.condition).expect("a filter");
    let view = View {
        kinds: watcher.asks.kinds,
        filter,
    };
    let since = log.iter().filter(|change| {
        began
            .get(change.at.partition)
            .is_some_and(|began| change.at.position.seq > began.seq)
    });
    let mut due: Vec<_> = since
        .filter_map(|change| Some((change.at.to_string(), word(&view, change)?)))
        .collect();
    let mut shown: Vec<_> = segment
        .changes
        .iter()
        .map(|(at, word)| (at.to_string(), word.clone()))
        .collect();
    due.sort();
    shown.sort();
    let lost: Vec<_> = due
        .iter()
        .filter(|change| !shown.contains(change))
        .collect();
    let strange: Vec<_> = shown
        .iter()
        .filter(|change| !due.contains(change))
        .collect();
    (shown != due).then(|| {
        format!("since it was live at {began} it missed {lost:?} and was shown {strange:?}")
    })
}

/// What a change means to a view, as JSON formats say it; none where nothing is sent.
fn word(view: &View, change: &Change) -> Option<String> {
    let word = match view.verdict_of(change) {
        Verdict::Create => "create",
        Verdict::Enter => "enter",
        Verdict::Update => "update",
        Verdict::Leave => "leave",
        Verdict::Delete => "delete",
        Verdict::Outside => return None,
    };
    Some(word.to_owned())
}
