//! Subprotocols, `CloudEvents`, and a connection that ends with a change.

use serde_json::{Value, json};

use crate::live::ids;
use crate::live::websocket::peer::{Peer, handshake};
use crate::views::{ADULTS, Client, aged, delete, members, path, save};
use people_testing::process::Gateway;
use people_testing::socket::{End, Listener};

#[tokio::test]
async fn the_first_known_subprotocol_of_the_client_is_chosen_and_echoed() {
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
                "the refusal lists the known subprotocols"
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
async fn a_change_is_a_cloud_event_whose_id_is_its_log_position() {
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
    let mut uuids = Vec::new();
    for other in [&page, &live] {
        let id = other["id"].as_str().expect("an id");
        assert_eq!(id.parse::<uuid::Uuid>().expect("a UUID").to_string(), id);
        uuids.push(id.to_owned());
    }
    assert_ne!(uuids[0], uuids[1]);
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
    let at = delete(&gateway, id).await.expect("the person exists");
    let deletion = event(&mut listener).await;
    assert_eq!(
        (&deletion["type"], &deletion["id"]),
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
async fn close_on_closes_after_the_first_change_of_its_kind_in_the_view() {
    let gateway = Gateway::ready(&[]).await;
    // A person for each client: changes of the previous one may still be in flight.
    for (id, (kind, expected)) in ids(2).iter().zip([("save", "enter"), ("delete", "delete")]) {
        let filter = format!("{ADULTS} && id == \"{id}\"");
        let mut client = Client::live(&gateway, &[("where", &filter), ("close_on", kind)]).await;
        save(&gateway, id, &aged(3)).await;
        save(&gateway, id, &aged(30)).await;
        delete(&gateway, id).await.expect("the person exists");
        if kind == "delete" {
            assert_eq!(client.message().await["type"], "enter");
        }
        assert_eq!(client.message().await["type"], expected);
        assert_eq!(client.end().await, End::Closed(1000, String::new()));
    }
}

#[tokio::test]
async fn close_on_counts_changes_that_were_missed_before_live() {
    let gateway = Gateway::ready(&[]).await;
    let id = &ids(1)[0];
    let cursor = Client::live(&gateway, &[]).await.view.cursor();
    let mut witness = Client::live(&gateway, &[]).await;
    let mut written = crate::views::WriteHeads::default();
    save(&gateway, id, &aged(3)).await;
    save(&gateway, id, &aged(30)).await;
    written.add(&save(&gateway, id, &aged(31)).await);
    witness.read_past(&written).await;
    let parameters = [("from", &*cursor), ("where", ADULTS), ("close_on", "save")];
    let mut client = Client::open(&gateway, &parameters).await;
    assert_eq!(
        client.message().await["type"],
        "enter",
        "the first change in the view"
    );
    assert_eq!(client.end().await, End::Closed(1000, String::new()));
    for (endpoint, status) in [("/updates", 400), ("/people", 400)] {
        let path = path(endpoint, &[("close_on", "save")]);
        let request = gateway
            .request("GET", &path)
            .header("accept", "text/event-stream");
        assert_eq!(
            request.send().await.expect("an answer").status(),
            status,
            "an event source would reconnect"
        );
    }
}
