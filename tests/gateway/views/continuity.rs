//! `stale` and `fresh`: when clients receive them, in each format.

use serde_json::{Value, json};

use super::reader::{Reader, ViewFormat};
use super::{Client, WriteHeads, aged, listed, members, save, types};
use crate::live::ids;
use crate::scale_out::fleet::Fleet;
use people_testing::process::Gateway;
use people_testing::socket::Listener;
use people_testing::wait::eventually;

/// `stale` is sent early and repeated.
const OFTEN: [(&str, &str); 2] = [
    ("live.stale_after_ms", "1500"),
    ("live.stale_interval_ms", "300"),
];
/// `stale` is sent early and not repeated.
const ONCE: [(&str, &str); 2] = [
    ("live.stale_after_ms", "1500"),
    ("live.stale_interval_ms", "3600000"),
];
const FORMATS: [ViewFormat; 3] = [ViewFormat::Json, ViewFormat::CloudEvents, ViewFormat::Sse];

async fn fleet(settings: &[(&str, &str)]) -> Fleet {
    // A silence limit that a slow machine does not reach.
    let settings = [
        settings,
        &[
            ("live.position_interval_ms", "100"),
            ("live.silence_limit_ms", "600000"),
        ],
    ]
    .concat();
    Fleet::start(1, 1, &settings).await
}

/// Thaws Redis and makes one write.
async fn recover(fleet: &Fleet) -> WriteHeads {
    fleet.redis.thaw();
    fleet.gateways[0].wait_ready().await;
    let mut written = WriteHeads::default();
    written.add(&save(&fleet.gateways[0], &ids(1)[0], &aged(1)).await);
    written
}

/// The numbers of `stale` and of `fresh`.
fn count_stale_and_fresh(messages: &[Value]) -> (usize, usize) {
    let count = |word: &str| {
        messages
            .iter()
            .filter(|message| message["type"] == word)
            .count()
    };
    (count("stale"), count("fresh"))
}

#[tokio::test]
async fn clients_of_an_unproved_stream_receive_stale_repeatedly_and_then_fresh_once() {
    let fleet = fleet(&OFTEN).await;
    let gateway = &fleet.gateways[0];
    let mut text = gateway.listen("").await;
    let mut clients = Vec::new();
    for format in FORMATS {
        clients.push((
            format,
            Reader::live(gateway, format, &[("from", "snapshot")]).await,
        ));
    }
    fleet.redis.freeze();
    for (format, client) in &mut clients {
        let mut seconds = Vec::new();
        for _ in 0..5 {
            let stale = client.until("stale").await.pop().expect("stale");
            assert_eq!(members(&stale), ["type", "seconds"], "{format:?}");
            assert_eq!(client.last_id, None, "a client cannot resume at stale");
            seconds.push(stale["seconds"].as_u64().expect("a number"));
        }
        assert!(
            seconds.is_sorted() && seconds[4] > seconds[0],
            "{format:?}: {seconds:?}"
        );
    }
    let written = recover(&fleet).await;
    for (format, mut client) in clients {
        let fresh = client.until("fresh").await.pop().expect("fresh");
        assert_eq!(fresh, json!({"type": "fresh"}), "{format:?}");
        let received = client.read_past(&written).await;
        assert_eq!(count_stale_and_fresh(&received), (0, 0), "fresh comes once");
        assert_eq!(client.view.people, listed(gateway, "").await, "{format:?}");
    }
    assert!(
        text.sentence().await.starts_with("Saved person ["),
        "the text format has neither stale nor fresh"
    );
}

#[tokio::test]
async fn stale_and_fresh_as_cloud_events_have_no_subject() {
    let fleet = fleet(&OFTEN).await;
    let (mut listener, _) =
        Listener::open_as(fleet.gateways[0].address, "/updates", "cloudevents.json").await;
    fleet.redis.freeze();
    let mut events: Vec<Value> = Vec::new();
    while events.iter().all(|event| event["type"] != "people.stale") {
        events.push(serde_json::from_str(&listener.sentence().await).expect("JSON"));
    }
    fleet.redis.thaw();
    while events.iter().all(|event| event["type"] != "people.fresh") {
        events.push(serde_json::from_str(&listener.sentence().await).expect("JSON"));
    }
    let fresh = events.last().expect("fresh");
    assert_eq!(fresh["data"], json!({}));
    for event in [&events[1], fresh] {
        assert_eq!(
            members(event),
            [
                "specversion",
                "id",
                "source",
                "type",
                "datacontenttype",
                "data"
            ]
        );
    }
}

#[tokio::test]
async fn a_client_that_connects_to_a_stale_stream_receives_stale_right_after_live() {
    let fleet = fleet(&ONCE).await;
    let gateway = &fleet.gateways[0];
    let cursor = Client::live(gateway, &[]).await.view.cursor();
    let mut first = Client::live(gateway, &[]).await;
    fleet.redis.freeze();
    first.until("stale").await;
    let mut clients = Vec::new();
    for format in FORMATS {
        for from in ["now", &cursor] {
            let mut client = Reader::open(gateway, format, &[("from", from)]).await;
            assert_eq!(
                client.message().await["type"],
                "live",
                "{format:?} from {from}"
            );
            let stale = client.message().await;
            assert_eq!(
                members(&stale),
                ["type", "seconds"],
                "{format:?} from {from}"
            );
            clients.push(client);
        }
    }
    let mut text = gateway.listen("").await;
    let written = recover(&fleet).await;
    for mut client in clients {
        let mut received = client.until("fresh").await;
        received.extend(client.read_past(&written).await);
        assert_eq!(count_stale_and_fresh(&received), (0, 1), "{received:?}");
    }
    assert!(
        text.sentence().await.starts_with("Saved person ["),
        "the text format has neither stale nor fresh"
    );
    let mut late = Client::live(gateway, &[]).await;
    let mut written = WriteHeads::default();
    written.add(&save(gateway, &ids(1)[0], &aged(2)).await);
    assert_eq!(
        count_stale_and_fresh(&late.read_past(&written).await),
        (0, 0),
        "the stream was fresh when this client connected"
    );
}

#[tokio::test]
async fn a_snapshot_that_waits_for_the_store_has_neither_stale_nor_fresh_before_live() {
    let fleet = fleet(&OFTEN).await;
    let gateway = &fleet.gateways[0];
    let mut first = Client::live(gateway, &[]).await;
    fleet.redis.freeze();
    first.until("stale").await;
    let mut waiting = Vec::new();
    for format in FORMATS {
        waiting.push(Reader::open(gateway, format, &[("from", "snapshot")]).await);
    }
    let sessions = async || gateway.count("sessions").await == 1 + FORMATS.len() as u64;
    eventually("all sessions are open", sessions).await;
    for _ in 0..3 {
        // Any other live client would have received it too.
        first.until("stale").await;
    }
    let written = recover(&fleet).await;
    for mut client in waiting {
        let start = client.until("live").await;
        assert_eq!(count_stale_and_fresh(&start), (0, 0), "{start:?}");
        client.read_past(&written).await;
        assert_eq!(client.view.people, listed(gateway, "").await);
    }
}

#[tokio::test]
async fn a_client_that_requests_a_snapshot_while_stale_receives_fresh_after_live() {
    let fleet = fleet(&ONCE).await;
    let gateway: &Gateway = &fleet.gateways[0];
    let mut client = Client::live(gateway, &[]).await;
    fleet.redis.freeze();
    client.until("stale").await;
    client
        .send(json!({"type": "filter", "from": "snapshot"}))
        .await;
    client.until("filtered").await;
    let written = recover(&fleet).await;
    let start = client.until("live").await;
    assert_eq!(count_stale_and_fresh(&start), (0, 0), "{:?}", types(&start));
    client.until("fresh").await;
    client.read_past(&written).await;
    assert_eq!(client.view.people, listed(gateway, "").await);
}
