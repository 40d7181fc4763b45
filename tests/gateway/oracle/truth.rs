//! The expected views: the list with the client's condition, and the whole list evaluated by the
//! test itself.

use people_gateway::domain::{Change, PersonId};
use people_gateway::filter::{Filter, Kinds, View};
use people_gateway::rights::Scope;

use super::follower::{ReceivedChange, Transcript};
use people_testing::people::{People, fields, list, verdict_name};
use people_testing::process::Gateway;

/// Asserts that a view of all kinds equals the filtered list, and those of `all_people` who match
/// the client's condition.
pub(super) async fn assert_exact_view(
    name: &str,
    transcript: &Transcript,
    gateway: &Gateway,
    all_people: &People,
) {
    let condition = &transcript.subscription.condition;
    let filter = Filter::parse(condition).expect("a filter");
    let matching = all_people
        .iter()
        .filter(|(id, person)| filter.matches(**id, &fields(person)));
    let matching: People = matching.map(|(id, person)| (*id, person.clone())).collect();
    assert_same_people(
        &format!("{name} where {condition}, against its condition"),
        transcript.view.people(),
        &matching,
    );
    let listed = list(gateway, condition).await;
    assert_same_people(
        &format!("{name} where {condition}, against the list"),
        transcript.view.people(),
        &listed,
    );
}

/// Asserts that a client of some kinds, which started from now, received exactly the changes of its
/// view since.
pub(super) fn assert_exact_changes(name: &str, transcript: &Transcript, log: &[Change]) {
    let first_live = transcript.first_live.as_ref().expect("the client was live");
    let view = View {
        kinds: transcript.subscription.kinds,
        filter: Scope::everything()
            .filter(&transcript.subscription.condition)
            .expect("a filter"),
    };
    let since = log.iter().filter(|change| {
        let position = first_live
            .get(change.at.partition)
            .expect("a cursor has every partition");
        change.at.position.seq > position.seq
    });
    let expected = since.filter_map(|change| {
        let verdict = verdict_name(view.verdict_of(change))?;
        Some(ReceivedChange {
            at: change.at.to_string(),
            verdict,
        })
    });
    let (mut expected, mut received): (Vec<_>, Vec<_>) =
        (expected.collect(), transcript.changes.clone());
    assert_ne!(
        view.kinds,
        Kinds::All,
        "a client of all kinds may receive batches"
    );
    assert_eq!(
        transcript.batches, 0,
        "{name}: only views of all kinds receive batches"
    );
    expected.sort();
    received.sort();
    assert_eq!(received, expected, "{name} {:?}", transcript.subscription);
}

#[track_caller]
fn assert_same_people(what: &str, view: &People, truth: &People) {
    let ids = view.keys().chain(truth.keys());
    let differs = |id: &&PersonId| view.get(id) != truth.get(id);
    let wrong: Vec<_> = ids
        .filter(differs)
        .map(|id| (id, view.get(id), truth.get(id)))
        .collect();
    assert!(wrong.is_empty(), "{what}: (id, view, truth) {wrong:#?}");
}
