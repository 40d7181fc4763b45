//! The commands of the text format (`saves`, `deletes`, any other text), and `kinds` at connect.

use super::websocket::peer::{BINARY, FIRST, Frame, LAST, Peer, TEXT, frame};
use people_testing::process::{Gateway, person};
use people_testing::socket::Listener;
use people_testing::wait::DEADLINE;

const SAVES: &[&str] = &["Saved"];
const DELETES: &[&str] = &["Deleted"];
const ALL: &[&str] = &["Saved", "Deleted"];

/// More than the commands that are under way at once in these tests.
const MARKERS: usize = 3;

/// The first words of the sentences that a listener gets about a person that is saved and deleted.
/// Markers, saved and deleted afterwards, end the reading for all kinds. There are several, because
/// a command that takes effect between the save and the delete of a marker hides both.
async fn received_kinds(gateway: &Gateway, listener: &mut Listener) -> Vec<String> {
    let person = person("Ada");
    let (ada, other) = (gateway.create(&person).await, gateway.create(&person).await);
    for id in [&ada, &other] {
        assert_eq!(gateway.delete(id).await, 204);
    }
    let mut markers = Vec::new();
    for _ in 0..MARKERS {
        let marker = gateway.create(&person).await;
        assert_eq!(gateway.delete(&marker).await, 204);
        markers.push(marker);
    }
    let mut sentences = Vec::new();
    loop {
        let sentence = listener.sentence().await;
        if markers.iter().any(|marker| sentence.contains(marker)) {
            break;
        }
        sentences.push(sentence);
    }
    let about_ada = sentences.iter().filter(|sentence| sentence.contains(&ada));
    about_ada
        .map(|sentence| sentence.split(' ').next().expect("a word").to_owned())
        .collect()
}

/// Waits until the listener gets exactly these kinds.
async fn wait_for_kinds(gateway: &Gateway, listener: &mut Listener, kinds: &[&str]) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        let received = received_kinds(gateway, listener).await;
        if received == kinds {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the listener gets {received:?}, not {kinds:?}"
        );
    }
}

#[tokio::test]
async fn saves_and_deletes_select_a_kind_and_any_other_text_selects_all() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = gateway.listen("").await;
    assert_eq!(
        received_kinds(&gateway, &mut listener).await,
        ALL,
        "at first"
    );
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
        wait_for_kinds(&gateway, &mut listener, SAVES).await;
        listener.say(other).await;
        wait_for_kinds(&gateway, &mut listener, ALL).await;
    }
    for other in [
        "Deletes",
        "deletes\0",
        "{\"type\":\"filter\"}",
        "ｄeletes",
        "x".repeat(65_536).as_str(),
    ] {
        listener.say("deletes").await;
        wait_for_kinds(&gateway, &mut listener, DELETES).await;
        listener.say(other).await;
        wait_for_kinds(&gateway, &mut listener, ALL).await;
    }
}

#[tokio::test]
async fn the_last_of_several_commands_applies() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = gateway.listen("").await;
    for _ in 0..10 {
        for (commands, kinds) in [
            (["saves", "deletes"], DELETES),
            (["deletes", "saves"], SAVES),
            (["saves", "everything"], ALL),
        ] {
            for command in commands {
                listener.say(command).await;
            }
            wait_for_kinds(&gateway, &mut listener, kinds).await;
        }
    }
}

#[tokio::test]
async fn the_parameter_kinds_applies_from_the_first_change_until_a_command_replaces_it() {
    let gateway = Gateway::ready(&[]).await;
    for (query, kinds) in [
        ("?kinds=all", ALL),
        ("?kinds=saves", SAVES),
        ("?kinds=deletes", DELETES),
        ("?kinds=%64eletes&from=now", DELETES),
        ("?", ALL),
    ] {
        let mut listener = gateway.listen(query).await;
        assert_eq!(
            received_kinds(&gateway, &mut listener).await,
            kinds,
            "{query}"
        );
        listener.say("whatever").await;
        wait_for_kinds(&gateway, &mut listener, ALL).await;
    }
}

#[tokio::test]
async fn a_command_of_one_client_does_not_affect_others() {
    let gateway = Gateway::ready(&[]).await;
    let (mut one, mut other) = (gateway.listen("").await, gateway.listen("").await);
    one.say("deletes").await;
    wait_for_kinds(&gateway, &mut one, DELETES).await;
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
async fn a_fragmented_text_is_a_command_and_a_binary_message_is_none() {
    let gateway = Gateway::ready(&[]).await;
    // The fragmented "deletes" is the only command, so the client gets no save.
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
            let Frame::Text(sentence) = peer.next_non_ping().await else {
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
            "deletes does not take effect: {about_ada:?}"
        );
    }
    peer.send(&frame(TEXT, b"stop")).await;
    assert_eq!(
        peer.next_non_ping().await,
        Frame::Close(Some(1000), String::new())
    );
}
