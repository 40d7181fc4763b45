//! Subprotocols, `CloudEvents`, and a connection that ends with a change.

use serde_json::{Value, json};

use crate::live::ids;
use crate::live::websocket::peer::{Peer, handshake};
use crate::views::{ADULTS, Client, aged, delete, members, path, save};
use people_testing::process::Gateway;
use people_testing::socket::{End, Listener};

#[tokio::test]
async fn the_first_subprotocol_of_the_clients_that_is_known_wins_and_is_echoed() {
    let gateway = Gateway::ready(&[]).await;
    for (offered, chosen) in [
        ("people.v1.json", "people.v1.json"),
        ("cloudevents.json", "cloudevents.json"),
        ("cloudevents.json, people.v1.json", "cloudevents.json"),
        ("people.v1.json,cloudevents.json", "people.v1.json"),
        ("people.v9.json, people.v1.json", "people.v1.json"),
        ("x", ""),
        ("People.v1.json", ""),
        ("people.v2.json, cloudevents.avro", ""),
    ] {
        let mut peer = Peer::connect(gateway.address).await;
        peer.send(handshake("/updates", &[("Sec-WebSocket-Protocol", offered)]).as_bytes())
            .await;
        if chosen.is_empty() {
            let refusal = peer.refusal().await;
            assert_eq!(refusal.status, 400, "{offered}");
            assert_eq!(
                refusal.problem["subprotocols"],
                json!(["people.v1.json", "cloudevents.json"]),
                "the list"
            );
        } else {
            let (status, head) = peer.head().await;
            assert_eq!(status, 101, "{offered}");
            assert!(
                head.contains(&format!("sec-websocket-protocol: {chosen}\r\n")),
                "{offered}: {head}"
            );
        }
    }
    let mut peer = Peer::open(gateway.address, "/updates").await;
    peer.say("stop").await;
}

async fn event(listener: &mut Listener) -> Value {
    let event: Value = serde_json::from_str(&listener.sentence().await).expect("JSON");
    assert_eq!(
        (&event["specversion"], &event["source"]),
        (&json!("1.0"), &json!("/people"))
    );
    assert_eq!(event["datacontenttype"], "application/json");
    event
}

#[tokio::test]
async fn a_change_is_a_cloud_event_with_its_place_as_id() {
    let gateway = Gateway::ready(&[]).await;
    let path = path("/people", &[("where", ADULTS), ("from", "snapshot")]);
    let (mut listener, _) = Listener::open_as(gateway.address, &path, "cloudevents.json").await;
    let id = &ids(1)[0];
    let page = event(&mut listener).await;
    assert_eq!(
        (&page["type"], &page["data"]),
        (&json!("people.snapshot"), &json!({"people": []}))
    );
    let live = event(&mut listener).await;
    assert_eq!(live["type"], "people.live");
    assert_eq!(members(&live["data"]), ["cursor"]);
    assert!(live.get("subject").is_none());
    let mut seen = Vec::new();
    for other in [&page, &live] {
        let id = other["id"].as_str().expect("an id");
        assert_eq!(id.parse::<uuid::Uuid>().expect("a UUID").to_string(), id);
        seen.push(id.to_owned());
    }
    assert_ne!(seen[0], seen[1]);
    for (age, kind) in [(20, "create"), (21, "update"), (3, "leave"), (30, "enter")] {
        let at = save(&gateway, id, &aged(age)).await;
        let change = event(&mut listener).await;
        assert_eq!(change["type"], format!("people.{kind}"));
        assert_eq!(
            (&change["id"], &change["subject"]),
            (&json!(at), &json!(id))
        );
        let time = change["time"].as_str().expect("a time");
        let data = &change["data"];
        assert_eq!(
            data["revision"].as_str(),
            at.split_once(':').map(|(_, revision)| revision)
        );
        if kind == "leave" {
            assert_eq!(members(data), ["id", "revision"]);
            assert_eq!(data["id"], json!(id));
        } else {
            assert_eq!(
                (&data["age"], data["updatedAt"].as_str()),
                (&json!(age), Some(time))
            );
        }
    }
    let at = delete(&gateway, id).await.expect("someone");
    let gone = event(&mut listener).await;
    assert_eq!(
        (&gone["type"], &gone["id"]),
        (&json!("people.delete"), &json!(at))
    );
    listener.say(r#"{"type":"ping","ref":"r"}"#).await;
    let pong = event(&mut listener).await;
    assert_eq!(
        (&pong["type"], &pong["data"]),
        (&json!("people.pong"), &json!({"ref": "r", "cursor": at}))
    );
    listener
        .say(r#"{"type":"filter","where":"x == 1","ref":"r"}"#)
        .await;
    let error = event(&mut listener).await;
    assert_eq!(
        (&error["type"], &error["data"]["problem"]["type"]),
        (&json!("people.error"), &json!("/problems/filter"))
    );
}

#[tokio::test]
async fn close_on_ends_with_the_first_such_change_that_is_shown() {
    let gateway = Gateway::ready(&[]).await;
    // Someone else each time: what the others saw last may still be under way.
    for (id, (kind, shown)) in ids(2).iter().zip([("save", "enter"), ("delete", "delete")]) {
        let filter = format!("{ADULTS} && id == \"{id}\"");
        let mut client = Client::live(&gateway, &[("where", &filter), ("close_on", kind)]).await;
        save(&gateway, id, &aged(3)).await;
        save(&gateway, id, &aged(30)).await;
        delete(&gateway, id).await.expect("someone");
        if kind == "delete" {
            assert_eq!(client.message().await["type"], "enter");
        }
        assert_eq!(client.message().await["type"], shown);
        assert_eq!(client.end().await, End::Closed(1000, String::new()));
    }
}

#[tokio::test]
async fn close_on_counts_what_was_missed_before_live() {
    let gateway = Gateway::ready(&[]).await;
    let id = &ids(1)[0];
    let cursor = Client::live(&gateway, &[]).await.view.cursor();
    let mut witness = Client::live(&gateway, &[]).await;
    let mut written = crate::views::Written::default();
    save(&gateway, id, &aged(3)).await;
    save(&gateway, id, &aged(30)).await;
    written.add(&save(&gateway, id, &aged(31)).await);
    witness.passes(&written).await;
    let parameters = [("from", &*cursor), ("where", ADULTS), ("close_on", "save")];
    let mut client = Client::open(&gateway, &parameters).await;
    assert_eq!(
        client.message().await["type"],
        "enter",
        "the first that is shown"
    );
    assert_eq!(client.end().await, End::Closed(1000, String::new()));
    for (door, status) in [("/updates", 400), ("/people", 400)] {
        let path = path(door, &[("close_on", "save")]);
        let request = gateway
            .request("GET", &path)
            .header("accept", "text/event-stream");
        assert_eq!(
            request.send().await.expect("an answer").status(),
            status,
            "an event source would connect again"
        );
    }
}
