//! The tutorial's sentences, with a filter and with a cursor.

use crate::live::ids;
use crate::views::{ADULTS, Client, Written, aged, churn, delete, path, save};
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
async fn a_filter_shows_who_is_in_and_says_who_left() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = text(&gateway, &[("where", ADULTS)]).await;
    let id = &ids(1)[0];
    for age in [3, 30, 31, 4, 32] {
        save(&gateway, id, &aged(age)).await;
    }
    delete(&gateway, id).await.expect("someone");
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
        // The word has taken hold once its kinds are shown: someone outside the view never is.
        let mut shown = Vec::new();
        while shown.is_empty()
            || !shown
                .iter()
                .any(|sentence: &String| sentence.starts_with(last))
        {
            save(&gateway, &people[0], &aged(3)).await;
            save(&gateway, &people[1], &aged(30)).await;
            save(&gateway, &people[1], &aged(4)).await;
            save(&gateway, &people[1], &aged(30)).await;
            delete(&gateway, &people[1]).await.expect("someone");
            delete(&gateway, &people[0]).await.expect("someone");
            shown.push(listener.sentence().await);
        }
        assert!(
            shown.iter().all(|sentence| sentence.contains(&people[1])),
            "{shown:?}"
        );
    }
}

#[tokio::test]
async fn from_snapshot_sends_each_match_as_a_saved_sentence_and_goes_on() {
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
    let mut shown = Vec::new();
    for _ in 13..30 {
        shown.push(listener.sentence().await);
    }
    shown.sort();
    let expected: Vec<_> = people
        .iter()
        .zip(5..)
        .filter(|(_, age)| *age >= 18)
        .map(|(id, age)| saved(id, age))
        .collect();
    assert_eq!(shown, expected);
    delete(&gateway, &people[29]).await.expect("someone");
    assert_eq!(
        listener.sentence().await,
        format!("Deleted person [{}]", people[29])
    );
}

#[tokio::test]
async fn from_a_cursor_sends_what_was_missed_each_once() {
    for ring in ["4096", "33554432"] {
        let gateway = Gateway::ready(&[("store.partitions", "4"), ("live.ring_bytes", ring)]).await;
        let mut witness = text(&gateway, &[]).await;
        let cursor = Client::live(&gateway, &[]).await.view.cursor();
        let people = ids(10);
        let written = churn(&gateway, &people, 150, 1).await;
        let mut passed = Client::live(&gateway, &[]).await;
        passed.passes(&written).await;
        let mut late = text(&gateway, &[("from", &cursor)]).await;
        let end = "0190f3e2-7c1b-7d9a-8f00-00000000ffff";
        save(&gateway, end, &aged(99)).await;
        let (mut expected, mut shown) = (witness.until(end).await, late.until(end).await);
        let of = |sentences: &[String], id: &str| -> Vec<String> {
            sentences
                .iter()
                .filter(|sentence| sentence.contains(id))
                .cloned()
                .collect()
        };
        for id in &people {
            assert_eq!(
                of(&shown, id),
                of(&expected, id),
                "in the order of each person"
            );
        }
        expected.sort();
        shown.sort();
        assert_eq!(shown, expected);
    }
}

#[tokio::test]
async fn a_cursor_that_cannot_be_continued_is_410() {
    let gateway = Gateway::ready(&[("store.log_max", "20"), ("live.ring_bytes", "4096")]).await;
    let people = ids(5);
    let written = churn(&gateway, &people, 10, 1).await;
    let mut client = Client::live(&gateway, &[]).await;
    client.passes(&written).await;
    let cursor = client.view.cursor();
    let written: Written = churn(&gateway, &people, 200, 2).await;
    client.passes(&written).await;
    for bad in [&*cursor, "0:1.5.5"] {
        assert_eq!(
            Listener::refused(gateway.address, &path("/people", &[("from", bad)])).await,
            410,
            "{bad}"
        );
    }
}
