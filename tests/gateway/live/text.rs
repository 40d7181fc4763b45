//! The sentences that a client of the tutorial's service gets.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use serde_json::json;

use super::websocket::peer::{Frame, Peer};
use people_testing::process::{Gateway, person};
use people_testing::socket::{End, Listener};

#[tokio::test]
async fn saves_and_deletes_arrive_as_the_tutorials_sentences() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = gateway.listen("").await;
    let id = gateway.create(&person("Ada")).await;
    let saved = format!(
        "Saved person [{id}] Person(id={id}, firstName=Ada, lastName=Lovelace, age=36, \
         job=Mathematician)"
    );
    assert_eq!(listener.sentence().await, saved);
    assert_eq!(gateway.put(&id, &person("Grace"), false).await, 200);
    assert_eq!(listener.sentence().await, saved.replace("Ada", "Grace"));
    let patch = gateway
        .request("PATCH", &format!("/people/{id}"))
        .header("content-type", "application/json");
    assert_eq!(
        patch
            .body(r#"{"age":37}"#)
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
    assert_eq!(
        listener.sentence().await,
        saved.replace("Ada", "Grace").replace("age=36", "age=37")
    );
    assert_eq!(gateway.delete(&id).await, 204);
    assert_eq!(listener.sentence().await, format!("Deleted person [{id}]"));
    assert_eq!(gateway.put(&id, &person("Ada"), true).await, 201);
    assert_eq!(listener.sentence().await, saved);
}

#[tokio::test]
async fn a_save_that_changes_nothing_is_sent_too() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = gateway.listen("").await;
    let id = gateway.create(&person("Ada")).await;
    let first = listener.sentence().await;
    assert_eq!(gateway.put(&id, &person("Ada"), false).await, 200);
    assert_eq!(listener.sentence().await, first);
}

#[tokio::test]
async fn sentences_have_values_without_quotes_or_escapes_and_no_attributes() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = gateway.listen("").await;
    for (first, last, job) in [
        ("\"Ada\"", "O'Neil \\ Smith", "a, b=c)"),
        ("Zoë \u{301}", "\u{202e}مرحبا", "日本語 😀👩‍👩‍👧 𝒜 \u{10ffff}"),
        ("tab\tline\nreturn\r", "\u{0}\u{1}\u{1f}\u{7f}\u{85}", ""),
        ("\u{feff}bom", "\u{2028}\u{2029}", "</script>&amp;"),
        (&"𝒜".repeat(200), &"é".repeat(200), &"\u{ffff}".repeat(200)),
    ] {
        let body = json!({
            "firstName": first, "lastName": last, "age": 150, "job": job, "attributes": {"a": [1]},
        });
        let id = gateway.create(&body).await;
        let expected = format!(
            "Saved person [{id}] Person(id={id}, firstName={first}, lastName={last}, age=150, \
             job={job})"
        );
        assert_eq!(listener.sentence().await, expected);
    }
}

#[tokio::test]
async fn people_and_updates_serve_the_same_stream() {
    let gateway = Gateway::ready(&[]).await;
    let mut people = gateway.listen("").await;
    let mut updates = Listener::open(gateway.address, "/updates").await;
    for name in ["Ada", "Grace", "Edsger"] {
        gateway.create(&person(name)).await;
        assert_eq!(people.sentence().await, updates.sentence().await);
    }
}

#[tokio::test]
async fn changes_of_a_person_arrive_in_order() {
    let gateway = Gateway::ready(&[("store.partitions", "4")]).await;
    let mut listener = gateway.listen("").await;
    let people = super::ids(8);
    let save_and_delete = async |id: &str| {
        for age in 0..20 {
            let mut ada = person("Ada");
            ada["age"] = json!(age);
            gateway.save(id, &ada).await;
        }
        assert_eq!(gateway.delete(id).await, 204);
    };
    futures_util::future::join_all(people.iter().map(|id| save_and_delete(id))).await;
    let mut seen = Vec::new();
    for _ in 0..people.len() * 21 {
        seen.push(listener.sentence().await);
    }
    for id in &people {
        let of_id: Vec<_> = seen
            .iter()
            .filter(|sentence| sentence.contains(&format!("[{id}]")))
            .collect();
        assert_eq!(of_id.len(), 21);
        for (age, sentence) in of_id[..20].iter().enumerate() {
            assert!(sentence.contains(&format!("age={age},")), "{sentence}");
        }
        assert_eq!(*of_id[20], format!("Deleted person [{id}]"));
    }
}

#[tokio::test]
async fn a_client_gets_every_change_that_is_accepted_after_its_handshake() {
    let gateway = &Gateway::ready(&[("store.partitions", "4")]).await;
    // A person's number is taken when its save begins. 16 tasks save people all the time.
    let (begun, done) = (&AtomicU64::new(0), &AtomicBool::new(false));
    let saving = (0..16).map(|_| async move {
        while !done.load(Relaxed) {
            let number = begun.fetch_add(1, Relaxed);
            gateway.create(&person(&format!("n{number}."))).await;
        }
    });
    let connecting = (0..8).map(|_| async move {
        for _ in 0..40 {
            let mut peer = Peer::open(gateway.address, "/people").await;
            let first = begun.load(Relaxed);
            let mut missing: Vec<_> = (first..first + 20)
                .map(|number| format!("=n{number}."))
                .collect();
            for _ in 0..2000 {
                let Frame::Text(sentence) = peer.next_non_ping().await else {
                    panic!("a sentence")
                };
                missing.retain(|name| !sentence.contains(name));
                if missing.is_empty() {
                    break;
                }
            }
            assert!(missing.is_empty(), "after {first} people: {missing:?}");
        }
    });
    let connected = async {
        futures_util::future::join_all(connecting).await;
        done.store(true, Relaxed);
    };
    tokio::join!(futures_util::future::join_all(saving), connected);
}

#[tokio::test]
async fn a_new_client_gets_no_change_that_was_sent_before_its_handshake() {
    let gateway = Gateway::ready(&[]).await;
    let mut earlier = gateway.listen("").await;
    for round in 0..100 {
        let before = gateway.create(&person("Before")).await;
        earlier.until(&before).await;
        let mut listener = gateway.listen("?from=now").await;
        gateway.create(&person("After")).await;
        let sentence = listener.sentence().await;
        assert!(sentence.contains("After"), "round {round}: {sentence}");
    }
}

#[tokio::test]
async fn every_client_gets_every_change() {
    let gateway = Gateway::ready(&[]).await;
    let mut listeners = Vec::new();
    for _ in 0..50 {
        listeners.push(gateway.listen("").await);
    }
    let mut expected = Vec::new();
    for number in 0..20 {
        let id = gateway.create(&person(&format!("n{number}"))).await;
        expected.push(format!("Saved person [{id}]"));
    }
    for mut listener in listeners {
        for expected in &expected {
            let sentence = listener.sentence().await;
            assert!(sentence.starts_with(expected), "{sentence}");
        }
    }
}

#[tokio::test]
async fn a_client_that_disconnects_does_not_disturb_others() {
    let gateway = Gateway::ready(&[]).await;
    let mut stays = gateway.listen("").await;
    for _ in 0..20 {
        drop(Peer::open(gateway.address, "/people").await);
    }
    let mut half = Peer::open(gateway.address, "/people").await;
    half.finish().await;
    assert_eq!(
        half.rest().await,
        [Frame::End],
        "the gateway ends the session of a half-closed connection"
    );
    gateway.create(&person("Ada")).await;
    assert!(stays.sentence().await.contains("Ada"));
    people_testing::wait::eventually("one session is left", async || {
        super::metric_is(&gateway, "sessions", 1).await
    })
    .await;
    stays.say("stop").await;
    assert_eq!(stays.end().await, End::Closed(1000, String::new()));
}

#[tokio::test]
async fn a_gateway_restarted_after_a_kill_sends_new_updates_only() {
    let gateway = Gateway::ready(&[]).await;
    let listener = gateway.listen("").await;
    let id = gateway.create(&person("Before")).await;
    let gateway = gateway.kill9_and_restart().await;
    assert_eq!(listener.end().await, End::Cut);
    gateway.wait_ready().await;
    let mut listener = gateway.listen("").await;
    assert_eq!(gateway.delete(&id).await, 204);
    assert_eq!(listener.sentence().await, format!("Deleted person [{id}]"));
}
