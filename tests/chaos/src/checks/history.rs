//! A client receives one history between two resets, is reset no more often than history broke, and
//! receives each change of the log since its `live` once.

use std::collections::{BTreeMap, BTreeSet};

use people_gateway::domain::{Change, LogPosition, PersonId};
use people_gateway::filter::{Kinds, Verdict, View};
use people_gateway::rights::Scope;
use people_testing::people::verdict_name;

use super::sentences::missed_or_not;
use crate::clients::{ClientState, Kind, Segment, Violation, Watcher};
use crate::world::{History, World};

/// From a `live` to the next reset, all positions are of one history. In the last segment they are
/// of the surviving one.
pub(super) fn check_histories(
    world: &World,
    state: &ClientState,
    surviving: &[Change],
) -> Vec<Violation> {
    let surviving = History::of(surviving);
    let histories: Vec<&History> = std::iter::once(&surviving).chain(&world.lost).collect();
    let mut violations = Vec::new();
    for (number, segment) in state.fold.segments.iter().enumerate() {
        let is_last = number + 1 == state.fold.segments.len();
        let possible = if is_last {
            &histories[..1]
        } else {
            &histories[..]
        };
        let mut partitions: Vec<_> = segment.positions.iter().map(|at| at.partition).collect();
        partitions.sort_unstable();
        partitions.dedup();
        for partition in partitions {
            let positions: Vec<_> = segment
                .positions
                .iter()
                .filter(|at| at.partition == partition)
                .collect();
            if !possible
                .iter()
                .any(|history| positions.iter().all(|at| history.contains(at)))
                && (is_last || !may_branch_off(world, &surviving, &positions))
            {
                let found = if is_last {
                    "lost history after the last live"
                } else {
                    "two histories after one live"
                };
                violations.push(Violation::new(
                    Kind::Phantom,
                    format!("it received {found} of partition {partition}: {positions:?}"),
                ));
            }
        }
    }
    violations
}

/// Nobody may be able to read a lost branch any more: the places that survived come first, and then
/// only others.
fn may_branch_off(world: &World, surviving: &History, positions: &[&LogPosition]) -> bool {
    let survived = |at: &&&LogPosition| surviving.contains(at);
    let mut branch = positions.iter().skip_while(survived);
    world.allowed.discontinuities > 0 && !branch.any(|at| surviving.contains(at))
}

/// A client is reset at most once for each discontinuity at one of its gateways, and once for each
/// move to a gateway with another history. Without a discontinuity there is one history.
pub(super) fn check_resets(
    world: &World,
    watcher: &Watcher,
    state: &ClientState,
) -> Option<Violation> {
    let allowed = match world.allowed.discontinuities {
        0 => 0,
        discontinuities => discontinuities * (watcher.moves + 1) + watcher.moves,
    };
    let resets = state.fold.resets();
    let first_live = |segment: &Segment| {
        segment
            .first_live
            .as_ref()
            .map_or_else(|| "never live".to_owned(), ToString::to_string)
    };
    let segments = || {
        state
            .fold
            .segments
            .iter()
            .map(first_live)
            .collect::<Vec<_>>()
    };
    (resets > allowed).then(|| {
        let live_at = segments();
        let what = format!("reset {resets} times, allowed {allowed}; it was live at {live_at:?}");
        Violation::new(Kind::Reset, what)
    })
}

/// Without batches, the changes since the last `live` are those of the log, each once. A client
/// that fell behind is sent net changes, and people who came and left meanwhile are none.
pub(super) fn check_changes(
    watcher: &Watcher,
    state: &ClientState,
    log: &[Change],
) -> Option<Violation> {
    let segment = state.fold.current_segment();
    let last_live = segment.last_live.as_ref()?;
    if segment.has_batches {
        return None;
    }
    let history = History::of(log);
    let filter = Scope::everything()
        .filter(&watcher.options.condition)
        .expect("a filter");
    let view = View {
        kinds: watcher.options.kinds,
        filter,
    };
    let since = log.iter().filter(|change| {
        last_live
            .get(change.at.partition)
            .is_some_and(|last_live| change.at.position.seq > last_live.seq)
    });
    let since: Vec<_> = since.collect();
    let mut expected: Vec<_> = since
        .iter()
        .filter_map(|change| {
            let name = verdict_name(view.verdict_of(change))?;
            Some((change.at.to_string(), name.to_owned()))
        })
        .collect();
    let mut received: Vec<_> = segment
        .changes
        .iter()
        .filter(|(at, _)| !history.has_trimmed(at))
        .map(|(at, verdict)| (at.to_string(), verdict.clone()))
        .collect();
    expected.sort();
    received.sort();
    if received == expected {
        return None;
    }
    let without = |all: &[(String, String)], others: &[(String, String)]| {
        let rest = all.iter().filter(|change| !others.contains(change));
        rest.cloned().collect::<Vec<_>>()
    };
    let (mut lost, others) = (without(&expected, &received), without(&received, &expected));
    if watcher.options.format.is_composed() {
        let untold = untold_visits(&view, &since, &segment.changes);
        lost.retain(|(at, _)| !untold.contains(at));
        if lost.is_empty() && others.is_empty() && received.len() < expected.len() {
            return None;
        }
    }
    let kind = if lost.is_empty() && others.is_empty() {
        Kind::Doubled
    } else {
        missed_or_not(lost.is_empty())
    };
    let what =
        format!("since it was live at {last_live} it missed {lost:?} and also received {others:?}");
    Some(Violation::new(kind, what))
}

/// The places of visits that the client was told nothing of: from the change by which a person came
/// into the view to the one by which that person left it.
fn untold_visits(
    view: &View,
    since: &[&Change],
    told: &[(LogPosition, String)],
) -> BTreeSet<String> {
    let all_kinds = View {
        kinds: Kinds::All,
        filter: view.filter.clone(),
    };
    let mut visits: BTreeMap<PersonId, Vec<LogPosition>> = BTreeMap::new();
    let mut untold = BTreeSet::new();
    for change in since {
        let comes = match all_kinds.verdict_of(change) {
            Verdict::Create | Verdict::Enter => true,
            Verdict::Update | Verdict::Leave | Verdict::Delete => false,
            Verdict::Outside => continue,
        };
        let visit = visits.entry(change.id).or_default();
        // One that began before is told of by its end.
        if comes || !visit.is_empty() {
            visit.push(change.at);
        }
        if matches!(
            all_kinds.verdict_of(change),
            Verdict::Leave | Verdict::Delete
        ) {
            let visit = std::mem::take(visit);
            if !visit
                .iter()
                .any(|at| told.iter().any(|(told, _)| told == at))
            {
                untold.extend(visit.iter().map(LogPosition::to_string));
            }
        }
    }
    untold
}
