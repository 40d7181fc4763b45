//! Micro benchmarks of who is concerned by a change: a filter is parsed, judges one image; the
//! index is searched among a thousand, a hundred thousand, a million views, of which ten match;
//! views come and go. `cargo bench --bench matching`
//!
//! Beside the times it prints what a search touched, and the bytes that the allocator gave for a
//! view's place in the index.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use people_bench::person::{PERSON, id};
use people_gateway::domain::{FieldsJson, PersonId};
use people_gateway::filter::{Filter, Images, Index, Looked, Verdict, View};

/// The gateway's own allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const COUNTS: [u32; 3] = [1_000, 100_000, 1_000_000];
/// People who are searched for in turn, so that the processor's caches don't hold the one way to
/// one of them.
const PEOPLE: u32 = 4_096;

/// Filters by number, of one kind, and people of whom each matches a few of them.
struct Workload {
    name: &'static str,
    /// Filters that each person matches.
    matching: usize,
    /// The filter with this number, of so many.
    filter: fn(u32, u32) -> String,
    /// The attributes of the person with this number, if there are so many filters.
    attributes: fn(u32, u32) -> String,
}

// Filters that are the same to the index differ in a condition that says nothing to it: equal ones
// are one class.
const WORKLOADS: [Workload; 7] = [
    Workload {
        name: "a == x, a value each",
        matching: 1,
        filter: |number, _| format!("attributes.a == 'value {number}'"),
        attributes: |person, count| format!(r#"{{"a":"value {}"}}"#, person % count),
    },
    Workload {
        name: "a == x",
        matching: 10,
        filter: |number, _| {
            format!(
                "attributes.a == 'value {}' && !(age == {})",
                number / 10,
                number % 10
            )
        },
        attributes: |person, count| format!(r#"{{"a":"value {}"}}"#, person % (count / 10)),
    },
    Workload {
        name: "a >= x && a < y",
        matching: 10,
        filter: |number, _| {
            let group = 10 * (number / 10);
            format!(
                "attributes.a >= {group}.{} && attributes.a < {}",
                number % 10,
                group + 10
            )
        },
        attributes: |person, count| format!(r#"{{"a":{}}}"#, 10 * (person % (count / 10)) + 5),
    },
    Workload {
        name: "a >= x",
        matching: 10,
        filter: |number, _| {
            format!(
                "attributes.a >= {}",
                if number < 10 { number } else { 1_000 + number }
            )
        },
        attributes: |person, _| format!(r#"{{"a":{}}}"#, 10 + person % 990),
    },
    Workload {
        name: "a == x && b >= y, a hundred with each x",
        matching: 10,
        filter: |number, count| {
            let (value, rank) = (number % (count / 100), number / (count / 100));
            let bound = if rank < 10 { rank } else { 1_000 + rank };
            format!("attributes.a == 'value {value}' && attributes.b >= {bound}")
        },
        attributes: |person, count| {
            format!(
                r#"{{"a":"value {}","b":{}}}"#,
                person % (count / 100),
                10 + person % 990
            )
        },
    },
    Workload {
        name: "a == x && b == y, all with one x",
        matching: 10,
        filter: |number, _| {
            format!(
                "attributes.a == 'x' && attributes.b == 'value {}' && !(age == {})",
                number / 10,
                number % 10
            )
        },
        attributes: |person, count| format!(r#"{{"a":"x","b":"value {}"}}"#, person % (count / 10)),
    },
    Workload {
        name: "startsWith",
        matching: 10,
        filter: |number, _| {
            format!(
                "attributes.a.startsWith('name {:07}{}')",
                number / 10,
                &"abcdefghij"[..=(number % 10) as usize]
            )
        },
        attributes: |person, count| {
            format!(r#"{{"a":"name {:07}abcdefghijk"}}"#, person % (count / 10))
        },
    },
];

fn view(text: &str) -> View {
    View {
        filter: Filter::parse(text).expect("a filter"),
        ..View::default()
    }
}

fn person() -> (PersonId, FieldsJson) {
    (
        id(1).parse().expect("an id"),
        FieldsJson::from_stored(PERSON).expect("a person"),
    )
}

/// Bytes that the allocator has given out.
fn allocated() -> usize {
    tikv_jemalloc_ctl::epoch::advance().expect("jemalloc counts");
    tikv_jemalloc_ctl::stats::allocated::read().expect("jemalloc counts")
}

fn filters(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("filter");
    let text = r#"attributes.team == "analytical" && age >= 18 && !(job in ["cook", "poet"])"#;
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Filter::parse(black_box(text)).expect("a filter"));
    });
    let view = view(text);
    let (id, fields) = person();
    group.bench_function("judge a new image", |bencher| {
        bencher.iter(|| view.verdict(black_box(&Images::new(id, None, Some(&fields)))));
    });
    let images = Images::new(id, None, Some(&fields));
    group.bench_function("judge an image that was read", |bencher| {
        bencher.iter(|| view.verdict(black_box(&images)));
    });
    group.finish();
}

/// A workload's views in an index, and its people. It takes a while among a million, so it is made
/// only where criterion asks for one of its benchmarks.
struct Prepared {
    views: Vec<View>,
    index: Index,
    people: Vec<FieldsJson>,
}

impl Prepared {
    /// Prints what a search touches, and what a view takes.
    fn new(workload: &Workload, count: u32) -> Self {
        let views: Vec<View> = (0..count)
            .map(|number| view(&(workload.filter)(number, count)))
            .collect();
        let before = allocated();
        let mut index = Index::default();
        for (number, view) in (0..).zip(&views) {
            index.add(number, view);
        }
        let bytes = allocated() - before;
        let person = |person| {
            let attributes = (workload.attributes)(spread(person), count);
            let text = format!(
                r#"{{"firstName":"A","lastName":"B","age":36,"job":"","attributes":{attributes}}}"#
            );
            FieldsJson::from_stored(&text).expect("a person")
        };
        let prepared = Self {
            views,
            index,
            people: (0..PEOPLE).map(person).collect(),
        };
        report(
            workload.name,
            count,
            prepared.checked(workload.matching),
            bytes,
        );
        prepared
    }

    fn images(&self) -> Vec<Images<'_>> {
        let (id, _) = person();
        self.people
            .iter()
            .map(|fields| Images::new(id, Some(fields), Some(fields)))
            .collect()
    }

    /// That all views are found that match; returns what the last search touched.
    fn checked(&self, matching: usize) -> Looked {
        let mut found = Vec::new();
        let mut looked = Looked::default();
        for images in &self.images() {
            looked = self.index.candidates(images, &mut found);
            found.retain(|number| self.views[*number as usize].verdict(images) != Verdict::Outside);
            assert_eq!(found.len(), matching, "the views that match are found");
        }
        looked
    }
}

fn index(criterion: &mut Criterion) {
    for workload in &WORKLOADS {
        let mut group = criterion.benchmark_group(format!("index, {}", workload.name));
        for count in COUNTS {
            let mut prepared = None;
            group.bench_function(BenchmarkId::new("search", count), |bencher| {
                let prepared = &*prepared.get_or_insert_with(|| Prepared::new(workload, count));
                let images = prepared.images();
                let mut turns = images.iter().cycle();
                let mut found = Vec::new();
                bencher.iter(|| {
                    prepared.index.candidates(
                        black_box(turns.next().expect("there are people")),
                        &mut found,
                    )
                });
            });
            // One leaves and comes again, all over the index.
            let mut turn = 0_u32;
            group.bench_function(BenchmarkId::new("remove and add one", count), |bencher| {
                let Prepared { views, index, .. } =
                    prepared.get_or_insert_with(|| Prepared::new(workload, count));
                bencher.iter(|| {
                    turn = turn.wrapping_add(1);
                    let number = spread(turn) % count;
                    index.remove(number);
                    index.add(number, &views[number as usize]);
                });
            });
        }
        group.finish();
    }
}

/// Brings numbers that follow each other far apart.
const fn spread(number: u32) -> u32 {
    number.wrapping_mul(0x9e37_79b1)
}

fn report(name: &str, count: u32, looked: Looked, bytes: usize) {
    let Looked { entries, nodes } = looked;
    let bytes = bytes / count as usize;
    writeln!(
        std::io::stdout(),
        "{name} among {count}: {entries} entries, {nodes} places touched, {bytes} bytes a view"
    )
    .expect("somebody reads the results");
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(40)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = filters, index
}
criterion_main!(benches);
