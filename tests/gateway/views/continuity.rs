//! What clients are told while the stream cannot be trusted, in each format, and when.

use serde_json::{Value, json};

use super::reader::{Reader, ViewFormat};
use super::{Client, Written, aged, listed, members, save, types};
use crate::live::ids;
use crate::scale_out::fleet::Fleet;
use people_testing::process::Gateway;
use people_testing::socket::Listener;
use people_testing::wait::eventually;

/// Soon told, and again and again.
const OFTEN: [(&str, &str); 2] = [
    ("live.stale_after_ms", "1500"),
    ("live.stale_interval_ms", "300"),
];
/// Soon told, and never again.
const ONCE: [(&str, &str); 2] = [
    ("live.stale_after_ms", "1500"),
    ("live.stale_interval_ms", "3600000"),
];
const FORMATS: [ViewFormat; 3] = [ViewFormat::Json, ViewFormat::CloudEvents, ViewFormat::Sse];

async fn fleet(settings: &[(&str, &str)]) -> Fleet {
    // Nobody is given up while a slow machine runs this.
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

/// Lets Redis go on, and writes something; where that stands.
async fn recovered(fleet: &Fleet) -> Written {
    fleet.redis.thaw();
    fleet.gateways[0].wait_ready().await;
    let mut written = Written::default();
    written.add(&save(&fleet.gateways[0], &ids(1)[0], &aged(1)).await);
    written
}

/// How often each word on continuity is among messages.
fn words(messages: &[Value]) -> (usize, usize) {
    let count = |word: &str| {
        messages
            .iter()
            .filter(|message| message["type"] == word)
            .count()
    };
    (count("stale"), count("fresh"))
}

#[tokio::test]
async fn an_unproved_stream_is_said_to_be_stale_again_and_again_and_then_fresh() {
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
            assert_eq!(client.last_id, None, "it is no place to resume at");
            seconds.push(stale["seconds"].as_u64().expect("a number"));
        }
        assert!(
            seconds.is_sorted() && seconds[4] > seconds[0],
            "{format:?}: {seconds:?}"
        );
    }
    let written = recovered(&fleet).await;
    for (format, mut client) in clients {
        let fresh = client.until("fresh").await.pop().expect("fresh");
        assert_eq!(fresh, json!({"type": "fresh"}), "{format:?}");
        let shown = client.passes(&written).await;
        assert_eq!(words(&shown), (0, 0), "once");
        assert_eq!(client.view.people, listed(gateway, "").await, "{format:?}");
    }
    assert!(
        text.sentence().await.starts_with("Saved person ["),
        "text has no word for it"
    );
}

#[tokio::test]
async fn continuity_in_cloud_events_is_an_event_of_nobody() {
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
async fn who_connects_while_the_stream_is_stale_is_told_right_after_live() {
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
    let written = recovered(&fleet).await;
    for mut client in clients {
        let mut shown = client.until("fresh").await;
        shown.extend(client.passes(&written).await);
        assert_eq!(words(&shown), (0, 1), "{shown:?}");
    }
    assert!(
        text.sentence().await.starts_with("Saved person ["),
        "text has no word for it"
    );
    let mut late = Client::live(gateway, &[]).await;
    let mut written = Written::default();
    written.add(&save(gateway, &ids(1)[0], &aged(2)).await);
    assert_eq!(
        words(&late.passes(&written).await),
        (0, 0),
        "it never was stale for this one"
    );
}

#[tokio::test]
async fn a_snapshot_that_waits_for_the_store_is_told_nothing_before_live() {
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
    eventually("all are there", sessions).await;
    for _ in 0..3 {
        // The others would have heard it too.
        first.until("stale").await;
    }
    let written = recovered(&fleet).await;
    for mut client in waiting {
        let start = client.until("live").await;
        assert_eq!(words(&start), (0, 0), "{start:?}");
        client.passes(&written).await;
        assert_eq!(client.view.people, listed(gateway, "").await);
    }
}

#[tokio::test]
async fn who_asked_for_a_snapshot_while_stale_is_told_fresh_after_live() {
    let fleet = fleet(&ONCE).await;
    let gateway: &Gateway = &fleet.gateways[0];
    let mut client = Client::live(gateway, &[]).await;
    fleet.redis.freeze();
    client.until("stale").await;
    client
        .say(json!({"type": "filter", "from": "snapshot"}))
        .await;
    client.until("filtered").await;
    let written = recovered(&fleet).await;
    let start = client.until("live").await;
    assert_eq!(words(&start), (0, 0), "{:?}", types(&start));
    client.until("fresh").await;
    client.passes(&written).await;
    assert_eq!(client.view.people, listed(gateway, "").await);
}
