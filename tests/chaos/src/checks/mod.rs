//! Checks of every client: after the faults its view converges to the people who match, by changes
//! of the surviving history only, and lost changes are never removed without a reset. Checks of the
//! writers: what was acknowledged is in the log, once.

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
use people_gateway::domain::PersonId;

use crate::clients::{ClientState, Format, Kind, Violation, Watcher};
use crate::world::{Answers, History, StoreAt, World};

/// What a run showed.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct RunReport {
    pub violations: Vec<Violation>,
    /// Writes that were acknowledged, that nobody knows the outcome of, and acknowledged ones that
    /// the fault took and `reset` told.
    pub acknowledged: usize,
    pub unknown: usize,
    pub taken: usize,
    /// Resets of all clients together, and the clients.
    pub resets: usize,
    pub clients: usize,
    /// The longest times without an acknowledged write and without a frame, of any partition.
    pub silence_of_writes: Duration,
    pub silence_of_frames: Duration,
    /// The longest times without an acknowledged write, by partition.
    pub silences_of_writes: BTreeMap<String, Duration>,
    /// From the last fault until every listener had heard of every partition.
    pub heal: Duration,
    /// From the last fault until the slowest client had converged.
    pub convergence: Duration,
    /// The statuses of answers to writes that did nothing, or nobody knows what.
    #[serde(default)]
    pub refused: BTreeMap<u16, usize>,
    /// What else is worth to be told.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Waits until every client has converged to the store, then until every client has received new
/// changes through this gateway. Returns what it saw.
pub async fn check(world: &mut World, gateway: usize, store: impl Into<StoreAt>) -> RunReport {
    let store = store.into();
    let mut report = RunReport::default();
    world.unpause().await;
    let truth = Truth::read(world, gateway, &store, BTreeMap::new()).await;
    converge(world, &truth, "after the faults", &mut report.violations).await;
    report.convergence = world.faults_ended_at.elapsed();
    if report.violations.is_empty() {
        world.all_served().await;
    }

    let before = truth.heads;
    world
        .writer
        .write_everywhere(&world.nodes[gateway].gateway)
        .await;
    let truth = Truth::read(world, gateway, &store, before).await;
    // Does not wait again if a client has not converged before.
    if report.violations.is_empty() {
        converge(
            world,
            &truth,
            "after the next changes",
            &mut report.violations,
        )
        .await;
    }
    check_writes(world, &truth, &mut report);
    for watcher in &world.watchers {
        let state = watcher.state();
        report.resets += state.fold.resets();
        report.clients += 1;
        let mut violations = state.fold.contradictions.clone();
        violations.extend(check_closes(world, watcher, &state));
        if watcher.options.format == Format::Text {
            violations.extend(check_text(world, watcher, &state, &truth).await);
        } else {
            violations.extend(check_histories(world, &state, &truth.log));
            violations.extend(check_resets(world, watcher, &state));
            violations.extend(check_changes(watcher, &state, &truth.log));
        }
        let name = describe(watcher);
        let violations = violations.into_iter().map(|it| it.seen_by(&name));
        report.violations.extend(violations);
    }
    check_told(world, &mut report);
    for client in &world.library_clients {
        report.clients += 1;
        let violations = client.contradictions().into_iter();
        let violations = violations.map(|it| it.seen_by(&client.name));
        report.violations.extend(violations);
    }
    report
}

/// Each acknowledged write is in the log, unless the fault may take some; none is there twice.
fn check_writes(world: &World, truth: &Truth, report: &mut RunReport) {
    let (answers, surviving) = (&world.answers, History::of(&truth.log));
    let lost = answers.lost(|at| surviving.contains(at));
    let text = |id: PersonId| {
        let text = truth.all_people.get(&id)?.get("attributes")?.get("save")?;
        text.as_str().map(str::to_owned)
    };
    let lost_people = answers.lost_people(text);
    report.acknowledged = answers.acknowledged.len();
    report.unknown = answers.unknown;
    report.refused.clone_from(&answers.refused);
    report.silences_of_writes.clone_from(&answers.silences);
    report.silence_of_writes = answers.silences.values().max().copied().unwrap_or_default();
    if world.allowed.losses {
        report.taken = lost.len();
    } else {
        if world.log_is_whole && !lost.is_empty() {
            let what = format!("acknowledged writes are not in the log: {lost:?}");
            report.violations.push(Violation::new(Kind::Lost, what));
        }
        if !lost_people.is_empty() {
            let what = format!("the last acknowledged save is not there of {lost_people:?}");
            report.violations.push(Violation::new(Kind::Lost, what));
        }
    }
    let doubled = Answers::doubled(&truth.log);
    if !doubled.is_empty() {
        let what = format!("writes are in the log twice: {doubled:?}");
        report.violations.push(Violation::new(Kind::Doubled, what));
    }
}

/// A time without proof is told to every listener.
fn check_told(world: &World, report: &mut RunReport) {
    let is_untold = |listener: &&Watcher| listener.inspect(|state| state.fold.stales == 0);
    let untold = world.listeners().filter(is_untold);
    for listener in untold.filter(|_| world.must_be_stale) {
        let violation = Violation::new(Kind::Untold, "it was not told that nothing is proved");
        report
            .violations
            .push(violation.seen_by(&describe(listener)));
    }
}

/// The gateway closes no connection, except that of a text client, which it cannot reset.
fn check_closes(world: &World, watcher: &Watcher, state: &ClientState) -> Option<Violation> {
    let is_text = watcher.options.format == Format::Text;
    let closes = state.closes.iter();
    let unexpected: Vec<_> = closes.filter(|code| !(is_text && **code == 4010)).collect();
    let is_allowed = |code: &u16| {
        world.allowed.closes && world.close_codes.is_none_or(|codes| codes.contains(code))
    };
    let is_wrong = !unexpected.iter().all(|code| is_allowed(code));
    is_wrong.then(|| Violation::new(Kind::Refused, format!("it was closed: {unexpected:?}")))
}
