//! Micro benchmarks of matching: parse a filter, evaluate it on an image, search the index among a
//! thousand, a hundred thousand and a million views, of which ten match, and add and remove views.
//! `cargo bench --bench matching`
//!
//! Beside the times it prints the cost of a search, and the index's bytes for each view.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use people_bench::person::{PERSON, id};
use people_gateway::domain::{FieldsJson, PersonId};
use people_gateway::filter::{Filter, Images, Index, SearchCost, Verdict, View};
use people_gateway::rights::Scope;

/// The gateway's own allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const COUNTS: [u32; 3] = [1_000, 100_000, 1_000_000];
/// The people of the searches: enough to keep the paths of single searches out of the processor's
/// caches.
const PEOPLE: u32 = 4_096;

/// Numbered filters of one kind, and people that each match a few of them.
struct MatchingWorkload {
    name: &'static str,
    /// The number of filters that each person matches.
    matching: usize,
    /// The filter with this number, of this count.
    filter: fn(u32, u32) -> String,
    /// The attributes of the person with this number, for this count of filters.
    attributes: fn(u32, u32) -> String,
}

// The index cannot use the condition in which similar filters differ. Equal filters would be one
// group.
const WORKLOADS: [MatchingWorkload; 7] = [
    MatchingWorkload {
        name: "a == x, a value each",
        matching: 1,
        filter: |number, _| format!("attributes.a == 'value {number}'"),
        attributes: |person, count| format!(r#"{{"a":"value {}"}}"#, person % count),
    },
    MatchingWorkload {
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
    MatchingWorkload {
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
    MatchingWorkload {
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
    MatchingWorkload {
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
    MatchingWorkload {
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
    MatchingWorkload {
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
        filter: Scope::everything().filter(text).expect("a filter"),
        ..View::default()
    }
}

fn person() -> (PersonId, FieldsJson) {
    (
        id(1).parse().expect("an id"),
        FieldsJson::from_stored(PERSON).expect("a person"),
    )
}

/// The allocated bytes.
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
    group.bench_function("evaluate a new image", |bencher| {
        bencher.iter(|| view.verdict(black_box(&Images::new(id, None, Some(&fields)))));
    });
    let images = Images::new(id, None, Some(&fields));
    group.bench_function("evaluate a parsed image", |bencher| {
        bencher.iter(|| view.verdict(black_box(&images)));
    });
    group.finish();
}

/// A workload's views in an index, and its people. Criterion makes it lazily, because a million
/// views take a while.
struct Fixture {
    views: Vec<View>,
    index: Index,
    people: Vec<FieldsJson>,
}

impl Fixture {
    /// Prints the cost of a search, and the bytes of a view.
    fn new(workload: &MatchingWorkload, count: u32) -> Self {
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
        let fixture = Self {
            views,
            index,
            people: (0..PEOPLE).map(person).collect(),
        };
        report(
            workload.name,
            count,
            fixture.checked(workload.matching),
            bytes,
        );
        fixture
    }

    fn images(&self) -> Vec<Images<'_>> {
        let (id, _) = person();
        self.people
            .iter()
            .map(|fields| Images::new(id, Some(fields), Some(fields)))
            .collect()
    }

    /// Asserts that a search finds all views that match; returns the cost of the last one.
    fn checked(&self, matching: usize) -> SearchCost {
        let mut found = Vec::new();
        let mut cost = SearchCost::default();
        for images in &self.images() {
            cost = self.index.candidates(images, &mut found);
            found.retain(|number| self.views[*number as usize].verdict(images) != Verdict::Outside);
            assert_eq!(found.len(), matching, "the search finds all matching views");
        }
        cost
    }
}

fn index(criterion: &mut Criterion) {
    for workload in &WORKLOADS {
        let mut group = criterion.benchmark_group(format!("index, {}", workload.name));
        for count in COUNTS {
            let mut fixture = None;
            group.bench_function(BenchmarkId::new("search", count), |bencher| {
                let fixture = &*fixture.get_or_insert_with(|| Fixture::new(workload, count));
                let images = fixture.images();
                let mut next = images.iter().cycle();
                let mut found = Vec::new();
                bencher.iter(|| {
                    fixture.index.candidates(
                        black_box(next.next().expect("the cycle never ends")),
                        &mut found,
                    )
                });
            });
            // Removes and adds views all over the index.
            let mut turn = 0_u32;
            group.bench_function(BenchmarkId::new("remove and add one", count), |bencher| {
                let Fixture { views, index, .. } =
                    fixture.get_or_insert_with(|| Fixture::new(workload, count));
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

/// Spreads consecutive numbers over the range of `u32`.
const fn spread(number: u32) -> u32 {
    number.wrapping_mul(0x9e37_79b1)
}

fn report(name: &str, count: u32, cost: SearchCost, bytes: usize) {
    let SearchCost { entries, nodes } = cost;
    let bytes = bytes / count as usize;
    writeln!(
        std::io::stdout(),
        "{name} among {count}: {entries} entries, {nodes} nodes touched, {bytes} bytes a view"
    )
    .expect("standard output is open");
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
