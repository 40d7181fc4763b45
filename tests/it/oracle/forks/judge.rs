//! The promise, held against every client: once the faults are over its view becomes the people who match, by changes of
//! the surviving history only, and what was lost is never taken back in silence.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use people_gateway::client::Cursor;
use people_gateway::domain::{At, Change, Partition, PersonId, Position};
use people_gateway::filter::{Filter, Kinds, Verdict, View};

use super::fold::Segment;
use super::told::Record;
use super::watcher::{Seen, Watcher};
use super::wire::Format;
use super::world::{World, history};
use crate::oracle::truth;
use crate::process::eventually;

/// A client that is not told the truth by then never will be. The promise is 3 s; a machine may be slow.
const NEVER: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What is true, once nobody writes.
struct Truth {
    log: Vec<Change>,
    everyone: BTreeMap<PersonId, Record>,
    heads: BTreeMap<Partition, At>,
    /// Where each partition stood before the last changes, which everybody who is there must be shown.
    before: BTreeMap<Partition, At>,
}

/// What became of one run.
pub(super) struct Verdicts {
    /// How long the slowest client took to hold the truth after the last fault.
    pub(super) took: Duration,
    pub(super) faults: Vec<String>,
}

/// Waits until every client holds the truth of the server on this port, then until all are shown what is written after
/// that through this gateway; what contradicts the promise.
pub(super) async fn judge(world: &mut World, gateway: usize, port: u16) -> Verdicts {
    let mut faults = Vec::new();
    world.go_on().await;
    let truth = Truth::read(world, gateway, port, BTreeMap::new()).await;
    converge(world, &truth, "after the faults", &mut faults).await;
    let took = world.mended.elapsed();

    let before = truth.heads;
    world.people.write_everywhere(&world.nodes[gateway].gateway).await;
    let truth = Truth::read(world, gateway, port, before).await;
    // Who was wrong before is not waited for again.
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
        faults.extend(complaints.into_iter().map(|complaint| format!("{}: {complaint}", describe(watcher))));
    }
    Verdicts { took, faults }
}

impl Truth {
    /// The log as the server tells it, replayed; the list must say the same.
    async fn read(world: &World, gateway: usize, port: u16, before: BTreeMap<Partition, At>) -> Self {
        let log = history(port, world.case.partitions).await;
        let mut everyone = BTreeMap::new();
        for change in &log {
            match change.person() {
                Some(person) => drop(everyone.insert(change.id, record(&person.to_json()))),
                None => drop(everyone.remove(&change.id)),
            }
        }
        let gateway = &world.nodes[gateway].gateway;
        eventually("the list is served", || async {
            gateway.request("GET", "/people?limit=1").send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        let listed = truth::list(gateway, "").await;
        assert_eq!(listed, everyone, "the list is the replayed log");
        Self { heads: heads(&log), log, everyone, before }
    }

    fn matching(&self, filter: &Filter) -> BTreeMap<PersonId, Record> {
        let people = self.everyone.iter().filter(|(id, person)| filter.matches(**id, &truth::fields(person)));
        people.map(|(id, person)| (*id, person.clone())).collect()
    }
}

/// The last place of each partition.
pub(super) fn heads(log: &[Change]) -> BTreeMap<Partition, At> {
    log.iter().map(|change| (change.at.partition, change.at)).collect()
}

/// Waits until every client is told the truth; who is not in the end is a fault.
async fn converge(world: &World, truth: &Truth, when: &str, faults: &mut Vec<String>) {
    let deadline = Instant::now() + NEVER;
    while let Some(watcher) = world.watchers.iter().find(|watcher| is_wrong(watcher, truth).is_some()) {
        if Instant::now() > deadline || watcher.has_failed() {
            let wrong = world.watchers.iter().filter_map(|watcher| is_wrong(watcher, truth).map(|why| (watcher, why)));
            faults.extend(wrong.map(|(watcher, why)| format!("{} {when}: {why}", describe(watcher))));
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
        let before = |at: At| truth.before.get(&at.partition).map(|before| before.position);
        let due = sentences_since(watcher, &filter, truth, before);
        return watcher.look(|seen| {
            let heard = of_people(&seen.fold.heard, &due);
            (heard != due).then(|| format!("of the last changes it heard {heard:?} instead of {due:?}"))
        });
    }
    watcher.look(|seen| {
        let Some(cursor) = &seen.fold.cursor else { return Some("it is not live".to_owned()) };
        let behind = truth.heads.values().find(|at| cursor.position(at.partition) != Some(at.position));
        if let Some(at) = behind {
            return Some(format!("its cursor {cursor} never came to {at}"));
        }
        let is_exact = watcher.asks.kinds == Kinds::All && seen.fold.now().has_pages;
        let matching = truth.matching(&filter);
        (is_exact && seen.fold.people != matching).then(|| difference(&seen.fold.people, &matching))
    })
}

/// The sentences that a client must hear of what came after a position of each partition, person by person.
fn sentences_since(
    watcher: &Watcher,
    filter: &Filter,
    truth: &Truth,
    since: impl Fn(At) -> Option<Position>,
) -> BTreeMap<PersonId, Vec<String>> {
    let view = View { kinds: watcher.asks.kinds, filter: filter.clone() };
    let mut due: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for change in &truth.log {
        if since(change.at).is_some_and(|position| change.at.position.seq > position.seq) {
            due.entry(change.id).or_default().extend(sentence(&view, change));
        }
    }
    due
}

fn of_people(
    heard: &[(PersonId, String)],
    people: &BTreeMap<PersonId, Vec<String>>,
) -> BTreeMap<PersonId, Vec<String>> {
    let heard_of = |id: &PersonId| heard.iter().filter(|(who, _)| who == id).map(|(_, words)| words.clone()).collect();
    people.keys().map(|id| (*id, heard_of(id))).collect()
}

/// What was not heard, and what was heard besides, each once.
fn compare<'a>(
    due: &'a BTreeMap<PersonId, Vec<String>>,
    heard: &'a [(PersonId, String)],
) -> [Vec<(PersonId, &'a str)>; 2] {
    let due = due.iter().flat_map(|(id, words)| words.iter().map(|words| (*id, words.as_str())));
    let mut missed: Vec<_> = due.collect();
    let mut strange = Vec::new();
    for (id, words) in heard {
        let same = missed.iter().position(|(other, due)| other == id && due == words);
        match same {
            Some(index) => drop(missed.remove(index)),
            None => strange.push((*id, words.as_str())),
        }
    }
    [missed, strange]
}

/// Nobody is closed: text may be, where it could not be told otherwise.
fn judge_closes(watcher: &Watcher, seen: &Seen) -> Option<String> {
    let is_text = watcher.asks.format == Format::Text;
    let strange: Vec<_> = seen.closes.iter().filter(|code| !(is_text && **code == 4010)).collect();
    (!strange.is_empty()).then(|| format!("it was disconnected: {strange:?}"))
}

/// From a `live` on, all that is told belongs to one history until a reset; in the end to the surviving one.
fn judge_branches(world: &World, seen: &Seen, surviving: &[Change]) -> Vec<String> {
    let histories: Vec<&[Change]> = std::iter::once(surviving).chain(world.lost.iter().map(Vec::as_slice)).collect();
    let mut complaints = Vec::new();
    for (number, segment) in seen.fold.segments.iter().enumerate() {
        let is_last = number + 1 == seen.fold.segments.len();
        let possible = if is_last { &histories[..1] } else { &histories[..] };
        let mut partitions: Vec<_> = segment.told.iter().map(|at| at.partition).collect();
        partitions.sort_unstable();
        partitions.dedup();
        for partition in partitions {
            let told: Vec<_> = segment.told.iter().filter(|at| at.partition == partition).collect();
            if !possible.iter().any(|history| told.iter().all(|at| holds(history, at))) {
                let stretch = if is_last { "lost history after the last live" } else { "two histories after one live" };
                complaints.push(format!("it was told of {stretch} of partition {partition}: {told:?}"));
            }
        }
    }
    complaints
}

/// Whether a history went through this place.
fn holds(history: &[Change], at: &At) -> bool {
    at.position.seq.get() == 0 || history.iter().any(|change| change.at == *at)
}

/// Whether a cursor is of the surviving history, and in some partition of no other.
fn continues_only(cursor: &Cursor, surviving: &[Change], lost: &[Vec<Change>]) -> bool {
    let is_lost = |at: &At| lost.iter().any(|lost| holds(lost, at));
    cursor.places().all(|at| holds(surviving, &at)) && cursor.places().any(|at| !is_lost(&at))
}

/// A view is reset at most once for each time that history broke at a gateway of its client, and once for each time that
/// the client moved to a gateway that was at another history.
fn judge_resets(world: &World, watcher: &Watcher, seen: &Seen) -> Option<String> {
    let (resets, most) = (seen.fold.resets(), world.breaks * (watcher.moves + 1) + watcher.moves);
    let began = |segment: &Segment| segment.began.as_ref().map_or_else(|| "never live".to_owned(), ToString::to_string);
    let segments = || seen.fold.segments.iter().map(began).collect::<Vec<_>>();
    (resets > most)
        .then(|| format!("it was reset {resets} times, {most} at most were due; it was live at {:?}", segments()))
}

/// Where nothing was composed, the changes since `live` are those of the log, each once.
fn judge_changes(watcher: &Watcher, seen: &Seen, log: &[Change]) -> Option<String> {
    let segment = seen.fold.now();
    let began = segment.began.as_ref()?;
    if segment.has_batches {
        return None;
    }
    let filter = Filter::parse(&watcher.asks.condition).expect("a filter");
    let view = View { kinds: watcher.asks.kinds, filter };
    let since = log
        .iter()
        .filter(|change| began.position(change.at.partition).is_some_and(|began| change.at.position.seq > began.seq));
    let mut due: Vec<_> = since.filter_map(|change| Some((change.at.to_string(), word(&view, change)?))).collect();
    let mut shown: Vec<_> = segment.changes.iter().map(|(at, word)| (at.to_string(), word.clone())).collect();
    due.sort();
    shown.sort();
    let lost: Vec<_> = due.iter().filter(|change| !shown.contains(change)).collect();
    let strange: Vec<_> = shown.iter().filter(|change| !due.contains(change)).collect();
    (shown != due).then(|| format!("since it was live at {began} it missed {lost:?} and was shown {strange:?}"))
}

/// A text client cannot be reset: it ends with the truth, or it was closed, or it was counted.
async fn judge_text(world: &World, watcher: &Watcher, seen: &Seen, truth: &Truth) -> Option<String> {
    let filter = Filter::parse(&watcher.asks.condition).expect("a filter");
    if let Some(given) = &watcher.given
        && seen.closes.is_empty()
        && seen.refusals.is_empty()
        && continues_only(given, &truth.log, &world.lost)
    {
        let due = sentences_since(watcher, &filter, truth, |at| given.position(at.partition));
        let [missed, strange] = compare(&due, &seen.fold.heard);
        if !(missed.is_empty() && strange.is_empty()) {
            return Some(format!("since {given} it missed {missed:?} and heard {strange:?}"));
        }
    }
    if watcher.asks.kinds != Kinds::All || !watcher.knows_all {
        return None;
    }
    let expected = truth.matching(&filter).into_iter().map(|(id, person)| (id, saved(&person))).collect();
    if seen.fold.sentences == expected {
        return None;
    }
    let wrong = difference(&seen.fold.sentences, &expected);
    let counted = world.nodes[watcher.at].gateway.count("session_new_heads_total").await;
    (counted == 0).then(|| format!("it was left in silence with {wrong}"))
}

fn difference<T: PartialEq + std::fmt::Debug>(view: &BTreeMap<PersonId, T>, truth: &BTreeMap<PersonId, T>) -> String {
    let phantoms: Vec<_> = view.iter().filter(|(id, _)| !truth.contains_key(id)).collect();
    let lost: Vec<_> = truth.iter().filter(|(id, _)| !view.contains_key(id)).collect();
    let wrong = view.iter().filter_map(|(id, held)| Some((id, held, truth.get(id).filter(|now| *now != held)?)));
    format!("phantoms {phantoms:?}, lost {lost:?}, wrong {:?}", wrong.collect::<Vec<_>>())
}

fn describe(watcher: &Watcher) -> String {
    let asks = &watcher.asks;
    let from = if asks.begins_with_snapshot { "snapshot" } else { "now" };
    format!("{} {:?} {:?} where {:?} from {from}", watcher.name, asks.format, asks.kinds, asks.condition)
}

fn record(json: &str) -> Record {
    serde_json::from_str(json).expect("an object")
}

/// What a change means to a view, as JSON formats say it; none where nothing is sent.
fn word(view: &View, change: &Change) -> Option<String> {
    let word = match view.judge(change) {
        Verdict::Create => "create",
        Verdict::Enter => "enter",
        Verdict::Update => "update",
        Verdict::Leave => "leave",
        Verdict::Delete => "delete",
        Verdict::Outside => return None,
    };
    Some(word.to_owned())
}

/// What a change means to a text client, as its fold keeps it.
fn sentence(view: &View, change: &Change) -> Option<String> {
    match view.judge(change) {
        Verdict::Create | Verdict::Enter | Verdict::Update => {
            change.person().map(|person| saved(&record(&person.to_json())))
        }
        Verdict::Leave | Verdict::Delete => Some("gone".to_owned()),
        Verdict::Outside => None,
    }
}

/// The sentence for a person, written without the program's help.
pub(super) fn saved(person: &Record) -> String {
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
