//! Micro benchmarks of a change's path through memory: read the store's frame, evaluate it, and
//! encode it as a WebSocket frame. `cargo bench --bench encode`

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use people_bench::person::{PERSON, id};
use people_gateway::domain::{
    Change, Cursor, Draft, Epoch, FieldsJson, IdRule, LogPosition, Partition, Person, Position,
    Seq, Tag, Timestamp,
};
use people_gateway::fanout::{self, Dispatcher, Evaluation};
use people_gateway::filter::Verdict;
use people_gateway::history::{self, Checkpoint, Entry, Event, History};
use people_gateway::protocol::format::WireFormat;
use people_gateway::rights::Scope;
use people_gateway::session::{self, Sessions, Subscription, WriteBatch};
use people_gateway::store::{StoreSlot, decode_frame, encode_frame};
use people_gateway::telemetry::Traces;

const PARTITION: Partition = Partition::new(0);

fn position(seq: u64) -> Position {
    Position {
        epoch: Epoch::new(0x9e37_79b9_7f4a_7c15),
        seq: Seq::new(seq).expect("small"),
        tag: Tag::new(seq),
    }
}

/// An update of the benchmarks' person.
fn change(seq: u64) -> Change {
    let fields = FieldsJson::from_stored(PERSON).expect("a person");
    Change {
        at: LogPosition::new(PARTITION, position(seq)),
        previous: Tag::new(seq - 1),
        id: id(seq).parse().expect("an id"),
        time: Timestamp::from_millis(1_795_342_200_123),
        created_at: Timestamp::from_millis(1_795_342_100_123),
        before: Some(fields.clone()),
        after: Some(fields),
        trace: None,
    }
}

fn writing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write");
    group.bench_function("parse a body of 300 bytes", |bencher| {
        bencher.iter(|| {
            Draft::parse(black_box(PERSON), IdRule::Ignored)
                .expect("a person")
                .fields
                .to_json()
        });
    });
    let fields = FieldsJson::from_stored(PERSON).expect("a person");
    let (id, time) = (
        id(1).parse().expect("an id"),
        Timestamp::from_millis(1_795_342_200_123),
    );
    let person = Person {
        id,
        fields,
        revision: position(1),
        created_at: time,
        updated_at: time,
    };
    group.bench_function("write the answer", |bencher| {
        bencher.iter(|| Scope::everything().to_json(black_box(&person)));
    });
    group.finish();
}

fn relaying(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("relay");
    let frame = encode_frame(&change(7));
    group.bench_function("read a frame of the store", |bencher| {
        bencher.iter(|| decode_frame(PARTITION, black_box(&frame)).expect("a frame"));
    });
    let update = change(7);
    group.bench_function("encode a text frame", |bencher| {
        let scope = Scope::everything();
        bencher.iter(|| WireFormat::Text.change(Verdict::Update, black_box(&update), None, &scope));
    });
    for count in [1, 8, 64] {
        let subscription = Subscription {
            format: WireFormat::Text,
            ..Subscription::default()
        };
        let before = Checkpoint {
            offset: 0,
            cursor: Cursor::new([position(1)]),
        };
        let entries: Vec<Arc<Entry>> = (1..=count)
            .map(|offset| {
                let change = change(offset + 1);
                let cursor = before.cursor.advanced(change.at);
                Arc::new(Entry {
                    checkpoint: Checkpoint { offset, cursor },
                    event: Event::Change(change),
                })
            })
            .collect();
        group.bench_function(
            format!("evaluate and gather a batch of {count}"),
            |bencher| {
                bencher.iter(|| {
                    let evaluations = entries
                        .iter()
                        .filter_map(|entry| Evaluation::new(&before, entry));
                    let notifications: Vec<_> = evaluations
                        .filter_map(|mut change| change.notification(black_box(&subscription)))
                        .collect();
                    WriteBatch::new(&notifications)
                });
            },
        );
    }
    group.finish();
}

/// The relay's step for a change that matches no view: decode, record in the ring, search the
/// index.
fn stepping(criterion: &mut Criterion) {
    // More changes than the ring holds, so that each evicts an old one.
    const CHANGES: u64 = 4_096;
    let history = Arc::new(History::new(history::Options {
        ring_bytes: NonZeroUsize::new(1024 * 1024).expect("not zero"),
    }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let sessions = runtime.block_on(async {
        let options = session::Options::default();
        let (history, slot) = (Arc::clone(&history), StoreSlot::new());
        Sessions::new(history, slot, options, None, session::Metrics::default())
    });
    let (options, metrics) = (fanout::Options::default(), fanout::Metrics::default());
    let mut dispatcher = Dispatcher::new(options, history, sessions, metrics, Traces::default());
    dispatcher.start(Cursor::new([position(1)]), Vec::new());
    let frames: Vec<_> = (2..CHANGES).map(|seq| encode_frame(&change(seq))).collect();
    let mut next = frames.iter().cycle();
    criterion.bench_function("relay/take in a frame that matches no view", |bencher| {
        bencher.iter(|| {
            let frame = next.next().expect("the cycle never ends");
            let change = decode_frame(PARTITION, black_box(frame)).expect("a frame");
            dispatcher.take_in(vec![Event::Change(change)]);
        });
    });
}

criterion_group!(benches, writing, relaying, stepping);
criterion_main!(benches);
