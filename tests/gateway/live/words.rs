//! The words of the text format: `saves`, `deletes`, any other; and `kinds` at connect.

use super::websocket::peer::{BINARY, FIRST, Got, LAST, Peer, TEXT, frame};
use people_testing::process::{Gateway, person};
use people_testing::socket::Listener;
use people_testing::wait::DEADLINE;

const SAVES: &[&str] = &["Saved"];
const DELETES: &[&str] = &["Deleted"];
const ALL: &[&str] = &["Saved", "Deleted"];

/// More than there are words under way in these tests.
const ENDS: usize = 3;

/// What a listener is shown of somebody who is saved and then deleted. Another one, saved and
/// deleted behind, marks the end whatever the kinds; there are several, because a word that takes
/// hold between the two hides both.
async fn shown(gateway: &Gateway, listener: &mut Listener) -> Vec<String> {
    let person = person("Ada");
    let (somebody, marker) = (gateway.create(&person).await, gateway.create(&person).await);
    for id in [&somebody, &marker] {
        assert_eq!(gateway.delete(id).await, 204);
    }
    let mut ends = Vec::new();
    for _ in 0..ENDS {
        let end = gateway.create(&person).await;
        assert_eq!(gateway.delete(&end).await, 204);
        ends.push(end);
    }
    let mut sentences = Vec::new();
    loop {
        let sentence = listener.sentence().await;
        if ends.iter().any(|end| sentence.contains(end)) {
            break;
        }
        sentences.push(sentence);
    }
    let of_somebody = sentences
        .iter()
        .filter(|sentence| sentence.contains(&somebody));
    of_somebody
        .map(|sentence| sentence.split(' ').next().expect("a word").to_owned())
        .collect()
}

/// Waits until a word has taken hold.
async fn becomes(gateway: &Gateway, listener: &mut Listener, kinds: &[&str]) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        let shown = shown(gateway, listener).await;
        if shown == kinds {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{kinds:?} does not take hold, but {shown:?}"
        );
    }
}

#[tokio::test]
async fn saves_and_deletes_are_the_kinds_and_every_other_text_is_all() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = gateway.listen("").await;
    assert_eq!(shown(&gateway, &mut listener).await, ALL, "at first");
    for other in [
        "all",
        "",
        "Saves",
        "SAVES",
        " saves",
        "saves ",
        "saves\n",
        "\"saves\"",
        "save",
        "delete",
        "Stop",
        "stop ",
    ] {
        listener.say("saves").await;
        becomes(&gateway, &mut listener, SAVES).await;
        listener.say(other).await;
        becomes(&gateway, &mut listener, ALL).await;
    }
    for other in [
        "Deletes",
        "deletes\0",
        "{\"type\":\"filter\"}",
        "ｄeletes",
        "x".repeat(65_536).as_str(),
    ] {
        listener.say("deletes").await;
        becomes(&gateway, &mut listener, DELETES).await;
        listener.say(other).await;
        becomes(&gateway, &mut listener, ALL).await;
    }
}

#[tokio::test]
async fn of_several_words_the_last_holds() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = gateway.listen("").await;
    for _ in 0..10 {
        for (words, kinds) in [
            (["saves", "deletes"], DELETES),
            (["deletes", "saves"], SAVES),
            (["saves", "everything"], ALL),
        ] {
            for word in words {
                listener.say(word).await;
            }
            becomes(&gateway, &mut listener, kinds).await;
        }
    }
}

#[tokio::test]
async fn the_parameter_kinds_holds_from_the_first_change_on_until_a_word_replaces_it() {
    let gateway = Gateway::ready(&[]).await;
    for (query, kinds) in [
        ("?kinds=all", ALL),
        ("?kinds=saves", SAVES),
        ("?kinds=deletes", DELETES),
        ("?kinds=%64eletes&from=now", DELETES),
        ("?", ALL),
    ] {
        let mut listener = gateway.listen(query).await;
        assert_eq!(shown(&gateway, &mut listener).await, kinds, "{query}");
        listener.say("whatever").await;
        becomes(&gateway, &mut listener, ALL).await;
    }
}

#[tokio::test]
async fn words_of_one_client_are_nothing_to_the_others() {
    let gateway = Gateway::ready(&[]).await;
    let (mut one, mut other) = (gateway.listen("").await, gateway.listen("").await);
    one.say("deletes").await;
    becomes(&gateway, &mut one, DELETES).await;
    let id = gateway.create(&person("Ada")).await;
    let sentences = other.until(&id).await;
    assert!(
        sentences
            .iter()
            .any(|sentence| sentence.starts_with("Saved")),
        "{sentences:?}"
    );
}

#[tokio::test]
async fn a_word_in_fragments_is_a_word_and_a_binary_one_is_none() {
    let gateway = Gateway::ready(&[]).await;
    // The last word that means anything is the fragmented "deletes": a client that asked by it sees
    // no save.
    let mut peer = Peer::open(gateway.address, "/people").await;
    for bytes in [
        frame(FIRST, b"del"),
        frame(0, b"ete"),
        frame(LAST, b"s"),
        frame(BINARY, b"saves"),
        frame(0x02, b"al"),
        frame(LAST, b"l"),
    ] {
        peer.send(&bytes).await;
    }
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        let (ada, end) = (
            gateway.create(&person("Ada")).await,
            gateway.create(&person("End")).await,
        );
        for id in [&ada, &end] {
            assert_eq!(gateway.delete(id).await, 204);
        }
        let mut about_ada = Vec::new();
        loop {
            let Got::Text(sentence) = peer.told().await else {
                panic!("a sentence")
            };
            if sentence == format!("Deleted person [{end}]") {
                break;
            }
            about_ada.extend(sentence.contains(&ada).then_some(sentence));
        }
        if about_ada == [format!("Deleted person [{ada}]")] {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "deletes does not take hold: {about_ada:?}"
        );
    }
    peer.send(&frame(TEXT, b"stop")).await;
    assert_eq!(peer.told().await, Got::Close(Some(1000), String::new()));
}
