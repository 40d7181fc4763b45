//! Messages from clients: their answers, and what ends a connection.

use serde_json::{Value, json};

use super::{ADULTS, Client, aged, members, path, save, types, wait_for_count};
use crate::live::ids;
use crate::live::websocket::peer::{BINARY, Frame, Peer, TEXT, frame, handshake};
use people_testing::process::Gateway;
use people_testing::socket::{End, Listener};

#[tokio::test]
async fn a_malformed_message_is_answered_with_an_error_and_the_connection_stays_open() {
    let gateway = Gateway::ready(&[]).await;
    let mut client = Client::live(&gateway, &[]).await;
    for (text, reference) in [
        ("", None),
        ("deletes", None),
        ("[]", None),
        ("{\"type\":\"ping\"", None),
        (r#"{"type":"wake","ref":"a"}"#, Some("a")),
        (r#"{"ref":"b"}"#, Some("b")),
        (
            r#"{"type":"filter","filter":"age > 3","ref":"c"}"#,
            Some("c"),
        ),
        (r#"{"type":"ping","extra":1,"ref":"d"}"#, Some("d")),
        (
            r#"{"type":"filter","kinds":"creates","ref":"e"}"#,
            Some("e"),
        ),
        (
            r#"{"type":"filter","from":"yesterday","ref":"f"}"#,
            Some("f"),
        ),
        (r#"{"type":"filter","where":7,"ref":"g"}"#, Some("g")),
    ] {
        client.listener.say(text).await;
        let error = client.message().await;
        assert_eq!(error["type"], "error", "{text}");
        assert_eq!(
            error.get("ref").and_then(Value::as_str),
            reference,
            "{text}"
        );
        assert_eq!(error["problem"]["type"], "/problems/malformed", "{text}");
        assert!(
            error["problem"]["detail"]
                .as_str()
                .is_some_and(|detail| detail.len() > 10),
            "{text}"
        );
    }
    let at = save(&gateway, &ids(1)[0], &aged(10)).await;
    assert_eq!(client.message().await["at"], json!(at));
}

#[tokio::test]
async fn a_pong_has_the_ref_of_its_ping_and_the_cursor() {
    let gateway = Gateway::ready(&[]).await;
    let mut client = Client::live(&gateway, &[("where", ADULTS)]).await;
    let cursor = client.view.cursor();
    client.send(json!({"type": "ping", "ref": "here?"})).await;
    let pong = client.message().await;
    assert_eq!(
        pong,
        json!({"type": "pong", "ref": "here?", "cursor": cursor})
    );
    client.send(json!({"type": "ping"})).await;
    assert_eq!(members(&client.message().await), ["type", "cursor"]);
    let mut written = super::WriteHeads::default();
    let at = save(&gateway, &ids(1)[0], &aged(3)).await;
    written.add(&at);
    client.read_past(&written).await;
    assert_eq!(
        client.view.cursor(),
        at,
        "the cursor advances without a change in the view"
    );
}

#[tokio::test]
async fn a_pong_during_a_snapshot_has_no_cursor() {
    let gateway = Gateway::ready(&[("live.snapshot_people", "2")]).await;
    crate::live::save_big(&gateway, &ids(400), 0..1).await;
    let mut client = Client::open(&gateway, &[("from", "snapshot")]).await;
    client.message().await;
    client.send(json!({"type": "ping", "ref": "p"})).await;
    let messages = client.until("pong").await;
    let pong = messages.last().expect("a pong");
    assert_eq!(
        pong.get("cursor").is_none(),
        !types(&messages).contains(&"live"),
        "{pong}"
    );
    while !client.view.is_live {
        client.message().await;
    }
}

#[tokio::test]
async fn stop_closes_the_connection_with_1000() {
    let gateway = Gateway::ready(&[]).await;
    for subprotocol in ["people.v1.json", "cloudevents.json"] {
        let (mut listener, _) = Listener::open_as(gateway.address, "/people", subprotocol).await;
        listener.say(r#"{"type":"stop"}"#).await;
        assert_eq!(listener.end().await, End::Closed(1000, String::new()));
    }
}

/// Opens a WebSocket in this format.
async fn peer(gateway: &Gateway, subprotocol: &str, parameters: &[(&str, &str)]) -> Peer {
    let mut peer = Peer::connect_small(gateway.address).await;
    let path = path("/people", parameters);
    peer.send(handshake(&path, &[("Sec-WebSocket-Protocol", subprotocol)]).as_bytes())
        .await;
    peer.expect_upgrade().await;
    peer
}

#[tokio::test]
async fn a_binary_frame_closes_a_json_connection_with_1003() {
    let gateway = Gateway::ready(&[]).await;
    for (subprotocol, closes) in [
        ("people.v1.json", true),
        ("cloudevents.json", true),
        ("", false),
    ] {
        let mut peer = peer(&gateway, subprotocol, &[]).await;
        peer.send(&frame(BINARY, b"stop")).await;
        if closes {
            assert!(
                matches!(peer.next_non_ping().await, Frame::Text(live) if live.contains("live"))
            );
            assert!(matches!(
                peer.next_non_ping().await,
                Frame::Close(Some(1003), _)
            ));
        } else {
            save(&gateway, &ids(1)[0], &aged(10)).await;
            assert!(
                matches!(peer.next_non_ping().await, Frame::Text(_)),
                "the text format ignores binary frames"
            );
        }
    }
}

#[tokio::test]
async fn a_client_that_exceeds_the_message_rate_is_closed_with_1008() {
    let settings = [
        ("live.messages_per_second", "5"),
        ("live.messages_window_ms", "10000"),
    ];
    let gateway = Gateway::ready(&settings).await;
    let mut peer = peer(&gateway, "people.v1.json", &[]).await;
    let pings = frame(TEXT, br#"{"type":"ping"}"#).repeat(51);
    peer.send(&pings).await;
    let got = peer.rest().await;
    let closed = got
        .iter()
        .find(|got| matches!(got, Frame::Close(..)))
        .expect("closed");
    assert!(matches!(closed, Frame::Close(Some(1008), _)), "{closed:?}");
}

/// By default a client may send 50 messages a second over 10 seconds, all 500 at once.
#[tokio::test]
async fn a_burst_within_the_default_rate_is_answered_in_full_and_in_order() {
    const MESSAGES: usize = 400;
    let gateway = Gateway::ready(&[]).await;
    let mut peer = peer(&gateway, "people.v1.json", &[]).await;
    assert!(matches!(peer.next_non_ping().await, Frame::Text(live) if live.contains("live")));
    let burst = (0..MESSAGES).flat_map(|number| {
        let kind = if number % 2 == 0 { "ping" } else { "filter" };
        frame(
            TEXT,
            json!({"type": kind, "ref": number.to_string()})
                .to_string()
                .as_bytes(),
        )
    });
    peer.send(&burst.collect::<Vec<u8>>()).await;
    for number in 0..MESSAGES {
        let Frame::Text(answer) = peer.next_non_ping().await else {
            panic!("no answer to {number}")
        };
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["ref"], number.to_string());
    }
}

#[tokio::test]
async fn all_messages_within_the_rate_are_answered() {
    let settings = [
        ("live.messages_per_second", "5"),
        ("live.messages_window_ms", "10000"),
    ];
    let gateway = Gateway::ready(&settings).await;
    let mut client = Client::live(&gateway, &[]).await;
    for number in 0..50 {
        client
            .send(json!({"type": "ping", "ref": number.to_string()}))
            .await;
        assert_eq!(client.message().await["ref"], number.to_string());
    }
}

#[tokio::test]
async fn a_client_that_sends_and_never_reads_is_closed_before_much_is_queued() {
    let settings = [
        ("live.messages_per_second", "1000000"),
        ("live.bytes_per_second", "1000000000"),
        ("live.silence_limit_ms", "600000"),
        ("live.close_timeout_ms", "200"),
    ];
    let gateway = Gateway::ready(&settings).await;
    let reference = "x".repeat(60);
    let malformed = frame(
        TEXT,
        format!("{{\"type\":\"wake\",\"ref\":\"{reference}\"}}").as_bytes(),
    );
    let ping = frame(
        TEXT,
        format!("{{\"type\":\"ping\",\"ref\":\"{reference}\"}}").as_bytes(),
    );
    for request in [malformed, ping] {
        let mut peer = peer(&gateway, "people.v1.json", &[]).await;
        let before = gateway.count("sessions_closed_total").await;
        let request = request.repeat(100);
        while gateway.count("sessions_closed_total").await == before {
            // Sending fails once the gateway has closed the connection.
            if peer.try_send(&request).await.is_err() {
                break;
            }
        }
        wait_for_count(&gateway, "sessions_closed_total", before + 1).await;
    }
}
