//! The sentences of the text format, with a filter and with a cursor.

use crate::live::ids;
use crate::views::{ADULTS, Client, WriteHeads, aged, churn, delete, path, save};
use people_testing::process::Gateway;
use people_testing::socket::Listener;

async fn text(gateway: &Gateway, parameters: &[(&str, &str)]) -> Listener {
    Listener::open(gateway.address, &path("/people", parameters)).await
}

fn saved(id: &str, age: u64) -> String {
    format!(
        "Saved person [{id}] Person(id={id}, firstName=Ada, lastName=Lovelace, age={age}, \
         job=Mathematician)"
    )
}

#[tokio::test]
async fn a_filtered_view_receives_saved_left_and_deleted_sentences() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = text(&gateway, &[("where", ADULTS)]).await;
    let id = &ids(1)[0];
    for age in [3, 30, 31, 4, 32] {
        save(&gateway, id, &aged(age)).await;
    }
    delete(&gateway, id).await.expect("the person exists");
    for sentence in [
        saved(id, 30),
        saved(id, 31),
        format!("Left person [{id}]"),
        saved(id, 32),
    ] {
        assert_eq!(listener.sentence().await, sentence);
    }
    assert_eq!(listener.sentence().await, format!("Deleted person [{id}]"));
}

#[tokio::test]
async fn the_words_set_the_kinds_and_keep_the_filter() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = text(&gateway, &[("where", ADULTS)]).await;
    let people = ids(3);
    for (word, last) in [
        ("deletes", "Deleted person"),
        ("saves", "Left person"),
        ("anything", "Deleted person"),
    ] {
        listener.say(word).await;
        // The word is in force once a sentence of its kinds comes. No sentence names the person
        // outside the view.
        let mut received = Vec::new();
        while received.is_empty()
            || !received
                .iter()
                .any(|sentence: &String| sentence.starts_with(last))
        {
            save(&gateway, &people[0], &aged(3)).await;
            save(&gateway, &people[1], &aged(30)).await;
            save(&gateway, &people[1], &aged(4)).await;
            save(&gateway, &people[1], &aged(30)).await;
            delete(&gateway, &people[1])
                .await
                .expect("the person exists");
            delete(&gateway, &people[0])
                .await
                .expect("the person exists");
            received.push(listener.sentence().await);
        }
        assert!(
            received
                .iter()
                .all(|sentence| sentence.contains(&people[1])),
            "{received:?}"
        );
    }
}

#[tokio::test]
async fn from_snapshot_sends_each_match_as_a_saved_sentence_and_continues_with_changes() {
    let gateway = Gateway::ready(&[("store.partitions", "4"), ("live.snapshot_people", "3")]).await;
    let people = ids(30);
    for (id, age) in people.iter().zip(5..) {
        save(&gateway, id, &aged(age)).await;
    }
    let mut listener = text(
        &gateway,
        &[
            ("where", ADULTS),
            ("from", "snapshot"),
            ("kinds", "deletes"),
        ],
    )
    .await;
    let mut received = Vec::new();
    for _ in 13..30 {
        received.push(listener.sentence().await);
    }
    received.sort();
    let expected: Vec<_> = people
        .iter()
        .zip(5..)
        .filter(|(_, age)| *age >= 18)
        .map(|(id, age)| saved(id, age))
        .collect();
    assert_eq!(received, expected);
    delete(&gateway, &people[29])
        .await
        .expect("the person exists");
    assert_eq!(
        listener.sentence().await,
        format!("Deleted person [{}]", people[29])
    );
}

#[tokio::test]
async fn from_a_cursor_sends_each_missed_change_once() {
    for ring in ["4096", "33554432"] {
        let gateway = Gateway::ready(&[("store.partitions", "4"), ("live.ring_bytes", ring)]).await;
        let mut witness = text(&gateway, &[]).await;
        let cursor = Client::live(&gateway, &[]).await.view.cursor();
        let people = ids(10);
        let written = churn(&gateway, &people, 150, 1).await;
        let mut live = Client::live(&gateway, &[]).await;
        live.read_past(&written).await;
        let mut late = text(&gateway, &[("from", &cursor)]).await;
        let end = "0190f3e2-7c1b-7d9a-8f00-00000000ffff";
        save(&gateway, end, &aged(99)).await;
        let (mut expected, mut received) = (witness.until(end).await, late.until(end).await);
        let of = |sentences: &[String], id: &str| -> Vec<String> {
            sentences
                .iter()
                .filter(|sentence| sentence.contains(id))
                .cloned()
                .collect()
        };
        for id in &people {
            assert_eq!(
                of(&received, id),
                of(&expected, id),
                "the order of the person's changes"
            );
        }
        expected.sort();
        received.sort();
        assert_eq!(received, expected);
    }
}

#[tokio::test]
async fn a_cursor_that_cannot_be_continued_is_refused_with_410() {
    let gateway = Gateway::ready(&[("store.log_max", "20"), ("live.ring_bytes", "4096")]).await;
    let people = ids(5);
    let written = churn(&gateway, &people, 10, 1).await;
    let mut client = Client::live(&gateway, &[]).await;
    client.read_past(&written).await;
    let cursor = client.view.cursor();
    let written: WriteHeads = churn(&gateway, &people, 200, 2).await;
    client.read_past(&written).await;
    for bad in [&*cursor, "0:1.5.5"] {
        assert_eq!(
            Listener::refused(gateway.address, &path("/people", &[("from", bad)])).await,
            410,
            "{bad}"
        );
    }
}
