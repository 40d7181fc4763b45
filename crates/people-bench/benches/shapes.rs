//! Micro benchmark of the shapes of filters: a thousand different views of 64 conditions each (a
//! hundred of those with patterns), none of which matches the change. It searches the index, and
//! evaluates the candidates. `cargo bench --bench shapes`
//!
//! Beside the times it prints the number of candidates.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use people_gateway::domain::{FieldsJson, PersonId};
use people_gateway::filter::{Images, Index, Verdict, View};
use people_gateway::rights::Scope;

/// The gateway's own allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const VIEWS: usize = 1000;
/// Views with patterns: a compiled pattern takes some kilobytes.
const VIEWS_WITH_PATTERNS: usize = 100;
const CONDITIONS: usize = 64;

/// Filters of one shape.
struct FilterShape {
    name: &'static str,
    filter: fn(usize) -> String,
}

const SHAPES: [FilterShape; 15] = [
    FilterShape {
        name: "|| of ==",
        filter: |view| any(|n| format!("attributes.k{n} == {}", 100 * view + n + 2)),
    },
    FilterShape {
        name: "|| of <, >=",
        filter: |view| any(|n| format!("attributes.k{n} >= {}", view + n + 2)),
    },
    FilterShape {
        name: "|| of in with 15 items",
        filter: |view| {
            any(|n| {
                format!(
                    "attributes.k{n} in [{}]",
                    (0..15)
                        .map(|item| (1000 * view + 20 * n + item + 2).to_string())
                        .collect::<Vec<_>>()
                        .join(",")
                )
            })
        },
    },
    FilterShape {
        name: "|| of startsWith",
        filter: |view| any(|n| format!("job.startsWith('word {view} {n}')")),
    },
    FilterShape {
        name: "|| of endsWith",
        filter: |view| any(|n| format!("job.endsWith('word {view} {n}')")),
    },
    FilterShape {
        name: "|| of contains",
        filter: |view| any(|n| format!("job.contains('word {view} {n}')")),
    },
    FilterShape {
        name: "|| of matches with a text",
        filter: |view| any(|n| format!("job.matches('^w{view}_{n}[a-z]')")),
    },
    FilterShape {
        name: "|| of size",
        filter: |view| any(|n| format!("size(attributes.list) == {}", 64 * view + n + 4)),
    },
    FilterShape {
        name: "&&, 63 of 64 in common and true",
        filter: |view| {
            all(|n| {
                if n < 63 {
                    format!("attributes.k{n} == 1")
                } else {
                    format!("attributes.own == {view}")
                }
            })
        },
    },
    FilterShape {
        name: "&& of 32 pairs with ||, 31 in common and true",
        filter: |view| {
            let pairs = (0..32).map(|n| match n {
                31 => format!(
                    "(attributes.own == {} || attributes.own == {})",
                    2 * view,
                    2 * view + 1
                ),
                n => format!("(attributes.k{n} == 1 || attributes.k{n} == 2)"),
            });
            pairs.collect::<Vec<_>>().join(" && ")
        },
    },
    FilterShape {
        name: "! of || of != on known fields",
        filter: |view| {
            format!(
                "!({})",
                any(|n| if n < 63 {
                    format!("lastName == 'name {n}'")
                } else {
                    format!("job != 'j{view}'")
                })
            )
        },
    },
    FilterShape {
        name: "&& of 63 !=, and one ==",
        filter: |view| {
            all(|n| {
                if n < 63 {
                    format!("attributes.k{n} != 2")
                } else {
                    format!("attributes.own == {view}")
                }
            })
        },
    },
    FilterShape {
        name: "&& of 63 !has, and a ! of an attribute (evaluated)",
        filter: |view| {
            all(|n| {
                if n < 63 {
                    format!("!has(attributes.absent{n})")
                } else {
                    format!("!(attributes.k0 in [1, {}])", view + 2)
                }
            })
        },
    },
    FilterShape {
        name: "|| of matches without a text (evaluated)",
        filter: |view| any(|n| format!("job.matches('^(?i)w{view}_{n}')")),
    },
    FilterShape {
        name: "&& of 63 != on known fields, and a false one (evaluated)",
        filter: |view| {
            all(|n| {
                if n < 63 {
                    format!("lastName != 'name {view} {n}'")
                } else {
                    "job != 'Analyst of engines, in London since 1833'".to_owned()
                }
            })
        },
    },
];

fn any(condition: impl Fn(usize) -> String) -> String {
    (0..CONDITIONS)
        .map(condition)
        .collect::<Vec<_>>()
        .join(" || ")
}

fn all(condition: impl Fn(usize) -> String) -> String {
    (0..CONDITIONS)
        .map(condition)
        .collect::<Vec<_>>()
        .join(" && ")
}

fn person(age: u8) -> FieldsJson {
    let keys: Vec<String> = (0..CONDITIONS).map(|n| format!(r#""k{n}":1"#)).collect();
    let text = format!(
        concat!(
            r#"{{"firstName":"Ada","lastName":"Lovelace","age":{},"#,
            r#""job":"Analyst of engines, in London since 1833","#,
            r#""attributes":{{"list":[1,2,3],"own":-1,{}}}}}"#
        ),
        age,
        keys.join(",")
    );
    FieldsJson::from_stored(&text).expect("a person")
}

/// Searches for the candidates of a change, evaluates them, and returns their number.
fn evaluate(index: &Index, views: &[View], images: &Images<'_>, found: &mut Vec<u32>) -> usize {
    index.candidates(images, found);
    let matching = found
        .iter()
        .filter(|number| views[**number as usize].verdict(images) != Verdict::Outside)
        .count();
    assert_eq!(matching, 0, "no view matches");
    found.len()
}

fn shapes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("shapes");
    let id: PersonId = "0190f3e2-7c1b-7d9a-8f00-1234567890ab"
        .parse()
        .expect("an id");
    let (before, after) = (person(36), person(37));
    for FilterShape { name, filter } in &SHAPES {
        group.bench_function(*name, |bencher| {
            let view = |number| View {
                filter: Scope::everything()
                    .filter(&filter(number))
                    .expect("a filter"),
                ..View::default()
            };
            let count = if name.contains("matches") {
                VIEWS_WITH_PATTERNS
            } else {
                VIEWS
            };
            let views: Vec<View> = (0..count).map(view).collect();
            let mut index = Index::default();
            for (number, view) in (0..).zip(&views) {
                index.add(number, view);
            }
            let mut found = Vec::new();
            let candidates = evaluate(
                &index,
                &views,
                &Images::new(id, Some(&before), Some(&after)),
                &mut found,
            );
            let census = index.census();
            writeln!(
                std::io::stdout(),
                "{name}: {candidates} candidates of {count} views; {census:?}"
            )
            .expect("standard output is open");
            bencher.iter(|| {
                evaluate(
                    &index,
                    &views,
                    &Images::new(id, Some(black_box(&before)), Some(&after)),
                    &mut found,
                )
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = shapes
}
criterion_main!(benches);
