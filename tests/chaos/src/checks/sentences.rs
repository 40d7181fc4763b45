//! Text clients cannot be reset: each converges, or the gateway closed or counted it.

use std::collections::BTreeMap;

use people_client::Cursor;
use people_gateway::domain::{Change, LogPosition, PersonId, Position};
use people_gateway::filter::{Filter, Kinds, Verdict, View};
use people_gateway::rights::Scope;

use super::truth::{Truth, difference, record};
use crate::clients::{ClientState, Kind, Violation, Watcher, saved_sentence};
use crate::world::{History, World};

/// A text client converges, or the gateway has closed its connection, or counted new heads. From
/// its start cursor on, it receives every sentence once.
pub(super) async fn check_text(
    world: &World,
    watcher: &Watcher,
    state: &ClientState,
    truth: &Truth,
) -> Option<Violation> {
    let filter = Filter::parse(&watcher.options.condition).expect("a filter");
    if let Some(start_cursor) = &watcher.start_cursor
        && world.log_is_whole
        && state.closes.is_empty()
        && state.refusals.is_empty()
        && is_only_on_surviving_history(start_cursor, &History::of(&truth.log), &world.lost)
    {
        let expected =
            sentences_since(watcher, &filter, truth, |at| start_cursor.get(at.partition));
        let [missed, unexpected] = compare(&expected, &state.fold.received_sentences);
        if !(missed.is_empty() && unexpected.is_empty()) {
            let kind = missed_or_not(missed.is_empty());
            return Some(Violation::new(
                kind,
                format!(
                    "since {start_cursor} it missed {missed:?} and also received {unexpected:?}"
                ),
            ));
        }
    }
    if watcher.options.kinds != Kinds::All || !watcher.is_complete {
        return None;
    }
    let expected = truth
        .matching(&filter)
        .into_iter()
        .map(|(id, person)| (id, saved_sentence(&person)))
        .collect();
    if state.fold.sentences == expected {
        return None;
    }
    let wrong = difference(&state.fold.sentences, &expected);
    let mut counted = 0;
    for node in &world.nodes {
        counted += node.gateway.count("session_new_heads_total").await;
    }
    (counted == 0).then(|| {
        let what = format!("its view is wrong, and no gateway counted it: {wrong}");
        Violation::new(Kind::WrongView, what)
    })
}

/// What it is when changes were missed, or only others came.
pub(super) fn missed_or_not(nothing_is_missed: bool) -> Kind {
    if nothing_is_missed {
        Kind::Phantom
    } else {
        Kind::Lost
    }
}

/// Whether a cursor is on the surviving history, and in at least one partition on no lost one.
fn is_only_on_surviving_history(cursor: &Cursor, surviving: &History, lost: &[History]) -> bool {
    let is_lost = |at: &LogPosition| lost.iter().any(|lost| lost.contains(at));
    cursor.log_positions().all(|at| surviving.contains(&at))
        && cursor.log_positions().any(|at| !is_lost(&at))
}

/// The sentences that a client must receive for the changes after a position of each partition, by
/// person.
pub(super) fn sentences_since(
    watcher: &Watcher,
    filter: &Filter,
    truth: &Truth,
    since: impl Fn(LogPosition) -> Option<Position>,
) -> BTreeMap<PersonId, Vec<String>> {
    let view = View {
        kinds: watcher.options.kinds,
        filter: Scope::everything().filter(filter.text()).expect("a filter"),
    };
    let mut expected: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for change in &truth.log {
        if since(change.at).is_some_and(|position| change.at.position.seq > position.seq) {
            expected
                .entry(change.id)
                .or_default()
                .extend(sentence(&view, change));
        }
    }
    expected
}

/// The sentences of these people that a client has received.
pub(super) fn sentences_of(
    received: &[(PersonId, String)],
    people: &BTreeMap<PersonId, Vec<String>>,
) -> BTreeMap<PersonId, Vec<String>> {
    let received_of = |id: &PersonId| {
        received
            .iter()
            .filter(|(other, _)| other == id)
            .map(|(_, sentence)| sentence.clone())
            .collect()
    };
    people.keys().map(|id| (*id, received_of(id))).collect()
}

/// The sentences that are missing, and those that came in addition.
fn compare<'a>(
    expected: &'a BTreeMap<PersonId, Vec<String>>,
    received: &'a [(PersonId, String)],
) -> [Vec<(PersonId, &'a str)>; 2] {
    let expected = expected
        .iter()
        .flat_map(|(id, sentences)| sentences.iter().map(|sentence| (*id, sentence.as_str())));
    let mut missed: Vec<_> = expected.collect();
    let mut unexpected = Vec::new();
    for (id, sentence) in received {
        let same = missed
            .iter()
            .position(|(other, expected)| other == id && expected == sentence);
        match same {
            Some(index) => drop(missed.remove(index)),
            None => unexpected.push((*id, sentence.as_str())),
        }
    }
    [missed, unexpected]
}

/// The sentence of a change, in the form in which a `Fold` keeps it.
fn sentence(view: &View, change: &Change) -> Option<String> {
    match view.verdict_of(change) {
        Verdict::Create | Verdict::Enter | Verdict::Update => change
            .person()
            .map(|person| saved_sentence(&record(&Scope::everything().to_json(&person)))),
        Verdict::Leave | Verdict::Delete => Some("gone".to_owned()),
        Verdict::Outside => None,
    }
}
