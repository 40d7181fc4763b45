//! Micro benchmarks of who is concerned by a change: a filter is parsed, judges one image; the index is searched among a
//! thousand, a hundred thousand, a million views, of which ten match; views come and go. `cargo bench --bench matching`
//!
//! Beside the times it prints what a search touched, and the bytes that the allocator gave for a view's place in the index.

mod support;

use std::hint::black_box;
use std::io::Write as _;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use people_gateway::domain::{FieldsJson, PersonId};
use people_gateway::filter::{Filter, Images, Index, Verdict, View};
use support::person::{PERSON, id};

/// The gateway's own allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const COUNTS: [u32; 3] = [1_000, 100_000, 1_000_000];
/// The first views of each kind match the person; all others don't.
const MATCHING: u32 = 10;

/// Filters by number, of one kind.
struct Workload {
    name: &'static str,
    text: fn(u32) -> String,
}

/// Ten filters with the person's value, all others with one of their own. The ten are told apart by a condition that says
/// nothing to the index, for equal filters are one class.
fn equality(number: u32) -> String {
    match number {
        0..MATCHING => format!("attributes.team == 'analytical' && !(age == {number})"),
        _ => format!("attributes.team == 'team {number}'"),
    }
}

fn ranges(number: u32) -> String {
    match number {
        0..MATCHING => format!("attributes.score >= {number} && attributes.score < 99"),
        _ => format!("attributes.score >= {} && attributes.score < {}", 100 + number, 110 + number),
    }
}

fn one_sided(number: u32) -> String {
    let bound = if number < MATCHING { number } else { 100 + number };
    format!("attributes.score >= {bound}")
}

/// A thousand teams at a million; each team's filters have bounds of their own.
fn conjunction(number: u32) -> String {
    match number {
        0..MATCHING => format!("attributes.team == 'analytical' && attributes.score >= {number}"),
        _ => format!("attributes.team == 'team {}' && attributes.score >= {number}", number % 1_000),
    }
}

/// One team, and a city of everybody's own.
fn conjunction_of_equalities(number: u32) -> String {
    let city = if number < MATCHING { "London".to_owned() } else { format!("city {number}") };
    format!("attributes.team == 'analytical' && attributes.city == '{city}' && !(age == {number})")
}

fn prefixes(number: u32) -> String {
    match number {
        0..MATCHING => format!("lastName.startsWith('{}')", &"King, Countess"[..=number as usize]),
        _ => format!("lastName.startsWith('name {number}')"),
    }
}

const WORKLOADS: [Workload; 6] = [
    Workload { name: "a == x", text: equality },
    Workload { name: "a >= x && a < y", text: ranges },
    Workload { name: "a >= x", text: one_sided },
    Workload { name: "a == x && b >= y", text: conjunction },
    Workload { name: "a == x && b == y, one x", text: conjunction_of_equalities },
    Workload { name: "startsWith", text: prefixes },
];

fn view(text: &str) -> View {
    View { filter: Filter::parse(text).expect("a filter"), ..View::default() }
}

fn person() -> (PersonId, FieldsJson) {
    (id(1).parse().expect("an id"), FieldsJson::from_stored(PERSON).expect("a person"))
}

/// Bytes that the allocator has given out.
fn allocated() -> usize {
    tikv_jemalloc_ctl::epoch::advance().expect("jemalloc counts");
    tikv_jemalloc_ctl::stats::allocated::read().expect("jemalloc counts")
}

fn filters(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("filter");
    let text = r#"attributes.team == "analytical" && age >= 18 && !(job in ["cook", "poet"])"#;
    group.bench_function("parse", |bencher| bencher.iter(|| Filter::parse(black_box(text)).expect("a filter")));
    let view = view(text);
    let (id, fields) = person();
    group.bench_function("judge a new image", |bencher| {
        bencher.iter(|| view.verdict(black_box(&Images::new(id, None, Some(&fields)))));
    });
    let images = Images::new(id, None, Some(&fields));
    group.bench_function("judge an image that was read", |bencher| bencher.iter(|| view.verdict(black_box(&images))));
    group.finish();
}

fn index(criterion: &mut Criterion) {
    let (id, fields) = person();
    for workload in WORKLOADS {
        let mut group = criterion.benchmark_group(format!("index, {}", workload.name));
        for count in COUNTS {
            let views: Vec<View> = (0..count).map(|number| view(&(workload.text)(number))).collect();
            let before = allocated();
            let mut index = Index::default();
            for (number, view) in (0..).zip(&views) {
                index.add(number, view);
            }
            let bytes = allocated() - before;

            // What the hub does with a change: both images are read, and the candidates are judged.
            let mut found = Vec::new();
            let images = Images::new(id, Some(&fields), Some(&fields));
            let looked = index.candidates(&images, &mut found);
            found.retain(|number| views[*number as usize].verdict(&images) != Verdict::Outside);
            assert_eq!(found.len(), MATCHING as usize, "the views that match are found");
            writeln!(
                std::io::stdout(),
                "{} among {count}: {} entries and {} places touched, {} bytes a view",
                workload.name,
                looked.entries,
                looked.nodes,
                bytes / views.len(),
            )
            .expect("somebody reads the results");
            group.bench_function(BenchmarkId::new("search", count), |bencher| {
                bencher.iter(|| index.candidates(black_box(&images), &mut found));
            });
            // One leaves and another comes, all over the index.
            let mut step = 0_u32;
            group.bench_function(BenchmarkId::new("remove one and add it again", count), |bencher| {
                bencher.iter(|| {
                    step = step.wrapping_add(0x9e37_79b1);
                    let number = step % count;
                    index.remove(number);
                    index.add(number, &views[number as usize]);
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, filters, index);
criterion_main!(benches);
