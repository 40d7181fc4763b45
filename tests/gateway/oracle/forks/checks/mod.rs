//! Checks of every client: after the faults its view converges to the people who match, by changes
//! of the surviving history only, and lost changes are never removed without a reset.

mod converge;
mod history;
mod sentences;
mod truth;

use std::collections::BTreeMap;
use std::time::Duration;

use self::converge::{converge, describe};
use self::history::{check_changes, check_histories, check_resets};
use self::sentences::check_text;
use self::truth::Truth;
use super::watcher::{ClientState, Watcher};
use super::wire::Format;
use super::world::{StoreAt, World};

pub(super) use self::sentences::saved_sentence;
pub(super) use self::truth::heads;

pub(super) struct RunReport {
    /// Time from the last fault until the slowest client had converged.
    pub(super) convergence: Duration,
    pub(super) faults: Vec<String>,
}

/// Waits until every client has converged to the store, then until every client has
/// received new changes through this gateway. Returns all violations.
pub(super) async fn check(
    world: &mut World,
    gateway: usize,
    store: impl Into<StoreAt>,
) -> RunReport {
    let store = store.into();
    let mut faults = Vec::new();
    world.unpause().await;
    let truth = Truth::read(world, gateway, &store, BTreeMap::new()).await;
    converge(world, &truth, "after the faults", &mut faults).await;
    let convergence = world.faults_ended_at.elapsed();
    if faults.is_empty() {
        world.all_served().await;
    }

    let before = truth.heads;
    world
        .writer
        .write_everywhere(&world.nodes[gateway].gateway)
        .await;
    let truth = Truth::read(world, gateway, &store, before).await;
    // Does not wait again if a client has not converged before.
    if faults.is_empty() {
        converge(world, &truth, "after the next changes", &mut faults).await;
    }
    for watcher in &world.watchers {
        let state = watcher.state();
        let mut violations = state.fold.contradictions.clone();
        violations.extend(check_closes(watcher, &state));
        if watcher.options.format == Format::Text {
            violations.extend(check_text(world, watcher, &state, &truth).await);
        } else {
            violations.extend(check_histories(world, &state, &truth.log));
            violations.extend(check_resets(world, watcher, &state));
            violations.extend(check_changes(watcher, &state, &truth.log));
        }
        faults.extend(
            violations
                .into_iter()
                .map(|violation| format!("{}: {violation}", describe(watcher))),
        );
    }
    RunReport {
        convergence,
        faults,
    }
}

/// The gateway closes no connection, except that of a text client, which it cannot reset.
fn check_closes(watcher: &Watcher, state: &ClientState) -> Option<String> {
    let is_text = watcher.options.format == Format::Text;
    let unexpected: Vec<_> = state
        .closes
        .iter()
        .filter(|code| !(is_text && **code == 4010))
        .collect();
    (!unexpected.is_empty()).then(|| format!("it was disconnected: {unexpected:?}"))
}
