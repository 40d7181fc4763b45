//! Text clients, and the comparison of what they received with the log.

use std::collections::BTreeMap;

use people_gateway::domain::{Change, Partition, Partitions, PersonId};
use people_gateway::telemetry::clock::fresh_uuid;
use serde_json::Value;
use uuid::Uuid;

use super::writer::Writer;
use people_testing::socket::{End, Listener};

/// The kinds of changes that a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kinds {
    All,
    Saves,
    Deletes,
}

impl Kinds {
    pub(crate) const ALL: [Self; 3] = [Self::All, Self::Saves, Self::Deletes];

    /// The query that asks for them at connect.
    pub(crate) fn query(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Saves => "?kinds=saves",
            Self::Deletes => "?kinds=deletes",
        }
    }
}

/// One person in each partition, saved and deleted after all others: a client that got these
/// sentences got all before them.
pub(crate) struct Markers(Vec<Uuid>);

impl Markers {
    /// One new id in each partition.
    pub(crate) fn new(partitions: u16) -> Self {
        let partitions = Partitions::new(partitions.try_into().expect("at least one"));
        Self(
            partitions
                .iter()
                .map(|partition| id_in(partitions, partition))
                .collect(),
        )
    }

    /// Writes them. All other writes must be acknowledged before.
    pub(crate) async fn write(&self, writer: &mut Writer) {
        for id in &self.0 {
            writer.create(*id).await;
            writer.delete(*id).await;
        }
    }

    /// The beginnings of a client's last sentences.
    pub(crate) fn sentences(&self, kinds: Kinds) -> Vec<String> {
        let word = if kinds == Kinds::Saves {
            "Saved"
        } else {
            "Deleted"
        };
        self.0
            .iter()
            .map(|id| format!("{word} person [{id}]"))
            .collect()
    }
}

fn id_in(partitions: Partitions, partition: Partition) -> Uuid {
    let belongs =
        |id: &Uuid| partitions.of(id.to_string().parse::<PersonId>().expect("an id")) == partition;
    std::iter::repeat_with(fresh_uuid)
        .find(belongs)
        .expect("the ids never end")
}

/// Reads until a sentence came for each of these beginnings, then sends `stop`. Returns all
/// sentences up to the close.
pub(crate) async fn follow(
    mut listener: Listener,
    mut last: Vec<String>,
) -> Result<Vec<String>, End> {
    let mut all = Vec::new();
    while !last.is_empty() {
        let sentence = listener.next().await?;
        last.retain(|beginning| !sentence.starts_with(&**beginning));
        all.push(sentence);
    }
    listener.say("stop").await;
    loop {
        match listener.next().await {
            Ok(sentence) => all.push(sentence),
            Err(End::Closed(1000, reason)) if reason.is_empty() => return Ok(all),
            Err(end) => return Err(end),
        }
    }
}

/// Asserts that a client received exactly the changes of its kinds, each once, in order per person.
#[track_caller]
pub(crate) fn assert_received(client: &str, kinds: Kinds, log: &[Change], received: Vec<String>) {
    let expected = by_person(log.iter().filter_map(|change| sentence(kinds, change)));
    let received = by_person(received);
    for person in expected.keys().chain(received.keys()) {
        assert_eq!(
            received.get(person),
            expected.get(person),
            "{client} ({kinds:?}), person {person}"
        );
    }
}

/// The sentence for a change, made without the program's code.
fn sentence(kinds: Kinds, change: &Change) -> Option<String> {
    let id = change.id.to_string();
    match (&change.after, kinds) {
        (Some(fields), Kinds::All | Kinds::Saves) => {
            let fields: Value = serde_json::from_str(fields.as_str()).expect("JSON");
            let text = |name: &str| fields[name].as_str().expect("a text").to_owned();
            Some(format!(
                "Saved person [{id}] Person(id={id}, firstName={}, lastName={}, age={}, job={})",
                text("firstName"),
                text("lastName"),
                fields["age"],
                text("job")
            ))
        }
        (None, Kinds::All | Kinds::Deletes) => Some(format!("Deleted person [{id}]")),
        _ => None,
    }
}

fn by_person(sentences: impl IntoIterator<Item = String>) -> BTreeMap<String, Vec<String>> {
    let mut people: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for sentence in sentences {
        let id = sentence
            .split(['[', ']'])
            .nth(1)
            .expect("every sentence names a person")
            .to_owned();
        people.entry(id).or_default().push(sentence);
    }
    people
}
