//! A text client hears sentences and cannot be reset: it ends with the truth, or it was closed, or
//! it was counted.

use std::collections::BTreeMap;

use people_client::Cursor;
use people_gateway::domain::{Change, LogPosition, PersonId, Position};
use people_gateway::filter::{Filter, Kinds, Verdict, View};

use super::history::holds;
use super::truth::{Truth, difference, record};
use crate::oracle::forks::told::Record;
use crate::oracle::forks::watcher::{Seen, Watcher};
use crate::oracle::forks::world::World;

/// A text client cannot be reset: it ends with the truth, or it was closed, or it was counted.
pub(super) async fn judge_text(
    world: &World,
    watcher: &Watcher,
    seen: &Seen,
    truth: &Truth,
) -> Option<String> {
    let filter = Filter::parse(&watcher.asks.condition).expect("a filter");
    if let Some(given) = &watcher.given
        && seen.closes.is_empty()
        && seen.refusals.is_empty()
        && continues_only(given, &truth.log, &world.lost)
    {
        let due = sentences_since(watcher, &filter, truth, |at| given.get(at.partition));
        let [missed, strange] = compare(&due, &seen.fold.heard);
        if !(missed.is_empty() && strange.is_empty()) {
            return Some(format!(
                "since {given} it missed {missed:?} and heard {strange:?}"
            ));
        }
    }
    if watcher.asks.kinds != Kinds::All || !watcher.knows_all {
        return None;
    }
    let expected = truth
        .matching(&filter)
        .into_iter()
        .map(|(id, person)| (id, saved(&person)))
        .collect();
    if seen.fold.sentences == expected {
        return None;
    }
    let wrong = difference(&seen.fold.sentences, &expected);
    let counted = world.nodes[watcher.at]
        .gateway
        .count("session_new_heads_total")
        .await;
    (counted == 0).then(|| format!("it was left in silence with {wrong}"))
}

/// Whether a cursor is of the surviving history, and in some partition of no other.
fn continues_only(cursor: &Cursor, surviving: &[Change], lost: &[Vec<Change>]) -> bool {
    let is_lost = |at: &LogPosition| lost.iter().any(|lost| holds(lost, at));
    cursor.log_positions().all(|at| holds(surviving, &at))
        && cursor.log_positions().any(|at| !is_lost(&at))
}

/// The sentences that a client must hear of what came after a position of each partition, person by
/// person.
pub(super) fn sentences_since(
    watcher: &Watcher,
    filter: &Filter,
    truth: &Truth,
    since: impl Fn(LogPosition) -> Option<Position>,
) -> BTreeMap<PersonId, Vec<String>> {
    let view = View {
        kinds: watcher.asks.kinds,
        filter: filter.clone(),
    };
    let mut due: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for change in &truth.log {
        if since(change.at).is_some_and(|position| change.at.position.seq > position.seq) {
            due.entry(change.id)
                .or_default()
                .extend(sentence(&view, change));
        }
    }
    due
}

pub(super) fn of_people(
    heard: &[(PersonId, String)],
    people: &BTreeMap<PersonId, Vec<String>>,
) -> BTreeMap<PersonId, Vec<String>> {
    let heard_of = |id: &PersonId| {
        heard
            .iter()
            .filter(|(who, _)| who == id)
            .map(|(_, words)| words.clone())
            .collect()
    };
    people.keys().map(|id| (*id, heard_of(id))).collect()
}

/// What was not heard, and what was heard besides, each once.
fn compare<'a>(
    due: &'a BTreeMap<PersonId, Vec<String>>,
    heard: &'a [(PersonId, String)],
) -> [Vec<(PersonId, &'a str)>; 2] {
    let due = due
        .iter()
        .flat_map(|(id, words)| words.iter().map(|words| (*id, words.as_str())));
    let mut missed: Vec<_> = due.collect();
    let mut strange = Vec::new();
    for (id, words) in heard {
        let same = missed
            .iter()
            .position(|(other, due)| other == id && due == words);
        match same {
            Some(index) => drop(missed.remove(index)),
            None => strange.push((*id, words.as_str())),
        }
    }
    [missed, strange]
}

/// What a change means to a text client, as its fold keeps it.
fn sentence(view: &View, change: &Change) -> Option<String> {
    match view.verdict_of(change) {
        Verdict::Create | Verdict::Enter | Verdict::Update => change
            .person()
            .map(|person| saved(&record(&person.to_json()))),
        Verdict::Leave | Verdict::Delete => Some("gone".to_owned()),
        Verdict::Outside => None,
    }
}

/// The sentence for a person, written without the program's help.
pub(in crate::oracle::forks) fn saved(person: &Record) -> String {
    let text = |name: &str| person[name].as_str().expect("a text");
    format!(
        "Saved person [{id}] Person(id={id}, firstName={}, lastName={}, age={}, job={})",
        text("firstName"),
        text("lastName"),
        person["age"],
        text("job"),
        id = text("id"),
    )
}
