//! Repeated and forged frames on the channel: the log decides, so no client gets a change from
//! them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use people_gateway::domain::{Change, Epoch, Partition, Seq, Tag};
use people_gateway::store::{decode_frame, encode_frame};
use tokio::time::timeout;

use crate::scale_out::fleet::Fleet;
use people_testing::process::person;
use people_testing::redis::RedisServer;
use people_testing::wait::{DEADLINE, eventually};

/// Heads are compared once, at the start, so every later heal is caused by a frame.
const UNHURRIED: &[(&str, &str)] = &[
    ("live.head_interval_ms", "3600000"),
    ("live.ready_limit_ms", "7200000"),
    // The listener is not read while thousands of frames are published.
    ("live.silence_limit_ms", "3600000"),
];

/// An intruder that reads and publishes on the channel of the only partition.
struct Intruder {
    messages: ::redis::aio::PubSubStream,
    _sink: ::redis::aio::PubSubSink,
    commands: ::redis::aio::MultiplexedConnection,
}

impl Intruder {
    async fn on(redis: &RedisServer) -> Self {
        let client = ::redis::Client::open(redis.url()).expect("a url");
        let (mut sink, messages) = client
            .get_async_pubsub()
            .await
            .expect("a connection")
            .split();
        sink.subscribe(Fleet::first_channel(1))
            .await
            .expect("subscribed");
        Self {
            messages,
            _sink: sink,
            commands: redis.connect().await.expect("a connection"),
        }
    }

    /// Receives the next frame that is published.
    async fn next_frame(&mut self) -> Bytes {
        let message = timeout(DEADLINE, self.messages.next())
            .await
            .expect("in time")
            .expect("connected");
        Bytes::copy_from_slice(message.get_payload_bytes())
    }

    /// Publishes these bytes; the gateway has received them, but may not have decoded them yet.
    async fn publish(&mut self, bytes: &[u8]) {
        let publish = ::redis::cmd("PUBLISH")
            .arg(Fleet::first_channel(1))
            .arg(bytes)
            .clone();
        let receivers: u32 = publish
            .query_async(&mut self.commands)
            .await
            .expect("an answer");
        assert_eq!(receivers, 2, "the gateway and the intruder");
        assert_eq!(self.next_frame().await, bytes);
    }
}

#[tokio::test]
async fn a_repeated_frame_is_sent_to_clients_once() {
    let fleet = Fleet::start(1, 1, UNHURRIED).await;
    let gateway = &fleet.gateways[0];
    let mut intruder = Intruder::on(&fleet.redis).await;
    let mut listener = gateway.listen("").await;
    let mut frames = Vec::new();
    for name in ["Ada", "Grace", "Joan"] {
        gateway.create(&person(name)).await;
        assert!(listener.sentence().await.contains(name));
        frames.push(intruder.next_frame().await);
    }
    let heals_before = gateway.count("relay_heals_total").await;
    for frame in frames.iter().chain(frames.iter().rev()) {
        intruder.publish(frame).await;
    }
    eventually("the repeats are counted", || async {
        gateway.count("relay_duplicates_total").await == 6
    })
    .await;
    gateway.create(&person("Mary")).await;
    assert!(
        listener.sentence().await.contains("Mary"),
        "nothing came between"
    );
    assert_eq!(
        gateway.count("relay_heals_total").await,
        heals_before,
        "a repeat is recognised without a read of the log"
    );
}

#[tokio::test]
async fn forged_frames_reach_no_client_and_cause_at_most_one_heal_each() {
    let fleet = Fleet::start(1, 1, UNHURRIED).await;
    let gateway = &fleet.gateways[0];
    let mut intruder = Intruder::on(&fleet.redis).await;
    let mut listener = gateway.listen("").await;
    gateway.create(&person("Ada")).await;
    gateway.create(&person("Mallory")).await;
    assert!(listener.sentence().await.contains("Ada"));
    assert!(listener.sentence().await.contains("Mallory"));
    intruder.next_frame().await;
    let real = intruder.next_frame().await;
    let heals_before = gateway.count("relay_heals_total").await;

    let forged = forgeries(&real);
    for frame in &forged {
        intruder.publish(frame).await;
    }
    gateway.create(&person("Grace")).await;
    intruder.next_frame().await;
    assert!(
        listener.sentence().await.contains("Grace"),
        "no forged frame was sent to the client"
    );
    for _ in 0..3_000 {
        let publish = ::redis::cmd("PUBLISH")
            .arg(Fleet::first_channel(1))
            .arg(&*forged[0])
            .clone();
        publish
            .exec_async(&mut intruder.commands)
            .await
            .expect("an answer");
    }
    gateway.create(&person("Joan")).await;
    assert!(
        listener.sentence().await.contains("Joan"),
        "no frame of the flood was sent to the client"
    );

    let heals = quiet(async || gateway.count("relay_heals_total").await).await - heals_before;
    let frames = forged.len() as u64 + 3_000;
    // Grace and Joan may have arrived during a heal, and cause one more each.
    assert!(
        (1..=frames + 2).contains(&heals),
        "{heals} heals for {frames} frames"
    );
    assert_eq!(
        gateway.count("relay_resets_total").await,
        0,
        "no forged frame caused a reset"
    );
    assert_eq!(gateway.count("relay_disconnects_total").await, 0);
    gateway.create(&person("Mary")).await;
    assert!(listener.sentence().await.contains("Mary"));
    assert_eq!(
        gateway.count("relay_heals_total").await - heals_before,
        heals,
        "later frames are accepted without a heal"
    );
}

/// Frames that claim to be the next change of Mallory.
fn forgeries(real: &Bytes) -> Vec<Vec<u8>> {
    let real = decode_frame(Partition::new(0), real).expect("a frame");
    let changed = |change: &dyn Fn(&mut Change)| {
        let mut forged = real.clone();
        change(&mut forged);
        encode_frame(&forged)
    };
    let seq = |n: u64| Seq::new(n).expect("a number in range");
    let tag = Tag::new(0xbad);
    let mut forged = vec![
        changed(&|c| {
            (c.at.position.seq, c.at.position.tag, c.previous) = (seq(1_000_000), tag, tag);
        }),
        changed(&|c| (c.at.position.seq, c.at.position.tag, c.previous) = (seq(3), tag, tag)),
        changed(&|c| (c.at.position.seq, c.at.position.tag) = (seq(2), tag)),
        changed(&|c| (c.at.position.seq, c.at.position.tag) = (seq(1), tag)),
        changed(&|c| c.at.position.seq = seq(1 << 53)),
        changed(&|c| c.at.position.epoch = Epoch::new(0xbad)),
        changed(&|c| (c.at.position.epoch, c.at.position.seq) = (Epoch::new(0xbad), seq(1))),
        b"".to_vec(),
        b"Mallory was here".to_vec(),
        vec![0xff; 100_000],
    ];
    let next_version = encode_frame(&real).into_iter().skip(1);
    forged.push(b"2".iter().copied().chain(next_version).collect());
    forged
}

/// Reads the value until it is the same ten times in a row, 20 ms apart; returns it.
async fn quiet(read: impl AsyncFn() -> u64) -> u64 {
    let (mut last, mut same) = (read().await, 0);
    while same < 10 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = read().await;
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}
